import type { ModelPartsFragment } from '@/gql/graphql'

/** The model that answers next: the chosen one, else the conversation's, else the default. It is shown, and it is asked for. */
export function modelInUse(
  models: readonly ModelPartsFragment[],
  chosen: string | null,
  ofConversation: string | null,
): ModelPartsFragment | null {
  const find = (id: string | null) => models.find((model) => model.id === id && model.available)
  return find(chosen) ?? find(ofConversation) ?? models.find((model) => model.default) ?? models[0] ?? null
}
