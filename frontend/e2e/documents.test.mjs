import assert from 'node:assert/strict'
import { completeAnswer, networkNoise, say } from './browser.mjs'
import { journeys } from './journey.mjs'

const journey = journeys()

/**
 * What the page sends from now on, over HTTP and websockets. `change` may make another form
 * of it on its way.
 */
async function listen(context, change = (form) => form) {
  const sent = []
  await context.route('**/graphql', (route) => {
    const form = JSON.parse(route.request().postData())
    sent.push(form)
    return route.continue({ postData: JSON.stringify(change(form)) })
  })
  await context.routeWebSocket('**/graphql', (socket) => {
    const server = socket.connectToServer()
    socket.onMessage((text) => {
      const message = JSON.parse(text)
      if (message.type === 'subscribe') {
        sent.push(message.payload)
        message.payload = change(message.payload)
      }
      server.send(JSON.stringify(message))
    })
  })
  return { formsOf: (name) => sent.filter(({ operationName }) => operationName === name) }
}

journey('R-GQL: where the server doesn’t know a hash the page sends the text', async ({ page, visitor }) => {
  visitor.expect(/status of 400/)
  const { formsOf } = await listen(visitor.context, (form) =>
    form.documentId ? { ...form, documentId: `sha256:${'0'.repeat(64)}` } : form,
  )
  await page.reload()
  await say(page, '/demo tokens 300')
  await completeAnswer(page, 1)
  for (const [kind, name] of [
    ['mutation', 'MessageSend'],
    ['subscription', 'ReplyEvents'],
  ]) {
    const forms = formsOf(name)
    assert.match(forms[0].documentId, /^sha256:[0-9a-f]{64}$/)
    assert.ok(
      forms.some(({ query }) => query?.startsWith(`${kind} ${name}`)),
      JSON.stringify(forms),
    )
  }
})

journey('R-GQL: the page goes by hash, and works where only its own documents are accepted', async ({ page, visitor, server }) => {
  visitor.expect(networkNoise)
  const { formsOf } = await listen(visitor.context)
  await server.stop()
  await server.start({ TRUSTED_DOCUMENTS: 'on' })
  await page.reload()
  await say(page, '/demo tokens 300')
  await completeAnswer(page, 1)
  for (const name of ['MessageSend', 'ReplyEvents']) {
    const forms = formsOf(name)
    assert.match(forms[0].documentId, /^sha256:[0-9a-f]{64}$/)
    assert.ok(forms.every(({ query }) => !query))
  }
  const refused = await page.evaluate(async () => {
    const body = JSON.stringify({ query: '{ viewer { id } }' })
    const response = await fetch('/graphql', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    return response.json()
  })
  assert.equal(refused.errors[0].extensions.code, 'FORBIDDEN')
})
