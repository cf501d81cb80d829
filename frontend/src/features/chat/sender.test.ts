import { Client, fetchExchange } from '@urql/core'
import { waitFor } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { closeQuestion, missing, question } from '@/lib/questions'
import { draftOf } from '@/lib/drafts'
import { draftKeyPrefix } from '@/lib/storage-keys'
import { toasts } from '@/lib/toasts'
import { missedEvents } from '@/lib/ui-state'
import { testClient } from '@/test-client'
import { enqueue, outbox } from './outbox'
import { onSettled, type Settled, startSender } from './sender'

// Without the hashes, which take their own time whatever the clock of a test says.
vi.mock('@/lib/live/send', () => ({ send: (url: RequestInfo | URL, init?: RequestInit) => fetch(url, init) }))

const message = { conversationId: null, editOf: null, text: 'hello', modelId: null }
let ends: (() => void)[] = []

const refusal = (code: string) => ({
  __typename: 'Mutation',
  messageSend: {
    __typename: 'MessageSendPayload',
    conversation: null,
    message: null,
    reply: null,
    viewer: null,
    userErrors: [{ __typename: 'InputError', code, message: 'no', field: null }],
  },
})

/** Starts sending to a server that answers with refusals, in this order, and then never again. */
function start(...codes: string[]) {
  const left = [...codes]
  const never = new Promise(() => {})
  const { client, asked } = testClient({ MessageSend: () => (left.length > 0 ? refusal(left.shift()!) : never) })
  const settled: Settled[] = []
  ends.push(
    startSender(client),
    onSettled((one) => settled.push(one)),
  )
  return { asked, settled, sent: () => asked.map(({ variables }) => (variables.input as { clientId: string }).clientId) }
}

beforeEach(() => {
  localStorage.clear()
  outbox.set([])
  draftOf('new').set('')
  question.set(null)
  missing.set(null)
})
afterEach(() => {
  for (const end of ends) end()
  ends = []
})

it('P7: what is known to be missing is asked before anything is sent', () => {
  const { asked } = start()
  missing.set('AGE_CONFIRMATION_REQUIRED')
  const { clientId } = enqueue(message)
  expect(question.get()).toMatchObject({ code: 'AGE_CONFIRMATION_REQUIRED', place: 'COMPOSER' })
  expect(asked).toEqual([])
  expect(outbox.get()).toMatchObject([{ clientId, state: { phase: 'held' } }])
})

it('P121: the same message goes under the same key once everything is answered', async () => {
  const { sent } = start()
  missing.set('AGE_CONFIRMATION_REQUIRED')
  const { clientId } = enqueue(message)
  closeQuestion('passed')
  await waitFor(() => expect(sent()).toEqual([clientId]))
})

it('asks also when only the server knows, each thing in its turn', async () => {
  const { sent } = start('POLICY_ACCEPTANCE_REQUIRED', 'CONSENT_REQUIRED')
  const { clientId } = enqueue(message)
  await waitFor(() => expect(question.get()?.code).toBe('POLICY_ACCEPTANCE_REQUIRED'))
  closeQuestion('passed')
  await waitFor(() => expect(question.get()).toMatchObject({ code: 'CONSENT_REQUIRED', message: 'no' }))
  closeQuestion('passed')
  await waitFor(() => expect(sent()).toEqual([clientId, clientId, clientId]))
})

it('P38: unanswered, the text goes back to where it was typed', () => {
  const { settled, asked } = start()
  missing.set('POLICY_ACCEPTANCE_REQUIRED')
  enqueue(message)
  closeQuestion('closed')
  expect(settled).toMatchObject([{ kind: 'returned', message: { text: 'hello' }, refusal: null }])
  expect(outbox.get()).toEqual([])
  expect(asked).toEqual([])
})

it('a refused text is back where it was typed, whatever page is open, and nothing that was typed since is lost', async () => {
  const { client } = testClient({ MessageSend: () => refusal('GUEST_LIMIT_REACHED') })
  ends.push(startSender(client))
  enqueue(message)
  await waitFor(() => expect(toasts.get()).toMatchObject([{ tone: 'danger' }]))
  expect(outbox.get()).toEqual([])
  expect(draftOf('new').get()).toBe('hello')
  draftOf('new').set('typed since')
  enqueue(message)
  await waitFor(() => expect(draftOf('new').get()).toBe('hello\n\ntyped since'))
  expect(localStorage.getItem(`${draftKeyPrefix}new`)).toContain('typed since')
})

it('P121: a refusal of the age gives the text back and has the page look again', async () => {
  const before = missedEvents.get()
  const { settled } = start('AGE_REFUSED')
  enqueue(message)
  await waitFor(() => expect(settled).toMatchObject([{ kind: 'returned', refusal: { code: 'AGE_REFUSED' } }]))
  expect(missedEvents.get()).toBe(before + 1)
})

it('what nothing answered for long goes under the same key when the line comes back', async () => {
  vi.useFakeTimers()
  ends.push(() => void vi.useRealTimers())
  let broken = true
  const never = new Promise(() => {})
  const { client, asked } = testClient({ MessageSend: () => (broken ? new Error('no line') : never) })
  ends.push(startSender(client))
  const { clientId } = enqueue(message)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(outbox.get()).toMatchObject([{ state: { phase: 'failed', refusal: null } }])
  const before = asked.length
  broken = false
  window.dispatchEvent(new Event('online'))
  await vi.advanceTimersByTimeAsync(0)
  expect(asked).toHaveLength(before + 1)
  expect(asked.at(-1)?.variables).toMatchObject({ input: { clientId } })
  expect(outbox.get()).toMatchObject([{ state: { phase: 'sending' } }])
})

/** A server that takes what is sent and never answers; `answer` has it answer from then on. */
function silentServer() {
  vi.useFakeTimers()
  ends.push(() => void vi.useRealTimers())
  const sent: string[] = []
  let answers = false
  vi.spyOn(globalThis, 'fetch').mockImplementation((_url, init) => {
    const { variables } = JSON.parse(init?.body as string) as { variables: { input: { clientId: string } } }
    sent.push(variables.input.clientId)
    if (answers) return Promise.resolve(new Response(JSON.stringify({ data: refusal('STORAGE_FULL') })))
    return new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error))
    })
  })
  ends.push(startSender(new Client({ url: '/graphql', preferGetMethod: false, exchanges: [fetchExchange] })))
  return { sent, answer: () => void (answers = true) }
}

it('a try that nothing answers is given up after half a minute and made again under the same key', async () => {
  const { sent, answer } = silentServer()
  const { clientId } = enqueue(message)
  await vi.advanceTimersByTimeAsync(29_000)
  expect(outbox.get()).toMatchObject([{ state: { phase: 'sending' } }])
  answer()
  await vi.advanceTimersByTimeAsync(3_000)
  expect(sent).toEqual([clientId, clientId])
  expect(outbox.get()).toMatchObject([{ state: { phase: 'failed', refusal: { code: 'STORAGE_FULL' } } }])
})

it('a long text has longer to be sent', async () => {
  const { sent } = silentServer()
  enqueue({ ...message, text: 'x'.repeat(800_000) })
  await vi.advanceTimersByTimeAsync(120_000)
  expect(sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(sent).toHaveLength(2)
})

it('what nothing has answered is sent again at once when the line comes back', async () => {
  const { sent, answer } = silentServer()
  const { clientId } = enqueue(message)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(sent).toEqual([clientId])
  answer()
  window.dispatchEvent(new Event('online'))
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toEqual([clientId, clientId])
})

it('what the server refused waits for the person, also when the line comes back', async () => {
  const { sent } = start('STORAGE_FULL')
  enqueue(message)
  await waitFor(() => expect(outbox.get()).toMatchObject([{ state: { phase: 'failed', refusal: { code: 'STORAGE_FULL' } } }]))
  window.dispatchEvent(new Event('online'))
  expect(outbox.get()).toMatchObject([{ state: { phase: 'failed' } }])
  expect(sent()).toHaveLength(1)
})

it('P36: nothing is sent before it is known who sends', async () => {
  missing.set('unknown')
  const { asked, sent } = start()
  const { clientId } = enqueue(message)
  expect(asked).toEqual([])
  missing.set(null)
  await waitFor(() => expect(sent()).toEqual([clientId]))
})
