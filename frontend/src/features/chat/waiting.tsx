import { selectOrdinal } from '@lingui/core/macro'
import { Trans, useLingui } from '@lingui/react/macro'
import { useEffect, useState } from 'react'

/** Milliseconds at the engine without a word after which it is likely that the model is loaded first. */
export const slowAfter = 15_000

/** Before the first word: the place in the line at a busy engine, and at the engine what takes long. */
export function Waiting({ place }: { place: number }) {
  const { t } = useLingui()
  return (
    <p className="flex min-h-7 items-center gap-3 text-md">
      <span className="lamp shrink-0" role="img" aria-label={t`Waiting for the answer`} />
      {place > 0 ? (
        <span role="status" className="text-sm text-ink-3 tabular-nums">
          {t`The engine is busy: ${selectOrdinal(place, { one: '#st', two: '#nd', few: '#rd', other: '#th' })} in line`}
        </span>
      ) : (
        <SlowNote />
      )}
    </p>
  )
}

function SlowNote() {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), slowAfter)
    return () => clearTimeout(timer)
  }, [])
  if (!slow) return null
  return (
    <span role="status" className="text-sm text-ink-3">
      <Trans>The model is being made ready. This can take a few minutes.</Trans>
    </span>
  )
}
