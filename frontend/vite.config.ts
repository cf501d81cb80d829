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
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      // A document is loaded with the pages that use it, though all are exported from one place.
      treeshake: { moduleSideEffects: [{ test: /\/src\/gql\//, sideEffects: false }] },
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// },
            { name: 'graphql', test: /node_modules\/(@urql|urql|wonka|@0no-co)\// },
            { name: 'router', test: /node_modules\/@tanstack\// },
            // What the first page and lazy parts share, in one piece: small files compress badly.
            {
              name: 'shared',
              test: /\/src\/(lib\/stor(e|age|age-keys)\.ts|gql\/documents\/fragments\.ts)|lucide-react\/dist\/esm\/(createLucideIcon|Icon|context|defaultAttributes|shared\/)/,
            },
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
      '^/billing/[a-z]+\\.csv': server,
      '/readyz': server,
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test-setup.ts'],
    restoreMocks: true,
  },
})
