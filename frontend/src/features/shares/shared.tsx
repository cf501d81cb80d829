import { Trans, useLingui } from '@lingui/react/macro'
import { MessageSquarePlus } from 'lucide-react'
import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { day } from '@/components/page/moments'
import { Button } from '@/components/ui/button'
import { Mark } from '@/components/ui/mark'
import { showTitle } from '@/lib/page-title'
import { type Opened, openShared, type SharedConversation } from './read-shared'
import { SharedAnswer, SharedQuestion } from './shared-message'

/** What a link shows, to everybody who has it. It asks for nothing else, and leaves nothing behind. */
export function Shared({ token }: { token: string }) {
  const [opened, setOpened] = useState<Opened | null>(null)
  const open = useCallback(() => {
    void openShared(token).then(setOpened)
  }, [token])
  useEffect(open, [open])
  const retry = () => {
    setOpened(null)
    open()
  }
  const shared = opened?.kind === 'open' ? opened.shared : null
  return (
    <div className="h-full overflow-y-auto">
      <header className="sticky top-0 z-10 border-b border-line bg-paper">
        <div className="mx-auto flex h-14 max-w-186 items-center justify-between gap-4 px-5">
          <a href="/" className="flex min-h-11 min-w-0 items-center gap-2.5 rounded-control font-semibold">
            <Mark />
            <span className="truncate">{shared?.service ?? 'Kimi K2'}</span>
          </a>
          {shared && <GoOn token={token} look="primary" />}
        </div>
      </header>
      <main className="mx-auto max-w-186 px-5 pt-10 pb-20">
        {shared ? <Conversation shared={shared} token={token} /> : opened && <Closed kind={opened.kind} onRetry={retry} />}
      </main>
    </div>
  )
}

const looks = {
  primary: 'bg-tide text-on-tide hover:opacity-90',
  plain: 'border border-line-strong hover:bg-hover',
} as const

/** The way to a copy of one’s own. What stands behind the # no server is told. */
function GoOn({ token, look }: { token: string; look: keyof typeof looks }) {
  return (
    <a
      href={`/continue#${token}`}
      className={`inline-flex min-h-9 shrink-0 items-center gap-2 rounded-control px-3.5 text-sm font-medium touch:min-h-11 ${looks[look]}`}
    >
      <MessageSquarePlus size={16} aria-hidden="true" />
      <Trans>Continue from here</Trans>
    </a>
  )
}

function Conversation({ shared, token }: { shared: SharedConversation; token: string }) {
  const { title, by, sharedAt, expiresAt, messages, service } = shared
  useEffect(() => showTitle(`${title} – ${service}`), [title, service])
  return (
    <>
      <h1 dir="auto" className="text-2xl leading-tight font-semibold break-words">
        {title}
      </h1>
      <p className="mt-2 text-sm text-ink-3">
        {by === '' ? (
          <Trans>A conversation as it was on {day(sharedAt)}</Trans>
        ) : (
          <Trans>
            Shared by {by}, as it was on {day(sharedAt)}
          </Trans>
        )}
        {expiresAt !== null && (
          <>
            {' · '}
            <Trans>readable until {day(expiresAt)}</Trans>
          </>
        )}
      </p>
      <div className="mt-10 space-y-8">
        {messages.map((message, index) =>
          message.role === 'USER' ? (
            // What is frozen keeps its order.
            // oxlint-disable-next-line react/no-array-index-key
            <SharedQuestion key={index} text={message.text} />
          ) : (
            // oxlint-disable-next-line react/no-array-index-key
            <SharedAnswer key={index} message={message} />
          ),
        )}
      </div>
      <footer className="mt-12 border-t border-line pt-6">
        <p className="mb-4 max-w-prose text-sm text-ink-2">
          <Trans>
            Continue makes a copy of your own, which stays yours when this link ends. Answers are a model’s and can be wrong.
            Nothing is kept of who reads this page.
          </Trans>
        </p>
        <div className="flex flex-wrap items-center gap-x-5 gap-y-2">
          <GoOn token={token} look="plain" />
          <a href="/privacy" className="text-sm text-tide underline underline-offset-3">
            <Trans>Privacy policy</Trans>
          </a>
        </div>
      </footer>
    </>
  )
}

/** Why a link shows nothing. */
function Closed({ kind, onRetry }: { kind: Opened['kind']; onRetry(): void }) {
  const { t } = useLingui()
  const words: Record<Opened['kind'], { title: string; text: string }> = {
    open: { title: '', text: '' },
    gone: {
      title: t`This link no longer opens`,
      text: t`Whoever shared it has taken it back, its time is over, or what it showed was deleted.`,
    },
    unknown: { title: t`There is no such link`, text: t`Look whether the address is complete, or ask for it again.` },
    busy: { title: t`Too many links at once`, text: t`Wait a minute, then try again.` },
    unreachable: { title: t`This can’t be loaded now`, text: t`Check your connection and try again.` },
  }
  const { title, text } = words[kind]
  useEffect(() => showTitle(title), [title])
  const again = kind === 'busy' || kind === 'unreachable'
  return (
    <div className="fade-in flex flex-col items-center gap-3 pt-16 text-center">
      <h1 className="text-xl font-semibold">{title}</h1>
      <p className="max-w-md text-ink-2">{text}</p>
      <Actions>
        {again && (
          <Button onClick={onRetry}>
            <Trans>Try again</Trans>
          </Button>
        )}
        <a href="/" className="inline-flex min-h-8 items-center text-sm text-tide underline underline-offset-3 touch:min-h-11">
          <Trans>Start a chat of your own</Trans>
        </a>
      </Actions>
    </div>
  )
}

function Actions({ children }: { children: ReactNode }) {
  return <div className="mt-2 flex flex-wrap items-center justify-center gap-4">{children}</div>
}
