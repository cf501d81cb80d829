/** Whether an event comes from where text is typed. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** Whether the command key of this machine is down: Cmd or Ctrl. */
export function hasMod(event: { metaKey: boolean; ctrlKey: boolean }): boolean {
  return event.metaKey || event.ctrlKey
}

/** Safari ends a composition before the key that accepted it goes down: milliseconds for which such a key belongs to it. */
const compositionTail = 30

let composedAt = Number.NEGATIVE_INFINITY
window.addEventListener(
  'compositionend',
  (event) => {
    composedAt = event.timeStamp
  },
  true,
)

/** Whether a key belongs to an input method that composes, also where only its code 229 or the time tells. */
export function isImeKey({ isComposing, keyCode, timeStamp }: KeyboardEvent): boolean {
  return isComposing || keyCode === 229 || timeStamp - composedAt < compositionTail
}
