/** A box with its upper corners rounded by `radius`, as a path. */
export function boxPath(x: number, y: number, width: number, height: number, radius: number): string {
  const r = Math.max(0, Math.min(radius, width / 2, height))
  return `M${x},${y + height}V${y + r}q0,${-r} ${r},${-r}h${width - 2 * r}q${r},0 ${r},${r}V${y + height}Z`
}

/** About how many pixels a date below the chart needs. */
const nameWidth = 64

/** The bars whose dates are shown: evenly apart, from the last one back, so that today is named. */
export function namedBars(count: number, width: number): number[] {
  const room = Math.max(1, Math.floor(width / nameWidth))
  const step = Math.max(1, Math.ceil(count / room))
  const named: number[] = []
  for (let at = count - 1; at >= 0; at -= step) named.unshift(at)
  return named
}
