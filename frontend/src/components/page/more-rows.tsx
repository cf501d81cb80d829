import { Trans } from '@lingui/react/macro'
import type { ReactNode } from 'react'
import { Button } from '@/components/ui/button'
import { LoadFailed } from './load-state'
import type { Rows } from './use-rows'

export type ListEnd = Pick<Rows<unknown>, 'hasMore' | 'loadingMore' | 'moreFailed' | 'more'>

/** The end of a list as far as it is loaded: the way to more of it, and that it can't be loaded. */
export function MoreRows({ end, look, children }: { end: ListEnd; look?: 'quiet'; children?: ReactNode }) {
  if (end.moreFailed) {
    return (
      <div className="mt-3">
        <LoadFailed onRetry={end.more} />
      </div>
    )
  }
  if (!end.hasMore) return null
  return (
    <Button look={look} disabled={end.loadingMore} onClick={end.more} className={look === 'quiet' ? 'mt-2 -ml-3' : 'mt-3'}>
      {children ?? <Trans>Show more</Trans>}
    </Button>
  )
}
