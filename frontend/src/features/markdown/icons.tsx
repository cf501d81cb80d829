/** The few icons of the renderer, drawn here so that its chunk stays small. */

const SHAPES = {
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M4 12.5 9.5 18 20 7',
  wrap: 'M3 6h18M3 12h14a3.5 3.5 0 0 1 0 7h-4m2.5-2.5L13 19l2.5 2.5M3 18h5',
  download: 'M12 4v11m-5-4.5 5 5 5-5M4 20h16',
  down: 'm6 9 6 6 6-6',
  up: 'm6 15 6-6 6 6',
  picture: 'M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 6M15.5 9.5h.01',
} as const

/** Draws an icon; it says nothing to screen readers, the control around it does. */
export function Icon({ name, size = 14 }: { name: keyof typeof SHAPES; size?: number }) {
  return (
    <svg className="md-icon" aria-hidden="true" width={size} height={size} viewBox="0 0 24 24">
      <path d={SHAPES[name]} />
    </svg>
  )
}
