import { afterEach, expect, test, vi } from 'vitest'
import { ownScriptAddress } from './trusted-types'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
  vi.resetModules()
})

const page = 'https://chat.example/c/con_1'

test('our own assets may become workers', () => {
  vi.stubEnv('DEV', false)
  expect(ownScriptAddress('/assets/highlight.worker-B3x_9.js', page)).toBe('https://chat.example/assets/highlight.worker-B3x_9.js')
})

test.each([
  'https://evil.example/assets/x.js',
  '//evil.example/assets/x.js',
  'https://u:p@chat.example/assets/x.js',
  '/assets/../uploads/x.js',
  '/assets/%2e%2e/x.js',
  '/assets/a/x.js',
  '/assets/x.html',
  '/x.js',
  'data:text/javascript,alert(1)',
  'blob:https://chat.example/x',
  'javascript:alert(1)',
])('%s may not', (address) => {
  vi.stubEnv('DEV', false)
  expect(() => ownScriptAddress(address, page)).toThrow(TypeError)
})

test('there is one policy, made once and named app', async () => {
  vi.stubEnv('DEV', false)
  vi.stubGlobal('location', { href: page })
  const made: string[] = []
  const createPolicy = (name: string, rules: { createScriptURL(address: string): string }) => {
    made.push(name)
    return { createScriptURL: (address: string) => ({ trusted: rules.createScriptURL(address) }) }
  }
  vi.stubGlobal('trustedTypes', { createPolicy })
  const { trustedScriptUrl } = await import('./trusted-types')
  expect(trustedScriptUrl('/assets/a.js')).toEqual({ trusted: 'https://chat.example/assets/a.js' })
  expect(() => trustedScriptUrl('/a.js')).toThrow(TypeError)
  expect(made).toEqual(['app'])
})
