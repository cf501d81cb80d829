import type { Cache, Resolver } from '@urql/exchange-graphcache'

interface Page {
  typename: string
  edges: string[]
  hasNextPage: boolean
  endCursor: string | null
}

function readPage(cache: Cache, parent: string, field: string, args: Record<string, unknown>): Page | null {
  const link = cache.resolve(parent, field, args as Parameters<Cache['resolve']>[2])
  if (typeof link !== 'string') return null
  const typename = cache.resolve(link, '__typename')
  const edges = cache.resolve(link, 'edges')
  if (typeof typename !== 'string' || !Array.isArray(edges)) return null
  // Who asks for one page only doesn't ask where it ends.
  const info = cache.resolve(link, 'pageInfo')
  const endCursor = typeof info === 'string' ? cache.resolve(info, 'endCursor') : null
  return {
    typename,
    edges: edges as string[],
    hasNextPage: typeof info === 'string' && cache.resolve(info, 'hasNextPage') === true,
    endCursor: typeof endCursor === 'string' ? endCursor : null,
  }
}

/** Adds the edges whose nodes aren't there yet: a row that moved up is on two pages. */
function append(cache: Cache, all: string[], seen: Set<string>, more: string[]): void {
  for (const edge of more) {
    const node = cache.resolve(edge, 'node')
    if (typeof node !== 'string' || seen.has(node)) continue
    seen.add(node)
    all.push(edge)
  }
}

/**
 * Draws all loaded pages of a forward connection as one: from the page without `after`,
 * each page is followed by the one that was asked for with its end cursor. Pages of an
 * earlier state of the list are not reached and so not shown.
 */
function chainedPages(): Resolver {
  return (_parent, args, cache, info) => {
    const read = (after: unknown) => {
      const { after: _, ...others } = args
      return readPage(cache, info.parentKey, info.fieldName, after == null ? others : { ...others, after })
    }
    const firstPage = read(args.after)
    if (!firstPage) return undefined
    const edges: string[] = []
    const seen = new Set<string>()
    let page = firstPage
    for (let next: Page | null = page; next; next = page.hasNextPage && page.endCursor ? read(page.endCursor) : null) {
      page = next
      append(cache, edges, seen, page.edges)
    }
    return {
      __typename: firstPage.typename,
      edges,
      pageInfo: { __typename: 'PageInfo', hasNextPage: page.hasNextPage, endCursor: page.endCursor },
    }
  }
}

/** The resolvers of fields that are such lists. */
export function chained(...fields: string[]): Record<string, Resolver> {
  return Object.fromEntries(fields.map((field) => [field, chainedPages()]))
}
