import type { ComponentProps, ReactNode } from 'react'

const looks = {
  plain: 'border border-line-strong text-ink hover:bg-hover',
  primary: 'bg-tide text-on-tide hover:opacity-90',
  quiet: 'text-ink-2 hover:bg-hover hover:text-ink',
  danger: 'border border-line-strong text-danger hover:bg-hover',
} as const

interface ButtonProps extends ComponentProps<'button'> {
  look?: keyof typeof looks
}

/** A button with words. Below a finger it is at least 44 px high. */
export function Button({ look = 'plain', className = '', ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`inline-flex min-h-8 items-center justify-center gap-1.5 rounded-control px-3 text-sm font-medium transition-colors disabled:opacity-50 aria-disabled:opacity-50 touch:min-h-11 ${looks[look]} ${className}`}
    />
  )
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'aria-label' | 'title'> {
  label: string
  /** Keys that do the same, for the tooltip. */
  keys?: string
  children: ReactNode
}

/** A button with an icon; its name is read and shown as a tooltip. */
export function IconButton({ label, keys, className = '', ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={keys ? `${label} (${keys})` : label}
      className={`inline-grid size-8 shrink-0 place-content-center rounded-control text-ink-2 transition-colors hover:bg-hover hover:text-ink disabled:opacity-40 touch:size-11 ${className}`}
    />
  )
}
