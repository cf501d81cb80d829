import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { ChatPage } from './chat-page'
import { ErrorPage } from './error-page'
import { lazyPart } from '@/components/ui/lazy-part'
import { parseSearch } from './paths'
import { Shell } from './shell'

const NotFoundPage = lazyPart(() => import('./not-found-page').then((page) => page.NotFoundPage))
const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage, errorComponent: ErrorPage })

// A chat keeps its component when it gets its address: only the parameter changes.
const chat = createRoute({ getParentRoute: () => root, id: 'chat', component: ChatPage })
const home = createRoute({ getParentRoute: () => chat, path: '/' })
const conversation = createRoute({ getParentRoute: () => chat, path: '/c/$id', validateSearch: parseSearch })

/** For pages that read the search part of their address themselves. */
const readByPage = (search: object) => search

// Everything but the chat is loaded when it is first wanted.
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: readByPage,
  component: lazyPart(() => import('./lazy/sign-in-page').then((page) => page.SignInPage)),
})
const Papers = lazyPart(() => import('./lazy/papers').then((page) => page.Papers))
const privacy = createRoute({ getParentRoute: () => root, path: '/privacy', validateSearch: readByPage, component: Papers })
const transparency = createRoute({ getParentRoute: () => root, path: '/transparency', component: Papers })
const deleted = createRoute({ getParentRoute: () => root, path: '/deleted', component: Papers })
const goOn = createRoute({ getParentRoute: () => root, path: '/continue', component: Papers })
const SettingsPage = lazyPart(() => import('./lazy/settings-page').then((page) => page.SettingsPage))
const settings = createRoute({ getParentRoute: () => root, path: '/settings', component: SettingsPage })
const settingsPage = createRoute({
  getParentRoute: () => root,
  path: '/settings/$page',
  validateSearch: readByPage,
  component: SettingsPage,
})
const OperatorPages = lazyPart(() => import('./lazy/operator-pages').then((page) => page.OperatorPages))
const operator = createRoute({ getParentRoute: () => root, path: '/operator', component: OperatorPages })
const operatorPage = createRoute({
  getParentRoute: () => root,
  path: '/operator/$page',
  validateSearch: readByPage,
  component: OperatorPages,
})
const billing = createRoute({
  getParentRoute: () => root,
  path: '/billing',
  component: lazyPart(() => import('./lazy/billing-page').then((page) => page.BillingPage)),
})
const bought = createRoute({
  getParentRoute: () => root,
  path: '/billing/return',
  validateSearch: readByPage,
  component: lazyPart(() => import('./lazy/billing-page').then((page) => page.BoughtPage)),
})
const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: readByPage,
  component: lazyPart(() => import('./lazy/usage-page').then((page) => page.UsagePage)),
})
const DevelopersPage = lazyPart(() => import('./lazy/developers-page').then((page) => page.DevelopersPage))
const developers = createRoute({ getParentRoute: () => root, path: '/developers', component: DevelopersPage })
const developersPage = createRoute({
  getParentRoute: () => root,
  path: '/developers/$page',
  validateSearch: readByPage,
  component: DevelopersPage,
})
const playground = createRoute({ getParentRoute: () => root, path: '/graphiql', component: DevelopersPage })

/** The app's pages. */
export const router = createRouter({
  routeTree: root.addChildren([
    chat.addChildren([home, conversation]),
    signIn,
    privacy,
    transparency,
    deleted,
    goOn,
    settings,
    settingsPage,
    operator,
    operatorPage,
    billing,
    bought,
    usage,
    developers,
    developersPage,
    playground,
  ]),
  defaultPreload: false,
  scrollRestoration: false,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
