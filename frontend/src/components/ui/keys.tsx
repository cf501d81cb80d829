const apple = /Mac|iP(hone|ad|od)/.test(navigator.platform)

const words: Record<string, string> = apple
  ? { mod: '⌘', shift: '⇧', alt: '⌥', enter: '↩', up: '↑', esc: 'esc' }
  : { mod: 'Ctrl', shift: 'Shift', alt: 'Alt', enter: 'Enter', up: '↑', esc: 'Esc' }

/** Apple writes the command sign last of its signs. */
const order = ['⌥', '⇧', '⌘']

/** Keys as this machine writes them: `mod+k` is ⌘K or Ctrl+K. */
export function keysText(keys: string): string {
  const parts = keys.split('+').map((key) => words[key] ?? key.toUpperCase())
  return apple ? parts.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)).join('') : parts.join('+')
}

/** Keys drawn quietly beside what they do. */
export function Keys({ keys }: { keys: string }) {
  return <kbd className="font-sans text-2xs text-ink-3 touch:hidden">{keysText(keys)}</kbd>
}
