// Generates src/gql from the schema and the operations beside the components.
// Uses the client preset directly: its command line brings 180 packages more.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codegen } from '@graphql-codegen/core'
import { preset } from '@graphql-codegen/client-preset'
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

/**
 * Documents as text, with their fragments by reference: as syntax trees with all
 * fragments copied in, they would be the largest part of the first chunk.
 */
function asText(code) {
  const short = code.replace(/^(export const \w+ = )(\{"kind":"Document".*\})( as unknown as .*;)$/gm, (_, head, json, tail) => {
    const [own] = JSON.parse(json).definitions
    const text = stripIgnoredCharacters(print(own))
    const fragments = spreadsOf(own).map((name) => `\${${name}FragmentDoc}`)
    return `${head}/* @__PURE__ */ gql\`${text}${fragments.join('')}\`${tail}`
  })
  return `import { gql } from '@urql/core';\n${short}`
}

rmSync(output, { recursive: true, force: true })
// gql.ts maps source text to documents; ours are imported by name instead.
const wanted = sections.filter((file) => /(graphql|fragment-masking)\.ts$/.test(file.filename))
for (const file of wanted) {
  mkdirSync(dirname(file.filename), { recursive: true })
  const code = await codegen(file)
  writeFileSync(file.filename, file.filename.endsWith('graphql.ts') ? asText(code) : code)
}
console.log(`${documents.length} files of operations, ${wanted.length} files written to ${output}`)
