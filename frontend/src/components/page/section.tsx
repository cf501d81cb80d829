import { type ReactNode, useId } from 'react'

interface SectionProps {
  /** Where a link to it leads. */
  anchor?: string
  title: string
  /** A quieter line below the title. */
  note?: ReactNode
  children: ReactNode
}

/** A part of a settings page with its own heading. */
export function Section({ anchor, title, note, children }: SectionProps) {
  const id = useId()
  return (
    <section id={anchor} aria-labelledby={id} className="scroll-mt-12 border-t border-line py-6 first:border-t-0 first:pt-0">
      <h2 id={id} className="text-md font-semibold">
        {title}
      </h2>
      {note && <p className="mt-1 max-w-prose text-sm text-ink-2">{note}</p>}
      <div className="mt-4">{children}</div>
    </section>
  )
}

/** Facts with their names, for those who read them out to somebody. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-1 gap-x-6 gap-y-1.5 text-sm sm:grid-cols-[10rem_1fr]">{children}</dl>
}

/** One fact. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="contents">
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 break-words max-sm:mb-2">{children}</dd>
    </div>
  )
}
