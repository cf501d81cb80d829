/**
 * Remembers where an element is in its scrolled view. The returned function brings
 * `next` (or the same element) back to that place after the page has changed.
 */
export function keepPlace(view: HTMLElement, element: Element): (next?: Element | null) => void {
  const before = element.getBoundingClientRect().top
  return (next = element) => {
    if (next?.isConnected) view.scrollTop += next.getBoundingClientRect().top - before
  }
}
