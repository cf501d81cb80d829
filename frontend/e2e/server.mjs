// Starts the real binary for a journey, with a folder and a port of its own.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const binary = resolve(import.meta.dirname, process.env.KIMI_BIN ?? '../../bin/kimi-k2')
const startWithin = 60_000

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

async function isReady(url) {
  try {
    return (await fetch(`${url}/readyz`)).ok
  } catch {
    return false
  }
}

/**
 * A running server. `kill` is kill -9; `start` brings it back on the same folder and
 * port; `run` runs another command of the binary on the same data; `close` stops it and
 * removes the folder. `log` is all it has printed. Settings may depend on its address.
 */
export async function startServer(settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'kimi-e2e-'))
  // As root the database runs under another user, who has to reach it.
  await chmod(folder, 0o755)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    LISTEN_ADDR: `127.0.0.1:${port}`,
    DATA_DIR: folder,
    DEMO_FAULTS: 'true',
    DEMO_TOKENS_PER_SECOND: '120',
    GUEST_MESSAGE_LIMIT: '100',
    // A journey reads in seconds what a person reads in minutes.
    RATE_COST_PER_GUEST: '20000',
    RATE_MESSAGES_PER_GUEST: '0',
    STREAMS_PER_GUEST: '3',
    RATE_COST_PER_ACCOUNT: '200000',
    SUPPORT_EMAIL: 'help@example.org',
    ...(typeof settings === 'function' ? await settings(url) : settings),
  }
  let child = null
  const self = {
    url,
    log: '',
    async start(changed = {}) {
      child = spawn(binary, ['serve'], { env: { ...env, ...changed }, stdio: ['ignore', 'pipe', 'pipe'] })
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (self.log += data))
      const deadline = Date.now() + startWithin
      while (!(await isReady(url))) {
        if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the server didn't start:\n${self.log}`)
        await sleep(100)
      }
    },
    async stop(signal = 'SIGTERM') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    },
    kill: () => self.stop('SIGKILL'),
    run: async (...args) => (await promisify(execFile)(binary, args, { env })).stdout,
    async close() {
      await self.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await self.start()
  return self
}
