// A small inference engine with two models, for what the built-in demo with its one
// can't show, and for streaming a given text at a given pace.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const models = ['kimi-k2-0905-preview', 'tiny-local']

function chunk(model, delta, finish = null) {
  return `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
}

/** Pieces about as long as tokens. */
function tokensOf(text) {
  return text.match(/\s*[\p{L}\p{N}]{1,5}|\s*[^\s\p{L}\p{N}]{1,2}|\s+/gu) ?? []
}

async function body(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return JSON.parse(Buffer.concat(parts).toString())
}

async function speak(request, response, { text, perSecond }) {
  const { model } = await body(request)
  const tokens = tokensOf(text ?? `I am ${model}.`)
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  const begun = performance.now()
  for (const [index, token] of tokens.entries()) {
    const early = begun + (index * 1000) / perSecond - performance.now()
    if (early > 1) await sleep(early)
    response.write(chunk(model, { content: token }))
  }
  response.end(`${chunk(model, {}, 'stop')}data: [DONE]\n\n`)
}

/** Starts it on a free port; `url` is its base. It answers `text` at `perSecond` tokens a second. */
export async function startEngine({ text = null, perSecond = 200 } = {}) {
  const server = createServer((request, response) => {
    if (request.url === '/v1/chat/completions') return void speak(request, response, { text, perSecond })
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ object: 'list', data: models.map((id) => ({ id, object: 'model', owned_by: 'test' })) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${server.address().port}/v1`, close: () => server.close() }
}
