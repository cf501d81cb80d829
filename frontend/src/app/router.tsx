import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { ChatPage } from './chat-page'
import { NotFoundPage } from './not-found-page'
import { ErrorPage } from './error-page'
import { lazyPart } from '@/lib/lazy-part'
import { parseBought, parseReturn, parseSearch, parseSignIn, parseUsage } from './paths'
import { Shell } from './shell'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage, errorComponent: ErrorPage })

// A chat keeps its component when it gets its address: only the parameter changes.
const chat = createRoute({ getParentRoute: () => root, id: 'chat', component: ChatPage })
const home = createRoute({ getParentRoute: () => chat, path: '/' })
const conversation = createRoute({ getParentRoute: () => chat, path: '/c/$id', validateSearch: parseSearch })

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
  component: lazyPart(() => import('./lazy/privacy-page').then((page) => page.PrivacyPage)),
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
const operator = createRoute({
  getParentRoute: () => root,
  path: '/operator/mails',
  component: lazyPart(() => import('./lazy/operator-page').then((page) => page.OperatorPage)),
})
const operatorMoney = createRoute({
  getParentRoute: () => root,
  path: '/operator/money',
  validateSearch: parseReturn,
  component: lazyPart(() => import('./lazy/operator-money-page').then((page) => page.OperatorMoneyPage)),
})
const operatorPeople = createRoute({
  getParentRoute: () => root,
  path: '/operator/people',
  validateSearch: parseReturn,
  component: lazyPart(() => import('./lazy/operator-people-page').then((page) => page.OperatorPeoplePage)),
})
const operatorAudit = createRoute({
  getParentRoute: () => root,
  path: '/operator/audit',
  component: lazyPart(() => import('./lazy/operator-audit-page').then((page) => page.OperatorAuditPage)),
})
const billing = createRoute({
  getParentRoute: () => root,
  path: '/billing',
  component: lazyPart(() => import('./lazy/billing-page').then((page) => page.BillingPage)),
})
const bought = createRoute({
  getParentRoute: () => root,
  path: '/billing/return',
  validateSearch: parseBought,
  component: lazyPart(() => import('./lazy/billing-page').then((page) => page.BoughtPage)),
})
const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: parseUsage,
  component: lazyPart(() => import('./lazy/usage-page').then((page) => page.UsagePage)),
})
const DevelopersPage = lazyPart(() => import('./lazy/developers-page').then((page) => page.DevelopersPage))
const developers = createRoute({ getParentRoute: () => root, path: '/developers', component: DevelopersPage })
// Each of them reads its own search part.
const developersPage = createRoute({
  getParentRoute: () => root,
  path: '/developers/$page',
  validateSearch: (search): object => search,
  component: DevelopersPage,
})
const playground = createRoute({ getParentRoute: () => root, path: '/graphiql', component: DevelopersPage })

/** The app's pages. */
export const router = createRouter({
  routeTree: root.addChildren([
    chat.addChildren([home, conversation]),
    signIn,
    privacy,
    deleted,
    settings,
    settingsPage,
    operator,
    operatorMoney,
    operatorPeople,
    operatorAudit,
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
