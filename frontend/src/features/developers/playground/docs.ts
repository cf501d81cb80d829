import {
  getNamedType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  valueFromASTUntyped,
} from 'graphql'

/** Who may ask for something. */
export interface Access {
  allow: readonly string[]
  scope: string | null
  fresh: boolean
}

/** A field, an input field, a value or a member of a type. */
export interface Entry {
  name: string
  description: string
  /** Its type as it is written, and the name in it that can be followed; null for values. */
  type: string | null
  leadsTo: string | null
  args: readonly { name: string; type: string; leadsTo: string; description: string }[]
  access: Access | null
  deprecated: string | null
}

/** A type as it is read about. */
export interface TypeDocs {
  name: string
  kind: 'object' | 'interface' | 'union' | 'enum' | 'input' | 'scalar'
  description: string
  access: Access | null
  entries: readonly Entry[]
}

interface Node {
  directives?: readonly { name: { value: string }; arguments?: readonly { name: { value: string }; value: unknown }[] }[]
}

/** Reads the rule of the schema; null where there is none of its own. */
export function accessOf(node: unknown): Access | null {
  const rule = (node as Node | null | undefined)?.directives?.find(({ name }) => name.value === 'auth')
  if (!rule) return null
  const read = (name: string) => {
    const found = rule.arguments?.find((one) => one.name.value === name)
    return found ? valueFromASTUntyped(found.value as Parameters<typeof valueFromASTUntyped>[0]) : undefined
  }
  const [allow, scope] = [read('allow'), read('scope')]
  return {
    allow: Array.isArray(allow) ? (allow as string[]) : ['ANONYMOUS', 'GUEST', 'ACCOUNT', 'API_KEY'],
    scope: typeof scope === 'string' ? scopeName(scope) : null,
    fresh: read('fresh') === true,
  }
}

/** A scope as keys carry it: CHAT_WRITE is chat:write. */
function scopeName(scope: string): string {
  return scope.toLowerCase().replace('_', ':')
}

type Fields = ReturnType<Extract<GraphQLNamedType, { getFields(): unknown }>['getFields']>

function entryOf(field: Fields[string]): Entry {
  const args = 'args' in field ? (field as GraphQLField<unknown, unknown>).args : []
  return {
    name: field.name,
    description: field.description ?? '',
    type: String(field.type),
    leadsTo: getNamedType(field.type).name,
    args: args.map(({ name, type, description }) => ({
      name,
      type: String(type),
      leadsTo: getNamedType(type).name,
      description: description ?? '',
    })),
    access: accessOf(field.astNode),
    deprecated: field.deprecationReason ?? null,
  }
}

const plainEntry = (name: string, description: string, leadsTo: string | null): Entry => ({
  name,
  description,
  type: null,
  leadsTo,
  args: [],
  access: null,
  deprecated: null,
})

function entriesOf(type: GraphQLNamedType): Entry[] {
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) return Object.values(type.getFields()).map(entryOf)
  if (isEnumType(type)) return type.getValues().map(({ name, description }) => plainEntry(name, description ?? '', null))
  if (isUnionType(type)) return type.getTypes().map(({ name, description }) => plainEntry(name, description ?? '', name))
  return []
}

function kindOf(type: GraphQLNamedType): TypeDocs['kind'] {
  if (isObjectType(type)) return 'object'
  if (isInterfaceType(type)) return 'interface'
  if (isUnionType(type)) return 'union'
  if (isEnumType(type)) return 'enum'
  return isInputObjectType(type) ? 'input' : 'scalar'
}

/** All that the schema says about a type; null when it has none of that name. */
export function docsOf(schema: GraphQLSchema, name: string): TypeDocs | null {
  const type = schema.getType(name)
  if (!type) return null
  return {
    name: type.name,
    kind: kindOf(type),
    description: type.description ?? '',
    access: accessOf(type.astNode),
    entries: entriesOf(type),
  }
}

/** Something that a search found: a type, or a field of one. */
export interface Found {
  type: string
  field: string | null
  description: string
}

/** The most that a search shows. */
const mostFound = 60

/** The names of the types, those where operations begin first. */
export function typeNames(schema: GraphQLSchema): string[] {
  const roots = ['Query', 'Mutation', 'Subscription']
  const others = Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith('__') && !roots.includes(name))
  return [...roots.filter((name) => schema.getType(name)), ...others.toSorted()]
}

/** Types and fields whose names hold the words, those that begin with them first; then those whose descriptions do. */
export function search(schema: GraphQLSchema, words: string): Found[] {
  const wanted = words.trim().toLowerCase()
  if (wanted === '') return []
  const all = typeNames(schema).flatMap((name): Found[] => {
    const type = schema.getType(name)
    if (!type) return []
    const own = { type: name, field: null, description: type.description ?? '' }
    return [own, ...entriesOf(type).map((entry) => ({ type: name, field: entry.name, description: entry.description }))]
  })
  const rank = ({ type, field, description }: Found) => {
    const name = (field ?? type).toLowerCase()
    if (name === wanted) return 0
    if (name.startsWith(wanted)) return 1
    if (`${type}.${field ?? ''}`.toLowerCase().includes(wanted)) return 2
    return description.toLowerCase().includes(wanted) ? 3 : 4
  }
  return all
    .map((found) => ({ found, rank: rank(found) }))
    .filter((one) => one.rank < 4)
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, mostFound)
    .map(({ found }) => found)
}
