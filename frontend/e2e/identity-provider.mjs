// Real OpenID providers (oidc-provider) that answer for Google's, GitHub's and a
// company's hosts over TLS, so that the unchanged server signs people in with them.
//
// People are whatever login is typed: their address is LOGIN@example.test unless the
// login is an address itself; logins that begin with "unverified" have an unverified one.
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { interactionPolicy, Provider } from 'oidc-provider'
import { makeCertificates } from './certificates.mjs'
import { startOutside } from './outside.mjs'

const company = 'https://login.company.test'

const hosts = [
  'accounts.google.com',
  'oauth2.googleapis.com',
  'www.googleapis.com',
  'github.com',
  'api.github.com',
  'login.company.test',
]

function personOf(login) {
  const verified = !login.startsWith('unverified')
  const email = login.includes('@') ? login : `${login}@example.test`
  return { sub: login, email, email_verified: verified, name: login.split('@')[0], preferred_username: login.split('@')[0] }
}

/** A stable number for a login, as GitHub counts people. */
const numberOf = (login) => [...login].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 100_000_000, 7)

/** The way in asks who it is each time: journeys are several people in turn. */
function alwaysAsk() {
  const { Check, base } = interactionPolicy
  const policy = base()
  const answered = (ctx) => (ctx.oidc.result?.login ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT)
  policy.get('login').checks.add(new Check('always', 'who is it?', 'login_required', answered))
  return policy
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'journeys' }
}

function provider(issuer, client, back, routes) {
  const op = new Provider(issuer, {
    clients: [{ client_id: client, client_secret: `${client}-secret`, redirect_uris: [back] }],
    pkce: { required: () => true },
    scopes: ['openid', 'email', 'profile', 'read:user', 'user:email'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { policy: alwaysAsk(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => personOf(sub) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: client, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
    cookies: { keys: ['journeys only'] },
    jwks: { keys: [signingKey()] },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
    routes,
    // GitHub's and Google's clients say who they are in the body or the header, as they like.
    clientAuthMethods: ['client_secret_post', 'client_secret_basic'],
    clientDefaults: { token_endpoint_auth_method: 'client_secret_post' },
  })
  return { op, answer: op.callback() }
}

const form = (action) => `<!doctype html><html lang="en"><title>Who is it?</title><main><h1>Who is it?</h1>
<form method="post" action="${action}"><label>Login <input name="login" autocomplete="off"></label>
<button name="act" value="in">Sign in</button> <button name="act" value="out">Cancel</button></form></main></html>`

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return new URLSearchParams(Buffer.concat(parts).toString())
}

/** The page on which somebody says who he is. Who brings a cookie that says so isn't asked. */
async function interact({ op }, request, response) {
  if (request.method === 'GET') {
    await op.interactionDetails(request, response)
    const known = /(?:^|; )known=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
    if (known) return op.interactionFinished(request, response, { login: { accountId: known } }, { mergeWithLastSubmission: false })
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(form(request.url))
    return
  }
  const said = await bodyOf(request)
  const refused = { error: 'access_denied', error_description: 'said no' }
  const result = said.get('act') === 'in' ? { login: { accountId: said.get('login') } } : refused
  await op.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

function json(response, value, status = 200) {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(value))
}

/** Whose token a request carries; null for none. */
async function bearer({ op }, request, url) {
  const said = request.headers.authorization?.replace(/^(Bearer|token) /i, '') ?? url.searchParams.get('access_token')
  const token = said ? await op.AccessToken.find(said) : undefined
  return token ? personOf(token.accountId) : null
}

/** What Google and GitHub answer beside OpenID, by host and path. */
const apis = {
  'www.googleapis.com/oauth2/v2/userinfo': ({ sub, email, email_verified, name }) => ({
    id: sub,
    email,
    verified_email: email_verified,
    name,
  }),
  'api.github.com/user': ({ sub, name, preferred_username }) => ({
    id: numberOf(sub),
    login: preferred_username,
    name,
    email: null,
  }),
  'api.github.com/user/emails': ({ email, email_verified }) => [{ email, primary: true, verified: email_verified }],
}

/**
 * Starts them for a server at `url`. `settings` makes the server use them, `browser`
 * makes a Chromium reach them, `outside` says where the server has been.
 */
export async function startIdentityProviders(url) {
  const certificates = await makeCertificates(hosts)
  const google = provider('https://accounts.google.com', 'google', `${url}/auth/google/callback`, {
    authorization: '/o/oauth2/auth',
    jwks: '/oauth2/v3/certs',
    token: '/token',
  })
  const github = provider('https://github.com', 'github', `${url}/auth/github/callback`, {
    authorization: '/login/oauth/authorize',
    token: '/login/oauth/access_token',
  })
  const oidc = provider(company, 'company', `${url}/auth/oidc/callback`, {})
  const byHost = {
    'accounts.google.com': google,
    'oauth2.googleapis.com': google,
    'www.googleapis.com': google,
    'github.com': github,
    'api.github.com': github,
    'login.company.test': oidc,
  }

  const serve = async (request, response) => {
    const host = request.headers.host.split(':')[0]
    const to = new URL(request.url, `https://${host}`)
    const home = byHost[host]
    const api = apis[host + to.pathname]
    if (api) {
      const person = await bearer(home, request, to)
      return person ? json(response, api(person)) : json(response, { message: 'Bad credentials' }, 401)
    }
    if (to.pathname === '/favicon.ico') return response.writeHead(204).end()
    if (to.pathname.startsWith('/interaction/')) return interact(home, request, response)
    // The OpenID scope is what lets GitHub's stand-in know people.
    if (to.pathname === '/login/oauth/authorize') request.url = request.url.replace(/scope=[^&]*/, 'scope=openid%20email%20profile')
    return home.answer(request, response)
  }
  const front = createServer({ key: certificates.key, cert: certificates.cert }, (request, response) => {
    serve(request, response).catch((error) => {
      console.error('identity provider', error)
      json(response, { message: 'failed' }, 500)
    })
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  const { port } = front.address()
  const outside = await startOutside({ hosts, tlsPort: port })
  return {
    outside,
    /** Where the browser may go beside the server. */
    origins: hosts.map((host) => `https://${host}`),
    browser: [
      `--host-resolver-rules=${hosts.map((host) => `MAP ${host}:443 127.0.0.1:${port}`).join(',')}`,
      `--ignore-certificate-errors-spki-list=${certificates.pin}`,
    ],
    settings: {
      PUBLIC_URL: url,
      SSL_CERT_FILE: certificates.file,
      HTTPS_PROXY: outside.url,
      GOOGLE_CLIENT_ID: 'google',
      GOOGLE_CLIENT_SECRET: 'google-secret',
      GITHUB_CLIENT_ID: 'github',
      GITHUB_CLIENT_SECRET: 'github-secret',
      OIDC_ISSUER: company,
      OIDC_CLIENT_ID: 'company',
      OIDC_CLIENT_SECRET: 'company-secret',
    },
    async close() {
      await outside.close()
      front.close()
      front.closeAllConnections()
      await certificates.remove()
    },
  }
}
