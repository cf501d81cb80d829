import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lingui } from '@lingui/vite-plugin'
import babel from '@rolldown/plugin-babel'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const server = process.env.KIMI_URL ?? 'http://127.0.0.1:8080'

// Only files that use a macro go through Babel; the rest is compiled natively.
const macros = {
  preset: () => ({ plugins: ['@lingui/babel-plugin-lingui-macro'] }),
  rolldown: { filter: { id: /\/src\/.*\.tsx?$/, code: /@lingui\/(core|react)\/macro/ } },
}

// Every browser we support reads woff2: the other formats of KaTeX's fonts stay out.
const woff2Only = {
  name: 'woff2-only',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (!/katex[^/]*\.css/.test(id)) return null
    return code.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\(["'](?:woff|truetype)["']\)/g, '')
  },
}

// Most test files share their modules, which takes a third of the time. Those that mock
// or load modules anew, and those of the Markdown, where it counts that KaTeX has not come
// yet, have modules of their own.
const tests = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.test\.tsx?$/.test(file))
  .map((file) => `src/${file}`)
const alone = tests.filter(
  (file) => file.startsWith('src/features/markdown/') || /\bvi\.(mock|resetModules)\(/.test(readFileSync(file, 'utf8')),
)

export default defineConfig({
  plugins: [
    woff2Only,
    react(),
    babel({ presets: [macros] }),
    lingui({ failOnMissing: true, failOnCompileError: true }),
    tailwindcss(),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Inlined files would be data: URLs, and the polyfill an inline script: the
    // content security policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: {
      polyfill: false,
      // What the first page has loaded need not be named again with each lazy part.
      resolveDependencies: (_, files, { hostType }) =>
        hostType === 'html'
          ? files
          : files.filter((file) => !/\/(react|base|rolldown-runtime|preload-helper|prefs|index)-/.test(file)),
    },
    reportCompressedSize: false,
    rollupOptions: {
      // A document is loaded with the pages that use it, though all are exported from one place.
      treeshake: { moduleSideEffects: [{ test: /\/src\/gql\//, sideEffects: false }] },
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler|@lingui)\// },
            // What every part uses: in files of their own small things would cost more than they hold.
            {
              name: 'base',
              test: /node_modules\/(@urql|urql|wonka|@0no-co|@tanstack)\/|lucide-react\/dist\/esm\/(createLucideIcon|Icon|defaultAttributes|context|shared)|src\/lib\/(store|storage|storage-keys|toasts|ui-state|service-info)\.ts|src\/gql\/(fragment-masking|documents\/fragments)\.ts/,
            },
            // What the playground alone loads, in parts that are fetched side by side.
            { name: 'playground-editor', test: /node_modules\/(@codemirror|@lezer|@marijn|style-mod|w3c-keyname|crelt)\// },
            { name: 'playground-language', test: /node_modules\/(graphql|graphql-language-service|cm6-graphql)\// },
          ],
        },
      },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/graphql': { target: server, ws: true, changeOrigin: true },
      '/auth': server,
      '^/(billing|developers)/[a-z]+\\.csv': server,
      '/schema.graphql': server,
      '/v1': server,
      '/readyz': server,
    },
  },
  test: {
    environment: 'happy-dom',
    projects: [
      { extends: true, test: { name: 'together', include: tests.filter((file) => !alone.includes(file)), isolate: false } },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
    setupFiles: ['src/test-setup.ts'],
    restoreMocks: true,
    // No test waits for long; a busy machine does.
    testTimeout: 30_000,
  },
})
