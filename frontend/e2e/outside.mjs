// The outside world of a server: a proxy that leads to the hosts of identity providers
// and refuses every other, so that a journey shows where the server wants to go (P21).
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'

async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}

/** Starts the proxy before a TLS server. `asked` and `refused` are the hosts so far. */
export async function startOutside({ hosts, tlsPort }) {
  const asked = new Set()
  const refused = new Set()
  const sockets = new Set()
  const proxy = createServer((request, response) => {
    refused.add(request.url)
    response.writeHead(403).end()
  })
  proxy.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  proxy.on('connect', (request, socket, head) => {
    const [host] = request.url.split(':')
    asked.add(host)
    socket.on('error', () => {})
    if (!hosts.includes(host)) {
      refused.add(host)
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      return
    }
    const way = connect(tlsPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      way.write(head)
      way.pipe(socket).pipe(way)
    })
    way.on('error', () => socket.destroy())
    socket.on('close', () => way.destroy())
  })
  const port = await listen(proxy)
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    refused,
    async close() {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
