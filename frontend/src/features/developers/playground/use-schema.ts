import { buildSchema, type GraphQLSchema } from 'graphql'
import { useCallback, useEffect, useState } from 'react'

let loading: Promise<GraphQLSchema> | null = null

async function load(): Promise<GraphQLSchema> {
  const response = await fetch('/schema.graphql')
  if (!response.ok) throw new Error(`the schema can't be read: ${response.status}`)
  return buildSchema(await response.text(), { assumeValidSDL: true })
}

/**
 * The schema of this installation, as text: unlike introspection it says who may ask for
 * what. Null while it isn't there.
 */
export function useSchema(): { schema: GraphQLSchema | null; failed: boolean; retry(): void } {
  const [schema, setSchema] = useState<GraphQLSchema | null>(null)
  const [failed, setFailed] = useState(false)
  const ask = useCallback(() => {
    loading ??= load()
    loading.then(
      (loaded) => {
        setSchema(loaded)
        setFailed(false)
      },
      () => {
        loading = null
        setFailed(true)
      },
    )
  }, [])
  useEffect(ask, [ask])
  return { schema, failed, retry: ask }
}
