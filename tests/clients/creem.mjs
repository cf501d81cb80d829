// Creem's own SDK against the model of Creem: it calls the model, reads its answers with
// its schemas, and verifies and reads the model's webhooks and the request of ours.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { Creem } from 'creem'

const root = path.dirname(createRequire(import.meta.url).resolve('creem/package.json'))
const load = (file) => import(pathToFileURL(path.join(root, 'dist/esm', file)))
const { constructWebhookEventEntity } = await load('webhooks.js')
const { createCheckoutRequestFromJSON } = await load('models/components/createcheckoutrequest.js')

const { CREEM_URL, CREEM_KEY, CREEM_SECRET, OURS, PAID, WEBHOOKS } = process.env
const creem = new Creem({ apiKey: CREEM_KEY, serverURL: CREEM_URL })

const ours = createCheckoutRequestFromJSON(OURS)
assert.ok(ours.ok, `our request: ${ours.error}`)
assert.equal(ours.value.requestId, 'pur_1')
assert.equal(ours.value.metadata.purchase_id, 'pur_1')

const made = await creem.checkouts.create({ productId: 'prod_1', requestId: 'pur_2', metadata: { purchase_id: 'pur_2' } })
assert.equal(made.status, 'pending')
assert.ok(made.checkoutUrl)

const paid = await creem.checkouts.retrieve(PAID)
assert.equal(paid.status, 'completed')
assert.equal(paid.order.status, 'paid')
const links = await creem.customers.generateBillingLinks({ customerId: paid.customer.id })
assert.ok(links.customerPortalLink)
const pages = await creem.transactions.search(undefined, undefined, undefined, 1, 10)
for await (const page of pages) {
  assert.equal(page.result.items[0].order, paid.order.id)
  assert.equal(page.result.items[0].status, 'chargedBack')
}

const kinds = []
for (const { body, headers } of JSON.parse(WEBHOOKS)) {
  const event = await constructWebhookEventEntity(body, headers, CREEM_SECRET)
  kinds.push(event.eventType)
  await assert.rejects(constructWebhookEventEntity(`${body} `, headers, CREEM_SECRET))
}
assert.deepEqual(kinds, ['checkout.completed', 'refund.created', 'dispute.created', 'checkout.completed', 'refund.created', 'dispute.created'])
console.log('creem: the SDK and the model understand each other')
