// A certificate authority for one run of the journeys, and one certificate for the
// hosts of identity providers. Nothing outside the run trusts it.
import { execFile } from 'node:child_process'
import { createHash, createPublicKey } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** Makes them. `file` is the authority's certificate, `pin` names the hosts' key for Chromium. */
export async function makeCertificates(hosts) {
  const folder = await mkdtemp(join(tmpdir(), 'kimi-ca-'))
  const openssl = (...args) => run('openssl', args, { cwd: folder })
  const names = hosts.map((host) => `DNS:${host}`).join(',')
  await writeFile(join(folder, 'names'), `subjectAltName=${names}\n`)
  await openssl('req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=journeys', '-keyout', 'ca.key', '-out', 'ca.pem')
  await openssl('req', ...newKey, '-subj', '/CN=hosts', '-keyout', 'hosts.key', '-out', 'hosts.csr')
  await openssl(
    'x509',
    '-req',
    '-in',
    'hosts.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'hosts.pem',
  )
  const [key, cert] = await Promise.all(['hosts.key', 'hosts.pem'].map((name) => readFile(join(folder, name))))
  const spki = createPublicKey(cert).export({ type: 'spki', format: 'der' })
  return {
    file: join(folder, 'ca.pem'),
    key,
    cert,
    pin: createHash('sha256').update(spki).digest('base64'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
