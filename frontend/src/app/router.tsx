import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { ChatPage } from './chat-page'
import { NotFoundPage } from './not-found-page'
import { ErrorPage } from './error-page'
import { parseSearch } from './paths'
import { Shell } from './shell'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage, errorComponent: ErrorPage })

// A chat keeps its component when it gets its address: only the parameter changes.
const chat = createRoute({ getParentRoute: () => root, id: 'chat', component: ChatPage })
const home = createRoute({ getParentRoute: () => chat, path: '/' })
const conversation = createRoute({ getParentRoute: () => chat, path: '/c/$id', validateSearch: parseSearch })

/** The app's pages. */
export const router = createRouter({
  routeTree: root.addChildren([chat.addChildren([home, conversation])]),
  defaultPreload: false,
  scrollRestoration: false,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
