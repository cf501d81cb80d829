import { type ComponentType, lazy, type LazyExoticComponent } from 'react'
import { loadFurtherWords } from './i18n'

/** A component that is loaded, with its words, when it is first drawn. */
export function lazyPart<Props>(load: () => Promise<ComponentType<Props>>): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    const [component] = await Promise.all([load(), loadFurtherWords()])
    return { default: component }
  })
}
