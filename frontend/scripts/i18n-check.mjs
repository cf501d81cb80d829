// Fails when the catalogs aren't in step with the source, or a translation is missing.
// A message that was never extracted would be shown as its key.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const folders = ['src/locales', 'src/locales/near', 'src/locales/lazy']
const catalogs = folders.flatMap((folder) => [`${folder}/en.po`, `${folder}/zh.po`])
const before = catalogs.map((file) => readFileSync(file, 'utf8'))

execFileSync('npx', ['lingui', 'extract', '--clean'], { stdio: 'pipe' })

const faults = []
for (const [index, file] of catalogs.entries()) {
  const after = readFileSync(file, 'utf8')
  if (after === before[index]) continue
  writeFileSync(file, before[index])
  faults.push(`${file} isn't in step with the source: run npm run i18n and translate what is new`)
}
for (const [index, file] of catalogs.entries()) {
  if (!file.endsWith('/zh.po')) continue
  const empty = before[index].split('\n\n').filter((entry) => /\nmsgid "/.test(entry) && /\nmsgstr ""\s*$/.test(entry))
  for (const entry of empty) faults.push(`${file}: not translated: ${/msgid (.*)/.exec(entry)?.[1]}`)
}

if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exit(1)
}
