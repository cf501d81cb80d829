import { renderHook, waitFor } from '@testing-library/react'
import type { ReactNode } from 'react'
import { expect, it } from 'vitest'
import { accountInfo, TestApp, testClient } from '@/test-client'
import { useBranchTotal } from './use-branch-total'

const message = (id: string, credits: string | null) => ({ id, credits })

/** The server's branch, from its leaf on, in pages of three. */
function server(branch: { id: string; credits: string | null }[]) {
  return testClient({
    BranchCosts: ({ after }) => {
      const from = after === null ? 0 : branch.findIndex(({ id }) => id === after) + 1
      const part = branch.slice(from, from + 3)
      return {
        viewer: {
          __typename: 'Viewer',
          id: 'own_1',
          conversation: {
            __typename: 'Conversation',
            id: 'cnv_1',
            branch: {
              __typename: 'MessageConnection',
              edges: part.map((node) => ({ __typename: 'MessageEdge', cursor: node.id, node: { __typename: 'Message', ...node } })),
              pageInfo: { __typename: 'PageInfo', hasNextPage: from + 3 < branch.length, endCursor: part.at(-1)?.id ?? null },
            },
          },
        },
      }
    },
  })
}

it('adds what came before the loaded part, and follows the loaded part however it changes', async () => {
  const older = [message('msg_4', '0.4'), message('msg_3', null), message('msg_2', '0.2'), message('msg_1', null)]
  const loaded = [message('msg_5', null), message('msg_6', '0.6'), message('msg_7', null), message('msg_8', '0.8')]
  const { client, asked } = server([...loaded.toReversed(), ...older])
  const wrapper = ({ children }: { children: ReactNode }) => (
    <TestApp client={client} info={accountInfo}>
      {children}
    </TestApp>
  )
  const { result, rerender } = renderHook(({ messages }) => useBranchTotal({ conversationId: 'cnv_1', messages, hasOlder: true }), {
    wrapper,
    initialProps: { messages: loaded },
  })
  expect(result.current).toBeNull()
  await waitFor(() => expect(result.current).toEqual({ credits: '2', answers: 4 }))
  const times = asked.length
  // The last answer is written anew: the old one isn't on the branch any more.
  rerender({ messages: [...loaded.slice(0, 3), message('msg_9', '0.1')] })
  expect(result.current).toEqual({ credits: '1.3', answers: 4 })
  expect(asked).toHaveLength(times)
})
