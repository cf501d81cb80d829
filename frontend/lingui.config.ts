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
  'gate',
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
  '<rootDir>/src/features/chat/cost',
]
const never = ['**/gql/**', '**/*.test.*']

export default defineConfig({
  sourceLocale: 'en',
  locales: ['en', 'zh'],
  catalogs: [
    {
      path: '<rootDir>/src/locales/{locale}',
      include: ['<rootDir>/src'],
      exclude: [...never, ...lazy, ...lazy.map((path) => `${path}/**`)],
    },
    { path: '<rootDir>/src/locales/lazy/{locale}', include: lazy, exclude: never },
  ],
  format: formatter({ lineNumbers: false, origins: true }),
})
