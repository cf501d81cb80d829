/** The parts of a branch page that the cache rewrites; a branch goes from its leaf to the root. */
export interface BranchPage<Node extends { id: string }> {
  edges: { cursor: string; node: Node }[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

/**
 * A branch after a new turn: `message` and its `reply` follow `parentId`, and whatever
 * followed that before belongs to another branch now. Null when the parent isn't on the
 * loaded part, so that only the server can tell.
 */
export function withTurn<Node extends { id: string }>(
  page: BranchPage<Node>,
  message: Node,
  reply: Node,
  parentId: string | null,
): BranchPage<Node> | null {
  const edge = (node: Node) => ({ __typename: 'MessageEdge', cursor: node.id, node })
  const known = page.edges.findIndex(({ node }) => node.id === message.id)
  const parent = parentId === null ? page.edges.length : page.edges.findIndex(({ node }) => node.id === parentId)
  const from = known >= 0 ? known + 1 : parent
  if (from < 0 || (known < 0 && parentId === null && page.pageInfo.hasNextPage)) return null
  return { ...page, edges: [edge(reply), edge(message), ...page.edges.slice(from)] }
}
