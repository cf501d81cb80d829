import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import type { ReactNode } from 'react'

/** Draws what has links in it, on a page of its own. */
export function TestRouter({ children }: { children: ReactNode }) {
  const root = createRootRoute({ component: () => children, notFoundComponent: () => children })
  const router = createRouter({ routeTree: root, history: createMemoryHistory({ initialEntries: ['/'] }) })
  return <RouterProvider router={router as never} />
}
