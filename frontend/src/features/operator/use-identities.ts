import { useQuery } from 'urql'
import { OperatorIdentitiesDocument, type Provider } from '@/gql/graphql'

const none: readonly Provider[] = []

/** The ways in which the operator signs in, to prove once more who is asking. */
export function useLinked(): readonly Provider[] {
  const [{ data }] = useQuery({ query: OperatorIdentitiesDocument })
  return data?.viewer.account?.identities.map(({ provider }) => provider) ?? none
}
