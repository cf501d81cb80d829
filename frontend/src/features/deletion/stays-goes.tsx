import type { ReactNode } from 'react'

interface ListedProps {
  title: string
  items: readonly ReactNode[]
}

/** What goes, or what stays, before somebody confirms. */
export function Listed({ title, items }: ListedProps) {
  return (
    <div>
      <h3 className="text-sm font-semibold">{title}</h3>
      <ul className="mt-1 list-disc space-y-1 pl-5 text-sm text-ink-2">
        {items.map((item, place) => (
          // oxlint-disable-next-line react/no-array-index-key -- a fixed list
          <li key={place}>{item}</li>
        ))}
      </ul>
    </div>
  )
}
