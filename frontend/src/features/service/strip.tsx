import type { ReactNode } from 'react'

/** A quiet line over the whole page. */
export function Strip({ actions, children }: { actions?: ReactNode; children: ReactNode }) {
  return (
    <div
      role="status"
      className="fade-in flex min-h-10 shrink-0 items-center justify-center gap-x-2 border-b border-line bg-sunken px-4 py-1 text-sm leading-5 text-ink-2"
    >
      <div className="min-w-0">{children}</div>
      {actions && <div className="flex shrink-0 items-center self-start">{actions}</div>}
    </div>
  )
}
