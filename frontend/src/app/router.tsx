import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { ChatPage } from './chat-page'
import { NotFoundPage } from './not-found-page'
import { ErrorPage } from './error-page'
import { lazyPart } from '@/lib/lazy-part'
import { parseReturn, parseSearch, parseSignIn } from './paths'
import { Shell } from './shell'

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
  validateSearch: parseSignIn,
  component: lazyPart(() => import('./lazy/sign-in-page').then((page) => page.SignInPage)),
})
const privacy = createRoute({
  getParentRoute: () => root,
  path: '/privacy',
  validateSearch: readByPage,
  component: lazyPart(() => import('./lazy/privacy-page').then((page) => page.PrivacyPage)),
})
const transparency = createRoute({
  getParentRoute: () => root,
  path: '/transparency',
  component: lazyPart(() => import('./lazy/transparency-page').then((page) => page.TransparencyPage)),
})
const deleted = createRoute({
  getParentRoute: () => root,
  path: '/deleted',
  component: lazyPart(() => import('./lazy/deleted-page').then((page) => page.DeletedPage)),
})
const SettingsPage = lazyPart(() => import('./lazy/settings-page').then((page) => page.SettingsPage))
const settings = createRoute({ getParentRoute: () => root, path: '/settings', component: SettingsPage })
const settingsPage = createRoute({
  getParentRoute: () => root,
  path: '/settings/$page',
  validateSearch: parseReturn,
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
