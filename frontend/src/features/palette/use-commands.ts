import { useLingui } from '@lingui/react/macro'
import { useMemo } from 'react'
import { useQuery } from 'urql'
import { unmask } from '@/gql/fragment-masking'
import { ConversationRowFragmentDoc, ConversationsDocument } from '@/gql/graphql'
import { activate } from '@/lib/i18n'
import { setPrefs } from '@/lib/prefs'
import { useServiceInfo } from '@/lib/service-info'
import { chosenModel, dialog } from '@/lib/ui-state'

export interface Command {
  key: string
  group: string
  label: string
  note?: string
  /** What it is found by. */
  words: string
  run(): void
}

/** How many of the last conversations are offered before anything is typed. */
const recent = 8

/** Everything the palette offers without the server's search. */
export function useCommands(onNewChat: () => void, onSettings: () => void, onOpen: (id: string) => void): readonly Command[] {
  const { t, i18n } = useLingui()
  const models = useServiceInfo()?.models
  const [{ data }] = useQuery({ query: ConversationsDocument, variables: {}, requestPolicy: 'cache-first' })
  return useMemo(() => {
    const make = (group: string, label: string, run: () => void, more: Partial<Command> = {}): Command => ({
      key: `${group} ${label}`,
      group,
      label,
      words: label,
      run,
      ...more,
    })
    const actions = t`Actions`
    const otherLanguage = i18n.locale === 'zh' ? ('en' as const) : ('zh' as const)
    const rows = (data?.viewer.conversations.edges ?? [])
      .slice(0, recent)
      .map(({ node }) => unmask(ConversationRowFragmentDoc, node))
    return [
      make(actions, t`New chat`, onNewChat),
      make(actions, t`Settings`, onSettings),
      make(actions, t`Keyboard shortcuts`, () => dialog.set('shortcuts')),
      make(actions, t`Light appearance`, () => setPrefs({ theme: 'light' })),
      make(actions, t`Dark appearance`, () => setPrefs({ theme: 'dark' })),
      make(
        actions,
        otherLanguage === 'zh' ? '中文' : 'English',
        () => {
          setPrefs({ language: otherLanguage })
          void activate(otherLanguage)
        },
        { words: '中文 chinese english language 语言' },
      ),
      ...rows.map(({ id, title }) => make(t`Recent conversations`, title, () => onOpen(id), { key: `recent ${id}` })),
      ...(models ?? [])
        .filter((model) => model.available)
        .map((model) =>
          make(t`Models`, model.name, () => chosenModel.set(model.id), {
            note: model.description,
            words: `${model.name} ${model.id}`,
          }),
        ),
    ]
  }, [t, i18n, models, data, onNewChat, onSettings, onOpen])
}
