import { screen, render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ServiceInfo } from '@/lib/service-info'
import { chosenModel } from '@/lib/ui-state'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { Chat } from './chat'
import { outbox } from './outbox'

const model = (id: string, more: object = {}) => ({
  __typename: 'Model',
  id,
  name: id,
  description: '',
  available: true,
  default: false,
  trillionMoe: false,
  ...more,
})
const models = [model('kimi-k2', { default: true }), model('away', { available: false }), model('tiny')]
const viewer = { ...accountInfo.viewer, gate: { ageRefused: false } }
const info = { ...accountInfo, models, viewer } as unknown as ServiceInfo

async function say(text: string) {
  const { client } = testClient({})
  render(
    <TestApp client={client} info={info}>
      <Chat conversationId={null} jumpTo={null} onJumped={() => {}} onStarted={() => {}} foot={null} head={() => null} />
    </TestApp>,
  )
  await userEvent.type(screen.getByRole('textbox'), `${text}{Enter}`)
}

beforeEach(() => outbox.set([]))
afterEach(() => {
  outbox.set([])
  localStorage.clear()
  chosenModel.set(null)
})

it.each([
  { chosen: 'tiny', shown: 'tiny' },
  { chosen: 'away', shown: 'kimi-k2' },
  { chosen: null, shown: 'kimi-k2' },
])('asks the model that is shown: $shown when $chosen was chosen', async ({ chosen, shown }) => {
  chosenModel.set(chosen)
  await say('hello')
  screen.getByRole('button', { name: `Model: ${shown}` })
  expect(outbox.get()).toMatchObject([{ text: 'hello', modelId: shown }])
})
