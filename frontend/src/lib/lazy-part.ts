import { type ComponentType, lazy, type LazyExoticComponent } from 'react'
import { loadFurtherWords, type Part } from './i18n'

/** A component that is loaded, with its words, when it is first drawn. */
export function lazyPart<Props>(
  load: () => Promise<ComponentType<Props>>,
  part: Part = 'pages',
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    const [component] = await Promise.all([load(), loadFurtherWords(part)])
    return { default: component }
  })
}
