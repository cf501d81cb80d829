import { type DocumentNode, type OperationDefinitionNode, parse } from 'graphql'

/** An operation of a document. */
export interface Operation {
  name: string | null
  kind: 'query' | 'mutation' | 'subscription'
  /** Where it stands in the text. */
  from: number
  to: number
}

/** The operations of a document; none while it can't be read. */
export function operationsOf(text: string): Operation[] {
  let document: DocumentNode
  try {
    document = parse(text)
  } catch {
    return []
  }
  return document.definitions
    .filter((one): one is OperationDefinitionNode => one.kind === 'OperationDefinition')
    .map((one) => ({
      name: one.name?.value ?? null,
      kind: one.operation,
      from: one.loc?.start ?? 0,
      to: one.loc?.end ?? 0,
    }))
}

/** The operation that is meant by a place in the text: the one around it, else the next before, else the first. */
export function operationAt(operations: readonly Operation[], place: number): Operation | undefined {
  return (
    operations.find(({ from, to }) => from <= place && place <= to) ?? operations.findLast(({ to }) => to <= place) ?? operations[0]
  )
}

/** What a document is called on its tab. */
export function titleOf(text: string): string | null {
  const operations = operationsOf(text)
  if (operations.length > 0) return operations.map(({ name, kind }) => name ?? kind).join(', ')
  return /^\s*(?:query|mutation|subscription)\s+(\w+)/m.exec(text)?.[1] ?? null
}

/** The variables as they are sent; null when they aren't an object of JSON. */
export function variablesOf(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/**
 * The same request for a shell. The key stays out of it: it is read from the environment,
 * because a command is kept in histories.
 */
export function curlOf(
  origin: string,
  query: string,
  variables: Record<string, unknown>,
  operation: Operation | undefined,
): string {
  const body = {
    query,
    ...(Object.keys(variables).length > 0 ? { variables } : {}),
    ...(operation?.name ? { operationName: operation.name } : {}),
  }
  const live = operation?.kind === 'subscription'
  return [
    `curl ${live ? '-N ' : ''}${quoted(`${origin}/graphql`)}`,
    `-H "Authorization: Bearer $KIMI_API_KEY"`,
    `-H 'Content-Type: application/json'`,
    ...(live ? [`-H 'Accept: text/event-stream'`] : []),
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(' \\\n  ')
}
