import { readdirSync, readFileSync } from 'node:fs'
import { buildSchema } from 'graphql'
import { describe, expect, it } from 'vitest'
import { docsOf, search, typeNames } from './docs'

const folder = '../graph/schema'
const sdl = readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
const schema = buildSchema(sdl.join('\n'), { assumeValidSDL: true })

describe('the schema beside the playground', () => {
  it('says of every field what it is, where it leads and what a key needs', () => {
    const query = docsOf(schema, 'Query')
    expect(query?.kind).toBe('object')
    expect(query?.entries.find(({ name }) => name === 'viewer')).toMatchObject({ type: 'Viewer!', leadsTo: 'Viewer' })
    const models = query?.entries.find(({ name }) => name === 'models')
    expect(models?.access?.scope).toBe('models:read')
    const send = docsOf(schema, 'Mutation')?.entries.find(({ name }) => name === 'messageSend')
    expect(send?.args[0]).toMatchObject({ type: 'MessageSendInput!', leadsTo: 'MessageSendInput' })
    expect(send?.access?.scope).toBe('chat:write')
  })

  it('knows every kind of type', () => {
    const kinds = new Set(typeNames(schema).map((name) => docsOf(schema, name)?.kind))
    expect(kinds).toEqual(new Set(['enum', 'input', 'interface', 'object', 'scalar', 'union']))
    expect(docsOf(schema, 'Nothing')).toBe(null)
  })

  it('is searched by name, then by description', () => {
    expect(search(schema, 'viewer')[0]).toMatchObject({ type: 'Query', field: 'viewer' })
    expect(search(schema, 'ApiKey.last')[0]).toMatchObject({ type: 'ApiKey', field: 'lastFour' })
    expect(search(schema, '  ')).toEqual([])
    expect(search(schema, 'zzzz')).toEqual([])
    expect(search(schema, 'e').length).toBe(60)
  })
})
