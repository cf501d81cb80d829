import { announcement } from '@/lib/announcer'
import { useStore } from '@/lib/store'

/** What screen readers are told politely, apart from what is on show. */
export function StatusRegion() {
  const text = useStore(announcement)
  return (
    <div role="status" aria-live="polite" className="sr-only">
      {text}
    </div>
  )
}
