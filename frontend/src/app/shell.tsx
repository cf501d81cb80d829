import { useLingui } from '@lingui/react/macro'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { Suspense, useEffect, useRef } from 'react'
import { Banners } from '@/features/service/banners'
import { Sidebar } from '@/features/conversations/sidebar'
import { prefs, setPrefs } from '@/lib/prefs'
import { useStore } from '@/lib/store'
import { drawer } from '@/lib/ui-state'
import { CookieQuestion } from './cookie-question'
import { Dialogs } from './dialogs'
import { SidebarFoot } from './sidebar-foot'
import { useMedia } from './use-media'
import { useShortcuts } from './use-shortcuts'

/** Sidebar, page, and what lies over both. */
export function Shell() {
  const { t } = useLingui()
  useShortcuts()
  const wide = useMedia('(min-width: 48rem)')
  const { sidebar } = useStore(prefs)
  const { id = null } = useParams({ strict: false })
  const navigate = useNavigate()
  const onLeave = () => void navigate({ to: '/' })
  return (
    <div className="flex h-full">
      <a
        href="#main"
        className="sr-only z-40 rounded-control bg-surface text-sm focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:px-3 focus:py-2"
      >
        {t`Skip to the chat`}
      </a>
      {wide && sidebar === 'open' && (
        <aside aria-label={t`Sidebar`} className="w-70 shrink-0 border-r border-line">
          <Sidebar currentId={id} onHide={() => setPrefs({ sidebar: 'closed' })} onLeave={onLeave} foot={<SidebarFoot />} />
        </aside>
      )}
      {!wide && <Drawer currentId={id} onLeave={onLeave} />}
      <main id="main" tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">
        <Banners />
        <div className="min-h-0 flex-1">
          <Suspense fallback={null}>
            <Outlet />
          </Suspense>
        </div>
        <CookieQuestion />
      </main>
      <Dialogs />
    </div>
  )
}

/** The sidebar of a narrow screen: it slides over the page and closes beside itself. */
function Drawer({ currentId, onLeave }: { currentId: string | null; onLeave(): void }) {
  const { t } = useLingui()
  const state = useStore(drawer)
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (state === 'open') dialog.current?.showModal()
    else dialog.current?.close()
  }, [state])
  const hide = () => drawer.set('closed')
  return (
    // The click is the finger's way to Escape, which every keyboard has.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      aria-label={t`Sidebar`}
      onClose={hide}
      onClick={(event) => {
        if (event.target === dialog.current) hide()
      }}
      className="drawer m-0 h-dvh max-h-none w-[min(20rem,85vw)] max-w-none border-r border-line bg-sunken p-0"
    >
      {state === 'open' && <Sidebar currentId={currentId} onHide={hide} onLeave={onLeave} foot={<SidebarFoot />} />}
    </dialog>
  )
}
