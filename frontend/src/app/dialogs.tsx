import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useCallback } from 'react'
import { useStore } from '@/lib/store'
import { dialog } from '@/lib/ui-state'

const PaletteDialog = lazy(async () => ({ default: (await import('@/features/palette/palette-dialog')).PaletteDialog }))
const ShortcutsDialog = lazy(async () => ({ default: (await import('@/features/palette/shortcuts-dialog')).ShortcutsDialog }))
const SettingsDialog = lazy(async () => ({ default: (await import('@/features/settings/settings-dialog')).SettingsDialog }))

const EngineDialog = lazy(async () => ({ default: (await import('@/features/service/engine-dialog')).EngineDialog }))

const close = () => dialog.set(null)

/** The dialog that is open, loaded when it is first wanted. */
export function Dialogs() {
  const open = useStore(dialog)
  const navigate = useNavigate()
  const onNewChat = useCallback(() => void navigate({ to: '/' }), [navigate])
  const onOpen = useCallback(
    (id: string, m: string | null) => void navigate({ to: '/c/$id', params: { id }, search: m ? { m } : {} }),
    [navigate],
  )
  return (
    <Suspense fallback={null}>
      {open === 'palette' && <PaletteDialog onClose={close} onNewChat={onNewChat} onOpen={onOpen} />}
      {open === 'shortcuts' && <ShortcutsDialog onClose={close} />}
      {open === 'engine' && <EngineDialog onClose={close} />}
      {open === 'settings' && <SettingsDialog onClose={close} />}
    </Suspense>
  )
}
