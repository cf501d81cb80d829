import type { ReactNode } from 'react'

const tones = {
  calm: 'bg-sunken text-ink-2',
  info: 'bg-tide-soft text-ink',
  danger: 'bg-sunken text-danger',
} as const

interface NoticeProps {
  tone?: keyof typeof tones
  role?: 'status' | 'alert'
  /** Buttons at its end. */
  actions?: ReactNode
  children: ReactNode
}

/** A line that says something about the place it stands in. */
export function Notice({ tone = 'calm', role, actions, children }: NoticeProps) {
  return (
    <div
      role={role}
      className={`fade-in flex flex-wrap items-center gap-x-4 gap-y-1 rounded-row px-4 py-2.5 text-sm leading-5 ${tones[tone]}`}
    >
      <div className="min-w-0 flex-1 basis-60">{children}</div>
      {actions && <div className="flex items-center gap-1">{actions}</div>}
    </div>
  )
}
