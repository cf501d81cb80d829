import type { ReactNode } from 'react'

/** A quiet line over the whole page. */
export function Strip({ children }: { children: ReactNode }) {
  return (
    <div
      role="status"
      className="fade-in flex min-h-10 shrink-0 items-center justify-center border-b border-line bg-sunken px-4 py-1.5 text-center text-sm leading-5 text-ink-2"
    >
      <p>{children}</p>
    </div>
  )
}
