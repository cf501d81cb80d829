import { useLocation } from '@tanstack/react-router'
import { Suspense } from 'react'
import { Loading } from '@/components/page/load-state'
import { lazyPart } from '@/components/ui/lazy-part'

const papers = {
  privacy: lazyPart(() => import('./privacy-page').then((page) => page.PrivacyPage)),
  transparency: lazyPart(() => import('./transparency-page').then((page) => page.TransparencyPage)),
  deleted: lazyPart(() => import('./deleted-page').then((page) => page.DeletedPage)),
  continue: lazyPart(() => import('./continue-page').then((page) => page.ContinuePage)),
}

const isPaper = (name: string): name is keyof typeof papers => name in papers

/** What is there to be read by everybody: the policy, how it is kept, the receipt of a deletion, and the way from a shared conversation to a copy. */
export function Papers() {
  const name = useLocation({ select: ({ pathname }) => pathname.split('/')[1] ?? '' })
  const Paper = papers[isPaper(name) ? name : 'privacy']
  return (
    <Suspense fallback={<Loading />}>
      <Paper />
    </Suspense>
  )
}
