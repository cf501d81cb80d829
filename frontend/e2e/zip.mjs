import { inflateRawSync } from 'node:zlib'

/** The files of a ZIP as texts, by their names. */
export function unzip(raw) {
  const files = new Map()
  let at = raw.readUInt32LE(raw.lastIndexOf('PK\x05\x06') + 16)
  while (raw.readUInt32LE(at) === 0x02014b50) {
    const [packed, name, extra, comment] = [raw.readUInt32LE(at + 20), ...[28, 30, 32].map((field) => raw.readUInt16LE(at + field))]
    const local = raw.readUInt32LE(at + 42)
    const begin = local + 30 + raw.readUInt16LE(local + 26) + raw.readUInt16LE(local + 28)
    files.set(raw.subarray(at + 46, at + 46 + name).toString(), inflateRawSync(raw.subarray(begin, begin + packed)).toString())
    at += 46 + name + extra + comment
  }
  return files
}
