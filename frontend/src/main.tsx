import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/app'
import { activateInUse } from './lib/i18n'
import './styles/app.css'

const root = document.querySelector('#root')

async function start(): Promise<void> {
  await activateInUse()
  // Who reads what was shared isn't asked who he is, as the app would.
  const Page = location.pathname.startsWith('/s/') ? (await import('./app/lazy/shared-page')).SharedPage : App
  if (root)
    createRoot(root).render(
      <StrictMode>
        <Page />
      </StrictMode>,
    )
}

start().catch(() => document.querySelector('#unloaded')?.removeAttribute('hidden'))
