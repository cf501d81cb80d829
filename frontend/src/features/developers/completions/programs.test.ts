// @vitest-environment node
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programsOf } from './programs'
import { bodyOf, freshDraft } from './request'

// Whatever was typed must reach the server as it was.
const awkward = `Say "hello", it's 5 o'clock: \`$HOME\` \\n \\ 中文\nsecond line`

// What makes the stream end with an error.
const breaks = 'break off'

let server: Server
let origin = ''
let seen: { authorization: string | undefined; body: unknown }
const folder = mkdtempSync(join(tmpdir(), 'programs-'))

beforeAll(async () => {
  symlinkSync(resolve('../examples/node_modules'), join(folder, 'node_modules')) // for OpenAI's library
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      seen = { authorization: request.headers.authorization, body: JSON.parse(text) }
      const streamed = (seen.body as { stream?: boolean }).stream === true
      response.writeHead(200, { 'Content-Type': streamed ? 'text/event-stream' : 'application/json' })
      if (!streamed) {
        response.end('{"choices":[{"message":{"role":"assistant","content":"Hello there"}}]}')
        return
      }
      const broken = JSON.stringify(seen.body).includes(breaks)
      for (const content of broken ? ['Hello'] : ['Hello', ' there']) {
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)
      }
      if (broken) response.end('data: {"error":{"message":"the engine is gone","type":"server_error"}}\n\n')
      else response.end('data: {"choices":[]}\n\ndata: [DONE]\n\n')
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

/** How each is run. */
const commands = {
  curl: ['bash', ['request.sh']],
  node: ['node', ['request.mjs']],
  python: ['python3', ['request.py']],
  go: ['go', ['run', 'request.go']],
} as const

function run(id: keyof typeof commands, code: string): Promise<string> {
  const [command, args] = commands[id]
  writeFileSync(join(folder, args.at(-1) ?? ''), code)
  const settings = { cwd: folder, env: { ...process.env, KIMI_API_KEY: 'k2_live_test' } }
  return new Promise((done, reject) => {
    execFile(command, [...args], settings, (cause, out, wrong) => {
      if (cause) reject(new Error(`${cause.message}\n${wrong}`))
      else done(out)
    })
  })
}

describe('a request as a program', () => {
  const cases = (['curl', 'node', 'python', 'go'] as const).flatMap((id) => [true, false].map((stream) => ({ id, stream })))
  it.each(cases)('$id, streamed: $stream, sends what was filled in and prints the answer', async ({ id, stream }) => {
    const body = bodyOf({ ...freshDraft, system: awkward, message: awkward, temperature: '0.5', stream }, 'k2')
    if (!body) throw new Error('there is no body')
    const program = programsOf(origin, body).find((one) => one.id === id)
    const out = await run(id, program?.code ?? '')
    expect(out).toContain('Hello')
    expect(out).toContain('there')
    expect(seen).toEqual({ authorization: 'Bearer k2_live_test', body })
  })

  it.each(['node', 'python'] as const)('%s says why a stream broke off', async (id) => {
    const body = bodyOf({ ...freshDraft, message: breaks, stream: true }, 'k2')
    if (!body) throw new Error('there is no body')
    const program = programsOf(origin, body).find((one) => one.id === id)
    await expect(run(id, program?.code ?? '')).rejects.toThrow(/the engine is gone/)
  })

  it('holds no key', () => {
    const body = bodyOf(freshDraft, 'k2')
    if (!body) throw new Error('there is no body')
    for (const { code } of programsOf(origin, body)) {
      expect(code).toContain('KIMI_API_KEY')
      expect(code).not.toContain('k2_live')
    }
  })
})
