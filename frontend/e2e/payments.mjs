// The models of both payment providers, which sign, redeliver and show pages to pay on.
import { execFile, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '../..')

/** What is for sale in journeys: enough for two answers, or for ten. */
const packs = [
  { id: 'sip', name: 'Sip', credits: 1, price: 100, currency: 'USD', creemProductId: 'prod_sip' },
  { id: 'cup', name: 'Cup', credits: 5, price: 450, currency: 'USD', creemProductId: 'prod_cup' },
]
const products = Object.fromEntries(
  packs.map(({ creemProductId, name, price: Price, currency: Currency }) => [creemProductId, { Name: name, Price, Currency }]),
)

/** Brings a webhook of Stripe's to `url` as `change` makes it of its text, signed anew; its status. */
async function forward(request, url, change, secret) {
  const body = change(await text(request))
  const at = Math.floor(Date.now() / 1000)
  const signature = `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`
  return (await fetch(url + request.url, { method: 'POST', headers: { 'Stripe-Signature': signature }, body })).status
}

/**
 * Starts both. `settings` are for the server, `origins` where its people may go;
 * `deliverTo(url)` says where the server is; `close` ends them.
 */
export async function startPayments() {
  const folder = await mkdtemp(join(tmpdir(), 'kimi-payments-'))
  const binary = join(folder, 'paymodel')
  await promisify(execFile)('go', ['build', '-o', binary, './internal/payment/paymenttest/cmd/paymodel'], { cwd: root })
  const file = join(folder, 'packs.json')
  await writeFile(file, JSON.stringify(packs))
  const child = spawn(binary, ['-products', JSON.stringify(products)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  const { stripe, creem } = JSON.parse(line)
  return {
    origins: [new URL(stripe.url).origin, new URL(creem.url).origin],
    settings: {
      PACKS_FILE: file,
      STRIPE_SECRET_KEY: stripe.key,
      STRIPE_WEBHOOK_SECRET: stripe.secret,
      STRIPE_API_URL: stripe.url,
      CREEM_API_KEY: creem.key,
      CREEM_WEBHOOK_SECRET: creem.secret,
      CREEM_API_URL: creem.url,
    },
    /** Says where webhooks go; null: nowhere for now. */
    async deliverTo(url) {
      for (const [name, at] of Object.entries({ stripe, creem })) {
        const body = JSON.stringify({ url: url ? `${url}/webhooks/${name}` : '' })
        const response = await fetch(`${new URL(at.url).origin}/control/webhook`, { method: 'POST', body })
        if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`)
      }
    },
    /** Has Stripe's webhooks come to `url` as `change` makes them of their text, while `run` runs. */
    async whileChanged(url, change, run) {
      const relay = createServer((request, response) => {
        void forward(request, url, change, stripe.secret).then((status) => response.writeHead(status).end())
      }).listen(0, '127.0.0.1')
      await once(relay, 'listening')
      await this.deliverTo(`http://127.0.0.1:${relay.address().port}`)
      try {
        await run()
      } finally {
        await this.deliverTo(url)
        relay.closeAllConnections()
        relay.close()
      }
    },
    async close() {
      const gone = once(child, 'exit')
      child.stdin.end()
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}
