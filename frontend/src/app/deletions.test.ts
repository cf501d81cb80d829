import { waitFor } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { signOut } from '@/features/account/sign-out'
import { toasts } from '@/lib/toasts'
import { signingOut } from '@/lib/ui-state'
import { testClient } from '@/test-client'
import { deleteConversation, leaving } from '@/lib/deletions'

const deleted = (deletedId: string | null) => ({
  conversationDelete: { __typename: 'ConversationDeletePayload', deletedId, userErrors: [] },
})
const page = (answer: () => unknown) => testClient({ ConversationDelete: answer })

function hide() {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  document.dispatchEvent(new Event('visibilitychange'))
}

beforeEach(() => {
  toasts.set([])
  leaving.set(new Set())
  signingOut.set(false)
})
afterEach(() => {
  vi.useRealTimers()
})

it('a deletion that waits is done before the session ends', async () => {
  const order: string[] = []
  const { client } = page(() => {
    order.push('deletion')
    return deleted('con_1')
  })
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    order.push('sign-out')
    return new Response(null, { status: 204 })
  })
  deleteConversation(client, 'con_1')
  await signOut(() => order.push('gone'))
  expect(order).toEqual(['deletion', 'sign-out', 'gone'])
})

it('a server that answers no deletion delays a sign-out for three seconds only', async () => {
  vi.useFakeTimers()
  const { client } = page(() => new Promise(() => {}))
  const ended = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 204 }))
  deleteConversation(client, 'con_1')
  const gone = signOut(() => {})
  await vi.advanceTimersByTimeAsync(2_900)
  expect(ended).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  await gone
  expect(ended).toHaveBeenCalledTimes(1)
})

it('a page that is hidden deletes at once, and nothing is left to undo', async () => {
  const { client, asked } = page(() => deleted('con_1'))
  deleteConversation(client, 'con_1')
  const undo = toasts.get()[0]?.action
  hide()
  await waitFor(() => expect(asked).toHaveLength(1))
  expect(toasts.get()).toEqual([])
  undo?.run()
  await waitFor(() => expect(leaving.get().size).toBe(0))
  expect(asked).toHaveLength(1)
})

it('what a page that went away could not delete is there when it comes back', async () => {
  const { client } = page(() => new Error('no line'))
  deleteConversation(client, 'con_1')
  window.dispatchEvent(new Event('pagehide'))
  expect(leaving.get()).toEqual(new Set(['con_1']))
  await waitFor(() => expect(leaving.get()).toEqual(new Set()))
  expect(toasts.get()).toMatchObject([{ tone: 'danger' }])
})

it('what is undone in time is never sent', async () => {
  vi.useFakeTimers()
  const { client, asked } = page(() => deleted('con_1'))
  deleteConversation(client, 'con_1')
  toasts.get()[0]?.action?.run()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(leaving.get().size).toBe(0)
  expect(asked).toEqual([])
})
