import { I18nProvider } from '@lingui/react'
import { i18n } from '@lingui/core'
import { Client, CombinedError, type Exchange, makeOperation, type Operation, type OperationResult } from '@urql/core'
import type { ReactNode } from 'react'
import { Provider } from 'urql'
import { filter, fromPromise, mergeMap, pipe } from 'wonka'
import { normalisedCache } from '@/lib/graphql/cache'
import { type ServiceInfo, ServiceInfoContext } from '@/lib/service-info'

/** The data of an operation, by its variables; an Error breaks the line. */
export type Answers = Record<string, (variables: Record<string, unknown>) => unknown>

/** What was asked, oldest first. */
export type Asked = { name: string; variables: Record<string, unknown> }[]

function nameOf(operation: Operation): string {
  const definition = operation.query.definitions.find((one) => one.kind === 'OperationDefinition')
  return definition?.name?.value ?? ''
}

/** A client with the app's own cache, answered by functions in place of a server. */
export function testClient(answers: Answers): { client: Client; asked: Asked } {
  const asked: Asked = []
  const answer = async (operation: Operation): Promise<OperationResult> => {
    const variables = operation.variables as Record<string, unknown>
    const name = nameOf(operation)
    asked.push({ name, variables })
    const data = await answers[name]?.(variables)
    const error = data instanceof Error ? { error: new CombinedError({ networkError: data }) } : { data }
    return { operation: makeOperation(operation.kind, operation), ...error, stale: false, hasNext: false } as OperationResult
  }
  const server: Exchange = () => (operations) =>
    pipe(
      operations,
      filter(({ kind }) => kind !== 'teardown'),
      mergeMap((operation) => fromPromise(answer(operation))),
    )
  return { client: new Client({ url: '/graphql', preferGetMethod: false, exchanges: [normalisedCache(), server] }), asked }
}

/** Draws what needs words, a client and the installation's facts. */
export function TestApp({ client, info, children }: { client: Client; info: ServiceInfo; children: ReactNode }) {
  return (
    <I18nProvider i18n={i18n}>
      <Provider value={client}>
        <ServiceInfoContext value={info}>{children}</ServiceInfoContext>
      </Provider>
    </I18nProvider>
  )
}

/** An installation with Google and GitHub, and a viewer with an account. */
export const accountInfo = {
  service: {
    name: 'Kimi K2',
    supportEmail: '',
    url: '',
    version: '1',
    sharing: true,
    engine: { kind: 'DEMO', name: 'demo', state: 'OK', message: '' },
  },
  models: [],
  viewer: { id: 'own_1', kind: 'ACCOUNT', guest: null, consents: [] },
  providers: [
    { provider: 'GOOGLE', name: 'Google', path: '/auth/google' },
    { provider: 'GITHUB', name: 'GitHub', path: '/auth/github' },
  ],
} as unknown as ServiceInfo
