import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { Estimates } from './estimates'

it('shows by model how it is counted, and how far our count was off', () => {
  render(
    <TestApp client={testClient({}).client} info={accountInfo}>
      <Estimates
        estimates={[
          { modelId: 'gpt-oss:20b', tokenizer: 'o200k_base', acts: 1_200, promptRatio: 0.75, outputRatio: 1, outputErrorP95: 0.02 },
          { modelId: 'kimi-k2', tokenizer: null, acts: 5, promptRatio: 1.15, outputRatio: 0.8, outputErrorP95: 0.375 },
        ]}
      />
    </TestApp>,
  )
  const rows = screen.getAllByRole('row').map((row) => [...row.children].map((cell) => cell.textContent))
  expect(rows).toEqual([
    ['Model', 'Counted by', 'Requests', 'Read, median', 'Written, median', 'Written, 95 of 100 within'],
    ['gpt-oss:20b', 'o200k_base', '1,200', '-25%', '0%', '±2%'],
    ['kimi-k2', 'the estimate', '5', '+15%', '-20%', '±37.5%'],
  ])
})
