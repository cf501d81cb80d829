import type * as ByHash from './by-hash'

let byHash: typeof ByHash | undefined
void import('./by-hash').then((loaded) => {
  byHash = loaded
})

/**
 * Does what `fetch` does with an operation as body. It sends the document's hash once what
 * that needs is loaded, but not for what must leave at once, with the page.
 */
export const send: typeof fetch = (url, init) =>
  byHash && init && !init.keepalive ? byHash.fetchByHash(url, init) : fetch(url, init)
