const time = '2026-05-03T10:00:00.000000Z'

/** An identity as the server gives it. */
export const identity = (provider: string, more: object = {}) => ({
  __typename: 'Identity',
  id: `idn_${provider}`,
  provider,
  createdAt: time,
  lastUsedAt: time,
  removable: true,
  ...more,
})

/** An account as the server gives it. */
export const account = (more: object = {}) => ({
  __typename: 'Account',
  id: 'own_1',
  name: 'Ada',
  email: 'ada@example.org',
  emailPending: null,
  createdAt: time,
  identities: [identity('GOOGLE')],
  ...more,
})

/** The answer to the account's query. */
export const accountState =
  (more: object = {}) =>
  () => ({
    __typename: 'Query',
    viewer: { __typename: 'Viewer', account: account(more) },
  })

/** A payload that refuses. */
export const refused = (field: string, type: string, error: object, nothing: object = { account: null }) => ({
  __typename: 'Mutation',
  [field]: { __typename: type, ...nothing, userErrors: [{ __typename: 'InputError', field: null, message: '', ...error }] },
})
