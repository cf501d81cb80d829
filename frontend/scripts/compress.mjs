// Writes .br and .gz beside every file of a folder that gets smaller by it, so that
// the server never compresses at run time.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const folder = process.argv[2]
const kinds = new Set(['.js', '.css', '.html', '.svg', '.json', '.webmanifest'])
const smallest = 256

const total = { raw: 0, gzip: 0, brotli: 0 }
for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
  const file = join(entry.parentPath, entry.name)
  if (!entry.isFile() || !kinds.has(extname(entry.name))) continue
  const raw = readFileSync(file)
  if (raw.length < smallest) continue
  const gzip = gzipSync(raw, { level: 9 })
  const brotli = brotliCompressSync(raw, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length },
  })
  if (gzip.length < raw.length) writeFileSync(`${file}.gz`, gzip)
  if (brotli.length < raw.length) writeFileSync(`${file}.br`, brotli)
  total.raw += raw.length
  total.gzip += gzip.length
  total.brotli += brotli.length
}
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB`
console.log(`text files: ${kilobytes(total.raw)}, gzip ${kilobytes(total.gzip)}, brotli ${kilobytes(total.brotli)}`)
