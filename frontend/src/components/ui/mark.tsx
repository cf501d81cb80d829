/** The mark: a moon to read by, and its lamp. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path
        d="M15.9 12.2A6.9 6.9 0 1 1 7.8 4.1a5.6 5.6 0 0 0 8.1 8.1z"
        fill="none"
        stroke="var(--tide)"
        strokeWidth="1.7"
        strokeLinejoin="round"
      />
      <circle cx="14.6" cy="5.2" r="1.9" fill="var(--lamp)" />
    </svg>
  )
}
