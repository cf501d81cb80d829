import { act, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { type ReactNode, type Ref, useImperativeHandle } from 'react'
import { beforeEach, expect, it, vi } from 'vitest'
import { missedEvents } from '@/lib/ui-state'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { ConversationList } from './conversation-list'

// Nothing is laid out here: all rows are in sight.
vi.mock('virtua', () => ({
  VList({ ref, children }: { ref: Ref<object>; children: ReactNode }) {
    useImperativeHandle(ref, () => ({ scrollSize: 0, scrollOffset: 0, viewportSize: 0 }))
    return <div>{children}</div>
  },
}))
vi.mock('./conversation-row', () => ({
  ConversationRow: ({ conversation }: { conversation: { title: string } }) => <p>{conversation.title}</p>,
}))

const page = (id: string, hasNextPage: boolean) => ({
  viewer: {
    __typename: 'Viewer',
    id: 'own_1',
    conversations: {
      __typename: 'ConversationConnection',
      edges: [
        {
          __typename: 'ConversationEdge',
          cursor: id,
          node: {
            __typename: 'Conversation',
            id,
            title: id,
            pinned: false,
            updatedAt: '2026-01-01T00:00:00.000000Z',
            activeReply: null,
          },
        },
      ],
      pageInfo: { __typename: 'PageInfo', hasNextPage, endCursor: id },
    },
  },
})

/** Draws a list of two pages whose second can't be loaded until the line works again. */
async function draw() {
  const server = { broken: true }
  const { client, asked } = testClient({
    Conversations: ({ after }) => (after ? (server.broken ? new Error('no line') : page('con_2', false)) : page('con_1', true)),
  })
  render(
    <TestApp client={client} info={accountInfo}>
      <ConversationList currentId={null} onLeave={() => {}} />
    </TestApp>,
  )
  await screen.findByRole('button', { name: 'Try again' })
  await act(async () => {})
  return { server, tries: () => asked.filter(({ variables }) => variables.after).length }
}

beforeEach(() => missedEvents.set(0))

it('more conversations that can’t be loaded are asked for once, and again by the person', async () => {
  const { server, tries } = await draw()
  expect(tries()).toBe(1)
  server.broken = false
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }))
  await waitFor(() => expect(screen.queryByRole('button')).toBeNull())
  expect(tries()).toBe(2)
})

it('and by themselves when the connection is back', async () => {
  const { server, tries } = await draw()
  server.broken = false
  act(() => missedEvents.set(1))
  await waitFor(() => expect(tries()).toBe(2))
  await waitFor(() => expect(screen.queryByRole('button')).toBeNull())
})
