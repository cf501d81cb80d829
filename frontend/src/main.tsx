import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/app'
import { activateInUse } from './lib/i18n'
import './styles/app.css'

const root = document.querySelector('#root')

async function start(): Promise<void> {
  await activateInUse()
  if (root)
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    )
}

void start()
