import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { ConsentSetDocument } from '@/gql/graphql'
import { toastOutcome, useMutationAct } from '@/lib/graphql/act'

/** Asks once, beside everything else, whether choices of appearance may be kept in a cookie. */
export function CookieBanner() {
  const { t } = useLingui()
  const set = useMutationAct(ConsentSetDocument, (data) => data.consentSet)
  const [chosen, setChosen] = useState(false)
  if (chosen) return null

  const choose = async (granted: boolean) => {
    setChosen(true)
    const outcome = await set({ input: { kind: 'PREFERENCES_COOKIE', granted, method: 'BANNER' } })
    if (outcome.kind === 'done') return
    setChosen(false)
    toastOutcome(outcome)
  }

  return (
    <section
      aria-label={t`Cookies`}
      className="fade-in flex shrink-0 flex-wrap items-center justify-center gap-x-5 gap-y-2 border-t border-line bg-sunken px-4 py-2.5 text-sm leading-5 text-ink-2"
    >
      <p className="max-w-prose min-w-0">
        <Trans>
          Only necessary cookies are set. May theme, language and send key be kept in one more?{' '}
          <Link to="/privacy" hash="C-COLLECT-COOKIES" className="text-ink underline underline-offset-3">
            More about cookies
          </Link>
        </Trans>
      </p>
      <div className="flex gap-2">
        <Button onClick={() => void choose(false)}>
          <Trans>Only necessary</Trans>
        </Button>
        <Button onClick={() => void choose(true)}>
          <Trans>Accept</Trans>
        </Button>
      </div>
    </section>
  )
}
