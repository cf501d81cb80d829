import { defineConfig } from '@lingui/cli'
import { formatter } from '@lingui/format-po'

/** What no first page needs: its words are loaded beside it; see src/lib/i18n.ts. */
const lazyFolders = [
  'account',
  'billing',
  'consent',
  'deletion',
  'developers',
  'exports',
  'held',
  'operator',
  'palette',
  'policy',
  'settings',
  'shares',
  'transparency',
  'usage',
].map((name) => `<rootDir>/src/features/${name}`)
const lazy = [
  ...lazyFolders,
  '<rootDir>/src/app/lazy',
  '<rootDir>/src/app/settings-*',
  '<rootDir>/src/app/operator-*',
  '<rootDir>/src/components/page',
  '<rootDir>/src/components/chart',
  '<rootDir>/src/components/cost',
]
/** What most people meet near a chat: the words of all other pages would be too many for it. A test holds it against what is loaded with them. */
const near = [
  'components/cost',
  'features/account/account-menu.tsx',
  'features/account/sign-out.ts',
  'features/billing/balance-chip.tsx',
  'features/chat/cost',
  'features/chat/guest-panels.tsx',
  'features/chat/too-little.tsx',
  'features/consent/cookie-banner.tsx',
  'features/gate',
  'features/policy/policy-news.tsx',
].map((path) => `<rootDir>/src/${path}`)
const never = ['**/gql/**', '**/*.test.*']

export default defineConfig({
  sourceLocale: 'en',
  locales: ['en', 'zh'],
  catalogs: [
    {
      path: '<rootDir>/src/locales/{locale}',
      include: ['<rootDir>/src'],
      exclude: [...never, ...[...lazy, ...near].flatMap((path) => [path, `${path}/**`])],
    },
    { path: '<rootDir>/src/locales/near/{locale}', include: near, exclude: never },
    { path: '<rootDir>/src/locales/lazy/{locale}', include: lazy, exclude: never },
  ],
  format: formatter({ lineNumbers: false, origins: true }),
})
