import { t } from '@lingui/core/macro'
import { numberText } from '@/lib/credits'

type Filled = Readonly<Record<'most' | 'size' | 'layout' | 'known' | 'name' | 'place', string>>

/** The sentences of internal/restore/refusals.go, by the reasons' names, and one of the sending itself. */
const sentences: Readonly<Record<string, (filled: Filled) => string>> = {
  cut_off: () => t`The file did not come to its end. Try again.`,
  file_too_large: ({ most }) => t`The file is larger than ${most} MB.`,
  unknown_file: () => t`This is no export of Kimi K2, ChatGPT or Open WebUI.`,
  goes_on: () => t`The file goes on after its end.`,
  no_json: () => t`The file is damaged: it is no JSON to its end.`,
  shape: () => t`The file has another shape than such files have.`,
  shape_at: ({ place }) => t`The file has another shape than such files have, at ${place}.`,
  part_too_large: ({ most }) => t`One part of the file is larger than ${most} MB.`,
  mixed: () => t`The file mixes conversations of several programs.`,
  changed: () => t`The file was changed: data.json is not what manifest.json says.`,
  layout: ({ layout, known }) => t`The file has layout ${layout}, which this version can’t read: it reads layout ${known}.`,
  said_twice: ({ name }) => t`The file says “${name}” twice.`,
  zip_damaged: () => t`The ZIP is damaged.`,
  zip_list: () => t`The ZIP is damaged, or lists too many files.`,
  zip_endless: () => t`The ZIP has no end.`,
  zip_leads_out: () => t`The ZIP holds a name that leads out of it.`,
  zip_twice: () => t`The ZIP holds the same name twice.`,
  zip_packing: () => t`The ZIP is packed in a way that can’t be read.`,
  zip_claims: ({ size, most }) => t`A file in the ZIP says that it has ${size} MB: ${most} MB are read at most.`,
  zip_unpacks: ({ most }) => t`The ZIP unpacks to more than ${most} MB.`,
  zip_ratio: ({ most }) => t`A file in the ZIP is packed more than ${most} times smaller than it is.`,
  conversation_twice: () => t`The file holds a conversation twice.`,
  message_twice: () => t`The file holds a message twice.`,
  message_astray: () => t`The file holds a message of a conversation that isn’t in it.`,
  message_answers_none: () => t`The file holds a message that answers none before it.`,
  message_of_nobody: () => t`The file holds a message of nobody, or a reply to nothing.`,
  message_too_long: ({ most }) => t`A message in the file is longer than ${most} MB.`,
  status_unknown: () => t`The file holds a message with a status that there isn’t.`,
  status_impossible: () => t`The file holds a message with a status that it can’t have.`,
  circle: () => t`The file holds messages that answer each other in a circle.`,
  conversation_too_large: ({ most }) => t`A conversation in the file has more than ${most} parts.`,
  conversation_too_long: ({ most }) => t`A conversation in the file has more than ${most} messages.`,
  too_much_text: ({ most }) =>
    t`With this file you would keep more than ${most} MB of conversations here: delete some first, or bring a smaller file.`,
  too_many_conversations: ({ most }) => t`There are more than ${most} conversations in the file.`,
  too_many_messages: ({ most }) => t`There are more than ${most} messages in the file.`,
  no_conversations: () => t`There are no conversations in the file.`,
}

/** Why a file was refused, in the page's language; null where there are no words for it here. */
export function importWords({ reason, values }: { reason?: string; values?: Readonly<Record<string, string>> }): string | null {
  const sentence = reason === undefined ? undefined : sentences[reason]
  if (!sentence) return null
  const filled = Object.entries(values ?? {}).map(([name, value]) => [
    name,
    /^\d{1,15}$/.test(value) ? numberText(Number(value)) : value,
  ])
  return sentence(Object.fromEntries(filled) as Filled)
}
