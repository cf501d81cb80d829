/**
 * The one Trusted Types policy of the app, named `app` in the Content-Security-Policy.
 *
 * It vouches for a single kind of value: the address of a script of our own, served from `/assets/`,
 * that is to run as a worker. It has no rule for HTML or for script text, so a browser that enforces
 * Trusted Types refuses both everywhere.
 */

interface ScriptUrlPolicy {
  createScriptURL(address: string): unknown
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(address: string): string }): ScriptUrlPolicy
}

/** Answers the absolute address of one of our own assets; throws a TypeError for any other address. */
export function ownScriptAddress(address: string, page: string = globalThis.location.href): string {
  const url = new URL(address, page)
  const ours = url.origin === new URL(page).origin && url.username === '' && url.password === ''
  const asset = /^\/assets\/[\w.-]+\.js$/.test(url.pathname) || import.meta.env.DEV
  if (!ours || !asset) throw new TypeError('a worker may only be a script below /assets/')
  return url.href
}

let policy: ScriptUrlPolicy | null | undefined

function appPolicy(): ScriptUrlPolicy | null {
  const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes
  policy ??= factory?.createPolicy('app', { createScriptURL: (address) => ownScriptAddress(address) }) ?? null
  return policy
}

/**
 * Answers the address as a value that `new Worker` accepts under Trusted
 * Types. Throws a TypeError when the address is not one of our own assets.
 */
export function trustedScriptUrl(address: string): string {
  const trusted = appPolicy()
  // A TrustedScriptURL stands wherever the DOM's types say string.
  return trusted ? (trusted.createScriptURL(address) as string) : ownScriptAddress(address)
}
