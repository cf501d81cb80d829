import { i18n } from '@lingui/core'
import { I18nProvider } from '@lingui/react'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { Shared } from './shared'

const hostile =
  '<script>alert(1)</script> <img src=x onerror=alert(2)> ![p](https://evil.example/p.png) [a](javascript:alert(3)) <iframe src="https://evil.example"></iframe>'

function show(body: object, status = 200) {
  const asked = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json(body, { status }))
  render(
    <I18nProvider i18n={i18n}>
      <Shared token="token" />
    </I18nProvider>,
  )
  return asked
}

const shared = {
  service: 'Our chat',
  title: 'boats',
  by: '',
  sharedAt: '2026-05-03T10:00:00Z',
  expiresAt: '2026-06-03T10:00:00Z',
  messages: [
    { role: 'USER', text: hostile, reasoning: '', reasoningMs: 0, modelId: '' },
    { role: 'ASSISTANT', text: hostile, reasoning: 'a thought', reasoningMs: 1500, modelId: 'kimi-k2' },
  ],
}

it('P87, P96: shows what was shared as text that runs and loads nothing, and asks for nothing but it', async () => {
  const asked = show(shared)
  await screen.findByRole('heading', { level: 1, name: 'boats' })
  await screen.findByText(/^A conversation as it was on May 3, 2026/)
  expect(document.querySelectorAll('script, img, iframe, [onerror]')).toHaveLength(0)
  const addresses = [...document.querySelectorAll('a')].map((link) => link.getAttribute('href'))
  expect(addresses.filter((address) => address?.startsWith('javascript:'))).toEqual([])
  expect(addresses).toContain('/continue#token')
  expect(screen.queryByText('a thought')).toBeNull()
  await userEvent.click(screen.getByRole('button', { name: 'Thought for 2 seconds' }))
  await screen.findByText('a thought')
  expect(asked).toHaveBeenCalledTimes(1)
})

it('says what became of a link, and tries again what may come', async () => {
  const asked = show({}, 429)
  await screen.findByRole('heading', { name: 'Too many links at once' })
  asked.mockImplementation(async () => Response.json({}, { status: 410 }))
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
  await screen.findByRole('heading', { name: 'This link no longer opens' })
  expect(screen.queryByRole('link', { name: 'Continue from here' })).toBeNull()
})
