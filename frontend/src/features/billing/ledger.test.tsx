import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { browserZone } from '@/lib/browser-zone'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { Ledger } from './ledger'

it('the CSV has the moments of the page', () => {
  render(
    <TestApp client={testClient({}).client} info={accountInfo}>
      <Ledger />
    </TestApp>,
  )
  const address = screen.getByRole('link', { name: 'Download as CSV' }).getAttribute('href')
  const { pathname, searchParams } = new URL(address ?? '', 'http://a')
  expect([pathname, searchParams.get('timeZone')]).toEqual(['/billing/ledger.csv', browserZone()])
})
