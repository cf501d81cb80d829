import { act, render, renderHook, screen, waitFor } from '@testing-library/react'
import { type ReactNode, useRef } from 'react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { missedEvents } from '@/lib/ui-state'
import { accountInfo, TestApp, testClient } from '@/test-client'
import type { ThreadHandle } from './thread-view'
import { useJump } from './use-jump'
import { useOlder } from './use-older'
import { type Thread, useThread } from './use-thread'

const message = (id: string) => ({
  __typename: 'Message',
  id,
  role: 'USER',
  text: id,
  reasoning: '',
  reasoningMs: null,
  status: 'COMPLETE',
  lastSeq: 1,
  engineName: null,
  finishReason: null,
  droppedMessages: 0,
  createdAt: '2026-01-01T00:00:00.000000Z',
  model: null,
  error: null,
  usage: null,
  credits: null,
  siblings: [{ __typename: 'Message', id }],
})
const thread = (id: string, hasNextPage: boolean) => ({
  viewer: {
    __typename: 'Viewer',
    id: 'own_1',
    conversation: {
      __typename: 'Conversation',
      id: 'con_1',
      title: 'con_1',
      pinned: false,
      updatedAt: '2026-01-01T00:00:00.000000Z',
      activeReply: null,
      leaf: { __typename: 'Message', id: 'q2' },
      branch: {
        __typename: 'MessageConnection',
        edges: [{ __typename: 'MessageEdge', cursor: id, node: message(id) }],
        pageInfo: { __typename: 'PageInfo', hasNextPage, endCursor: id },
      },
    },
  },
})

/** Follows a thread of two pages whose second can't be loaded until the line works again. */
function follow(use: (now: Thread) => void) {
  const server = { broken: true }
  const { client, asked } = testClient({
    Thread: ({ after }) => (after ? (server.broken ? new Error('no line') : thread('q1', false)) : thread('q2', true)),
  })
  const wrapper = ({ children }: { children: ReactNode }) => (
    <TestApp client={client} info={accountInfo}>
      {children}
    </TestApp>
  )
  const { result } = renderHook(
    () => {
      const now = useThread('con_1')
      use(now)
      return now
    },
    { wrapper },
  )
  return { server, now: () => result.current, tries: () => asked.filter(({ variables }) => variables.after).length }
}

beforeEach(() => missedEvents.set(0))
afterEach(() => vi.unstubAllGlobals())

it('a jump whose earlier pages can’t be loaded asks once, and goes on when the line is back', async () => {
  const view = { current: { reveal: vi.fn<() => boolean>(() => true) } as unknown as ThreadHandle }
  const done = vi.fn<() => void>()
  const { server, now, tries } = follow((shown) => useJump('q1', shown, view, async () => {}, done))
  await waitFor(() => expect(now().older).toBe('failed'))
  await act(async () => {})
  expect(tries()).toBe(1)
  server.broken = false
  act(() => missedEvents.set(1))
  await waitFor(() => expect(done).toHaveBeenCalled())
  expect(now().messages.map(({ id }) => id)).toEqual(['q1', 'q2'])
})

it('earlier messages that couldn’t be loaded are asked for again by the person', async () => {
  const { server, now, tries } = follow(() => {})
  await waitFor(() => expect(now().state).toBe('ready'))
  await act(() => now().loadOlder())
  expect(now().older).toBe('failed')
  server.broken = false
  await act(() => now().loadOlder())
  expect([now().older, now().hasOlder, tries()]).toEqual(['idle', false, 2])
})

it('their place is looked at again when a failure is over', () => {
  const observed: Element[] = []
  class Observer {
    readonly disconnect = () => {}
    readonly tell: (entries: { isIntersecting: boolean }[]) => void
    constructor(tell: Observer['tell']) {
      this.tell = tell
    }
    observe(element: Element) {
      observed.push(element)
      this.tell([{ isIntersecting: true }])
    }
  }
  vi.stubGlobal('IntersectionObserver', Observer)
  const loadOlder = vi.fn<() => Promise<void>>(async () => {})
  function Place({ older }: Pick<Thread, 'older'>) {
    const view = useRef<HTMLDivElement>(null)
    const top = useOlder(view, view, { hasOlder: true, older, loadOlder }, 'q2')
    return (
      <div ref={view}>
        <div ref={top}>place</div>
      </div>
    )
  }
  const { rerender } = render(<Place older="idle" />)
  expect(screen.getByText('place')).toBe(observed[0])
  rerender(<Place older="loading" />)
  rerender(<Place older="failed" />)
  expect(loadOlder).toHaveBeenCalledTimes(1)
  rerender(<Place older="idle" />)
  expect(loadOlder).toHaveBeenCalledTimes(2)
})
