// Generates src/gql from the schema and the operations beside the components, and
// documents.json: every text the page sends, by its hash, for the server to know them.
// Uses the client preset directly: its command line brings 180 packages more.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { codegen } from '@graphql-codegen/core'
import { preset } from '@graphql-codegen/client-preset'
import { formatDocument, gql, stringifyDocument } from '@urql/core'
import { buildASTSchema, concatAST, parse, print, stripIgnoredCharacters, visit } from 'graphql'

const schemaFolder = '../graph/schema'
const output = 'src/gql/'

function filesUnder(folder, ending) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

const schema = concatAST(filesUnder(schemaFolder, '.graphqls').map((file) => parse(readFileSync(file, 'utf8'))))
const documents = filesUnder('src', '.graphql').map((location) => {
  const rawSDL = readFileSync(location, 'utf8')
  return { location, rawSDL, document: parse(rawSDL) }
})

const sections = await preset.buildGeneratesSection({
  baseOutputDir: output,
  schema,
  schemaAst: buildASTSchema(schema),
  documents,
  config: {
    useTypeImports: true,
    documentMode: 'documentNode',
    enumsAsTypes: true,
    onlyOperationTypes: true,
    scalars: { ID: 'string', Time: 'string', Credits: 'string' },
  },
  presetConfig: { fragmentMasking: { unmaskFunctionName: 'unmask' } },
  plugins: [],
  pluginMap: {},
  profiler: { run: (work) => work(), collect: () => [] },
  documentTransforms: [],
})

/** The names of the fragments that a definition spreads itself. */
function spreadsOf(definition) {
  const names = new Set()
  visit(definition, { FragmentSpread: (spread) => void names.add(spread.name.value) })
  return [...names]
}

const definitions = documents.flatMap(({ location, document }) =>
  document.definitions.map((definition) => ({
    definition,
    name: `${definition.name.value}${definition.kind === 'FragmentDefinition' ? 'FragmentDoc' : 'Document'}`,
    home: basename(location, '.graphql'),
    uses: spreadsOf(definition).map((spread) => `${spread}FragmentDoc`),
  })),
)

/** Which module a document goes to: that of its file of operations, or the common one where files share a fragment. */
const homes = new Map(definitions.map(({ name, home }) => [name, home]))
const strangers = () =>
  definitions.flatMap(({ name, uses }) =>
    uses.filter((used) => homes.get(used) !== 'fragments' && homes.get(used) !== homes.get(name)),
  )
for (let found = strangers(); found.length > 0; found = strangers()) for (const used of found) homes.set(used, 'fragments')
const documentLine = /^export const (\w+) = (\{"kind":"Document".*\}) as unknown as (DocumentNode<.*>);\n?/gm

/**
 * A document as text, with its fragments by reference: as syntax trees with all
 * fragments copied in, documents would be the largest part of the first chunk.
 */
function asText(name, json, type) {
  const [own] = JSON.parse(json).definitions
  const fragments = spreadsOf(own).map((spread) => `${spread}FragmentDoc`)
  const text = stripIgnoredCharacters(print(own))
  const written = `/* @__PURE__ */ gql\`${text}${fragments.map((fragment) => `\${${fragment}}`).join('')}\``
  return { name, text, fragments, type, line: `export const ${name} = ${written} as unknown as ${type};` }
}

/** The documents of one file of operations; only pages that use them load them. */
function moduleOf(home, all) {
  const foreign = [...new Set(all.flatMap(({ fragments }) => fragments))].filter((name) => homes.get(name) !== home)
  const types = [...new Set(all.flatMap(({ type }) => type.match(/\b[A-Z]\w+/g) ?? []))].filter((name) => name !== 'DocumentNode')
  return [
    "import { gql } from '@urql/core';",
    "import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';",
    `import type { ${types.join(', ')} } from '../graphql';`,
    ...foreign.map((name) => `import { ${name} } from './${homes.get(name)}';`),
    ...all.map(({ line }) => line),
    '',
  ].join('\n')
}

/** Splits the generated code: types in one file, documents beside each other by their files of operations. */
function split(code) {
  const groups = new Map()
  for (const [, name, json, type] of code.matchAll(documentLine)) {
    const home = homes.get(name)
    groups.set(home, [...(groups.get(home) ?? []), asText(name, json, type)])
  }
  const types = code.replace(documentLine, '').replace(/^import .*TypedDocumentNode.*\n/m, '')
  const exports = [...groups.keys()].map((home) => `export * from './documents/${home}';\n`)
  return { graphql: exports.join('') + types, groups }
}

rmSync(output, { recursive: true, force: true })
// gql.ts maps source text to documents; ours are imported by name instead.
const wanted = sections.filter((file) => /(graphql|fragment-masking)\.ts$/.test(file.filename))
mkdirSync(join(output, 'documents'), { recursive: true })
let generated = new Map()
for (const file of wanted) {
  const code = await codegen(file)
  if (!file.filename.endsWith('graphql.ts')) {
    writeFileSync(file.filename, code)
    continue
  }
  const { graphql, groups } = split(code)
  writeFileSync(file.filename, graphql)
  generated = groups
  for (const [home, all] of groups) writeFileSync(join(output, 'documents', `${home}.ts`), moduleOf(home, all))
}

/** The texts of a document as the page sends it: through the cache, which asks for every type's name, or past it. */
function textsOf(name, all) {
  const made = (of) => {
    const { text, fragments } = all.get(of)
    return gql([text, ...fragments.map(() => '')], ...fragments.map(made))
  }
  const document = made(name)
  return [stringifyDocument(document), stringifyDocument(formatDocument(document))]
}

/** Every text that the page sends, by its SHA-256. */
function trusted(groups) {
  const all = new Map([...groups.values()].flat().map((one) => [one.name, one]))
  const operations = [...all.keys()].filter((name) => name.endsWith('Document')).toSorted((a, b) => (a < b ? -1 : 1))
  const texts = operations.flatMap((name) => textsOf(name, all))
  return Object.fromEntries(texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]))
}

writeFileSync('documents.json', `${JSON.stringify(trusted(generated), null, 2)}\n`)
console.log(`${documents.length} files of operations written to ${output}`)
