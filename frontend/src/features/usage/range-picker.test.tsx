import { fireEvent, render, screen } from '@testing-library/react'
import { useState } from 'react'
import { expect, it } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { RangePicker } from './range-picker'

function Shown() {
  const [range, setRange] = useState({ from: '2026-05-01', to: '2026-05-20' })
  return (
    <TestApp client={testClient({}).client} info={accountInfo}>
      <RangePicker range={range} now={new Date(2026, 5, 1)} onChoose={setRange} />
    </TestApp>
  )
}

it('keeps the focus and what is typed while days are typed digit by digit', () => {
  render(<Shown />)
  const day = screen.getByLabelText<HTMLInputElement>('First day')
  day.focus()
  for (const value of ['2026-05-02', '2026-05-12']) {
    fireEvent.change(day, { target: { value } })
    expect(document.activeElement).toBe(day)
    expect(day.value).toBe(value)
  }
})
