import { useMemo } from 'react'
import { useQuery } from 'urql'
import { DeveloperKeysDocument, type DeveloperKeysQuery } from '@/gql/graphql'

/** A key by what its owner knows it by. */
export type NamedKey = DeveloperKeysQuery['viewer']['apiKeys'][number]

/** The account's keys, those that are over too: their requests stay. */
export function useKeys(): readonly NamedKey[] {
  const [{ data }] = useQuery({ query: DeveloperKeysDocument, requestPolicy: 'cache-and-network' })
  return useMemo(() => data?.viewer.apiKeys ?? [], [data])
}

/** What a key is called; its id where it isn't known. */
export function keyName(keys: readonly NamedKey[], id: string): string {
  return keys.find((key) => key.id === id)?.name ?? id
}
