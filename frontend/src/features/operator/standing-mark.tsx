import { CircleAlert, CircleCheck, CircleDashed, CircleX } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Standing } from './glance'

const tones: Record<Standing, string> = { well: 'text-ok', look: 'text-warn', wrong: 'text-danger', unknown: 'text-ink-3' }

const icons: Record<Standing, typeof CircleCheck> = {
  well: CircleCheck,
  look: CircleAlert,
  wrong: CircleX,
  unknown: CircleDashed,
}

/** How something stands: a sign, a colour and words, so that none of them is needed alone. */
export function StandingMark({ standing, children }: { standing: Standing; children: ReactNode }) {
  const Icon = icons[standing]
  return (
    <span className={`inline-flex items-start gap-1.5 ${tones[standing]}`}>
      <Icon size={16} aria-hidden="true" className="mt-0.5 shrink-0" />
      <span>{children}</span>
    </span>
  )
}
