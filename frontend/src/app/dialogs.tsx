import { useNavigate } from '@tanstack/react-router'
import { Suspense, useCallback } from 'react'
import { lazyPart } from '@/components/ui/lazy-part'
import { closeQuestion, question } from '@/lib/questions'
import { useStore } from '@/lib/store'
import { dialog, sharing } from '@/lib/ui-state'

const close = () => dialog.set(null)
const closeSharing = () => sharing.set(null)
const unanswered = () => closeQuestion('closed')

const PaletteDialog = lazyPart(() => import('@/features/palette/palette-dialog').then((part) => part.PaletteDialog), 'pages', close)
const ShortcutsDialog = lazyPart(
  () => import('@/features/palette/shortcuts-dialog').then((part) => part.ShortcutsDialog),
  'pages',
  close,
)

const EngineDialog = lazyPart(() => import('@/features/service/engine-dialog').then((part) => part.EngineDialog), 'pages', close)

const QuestionDialog = lazyPart(
  () => import('@/features/gate/question-dialog').then((part) => part.QuestionDialog),
  'near',
  unanswered,
)

const ShareDialog = lazyPart(() => import('@/features/shares/share-dialog').then((part) => part.ShareDialog), 'pages', closeSharing)

/** The dialog that is open, loaded when it is first wanted. */
export function Dialogs() {
  const open = useStore(dialog)
  const asked = useStore(question)
  const shared = useStore(sharing)
  const navigate = useNavigate()
  const onNewChat = useCallback(() => void navigate({ to: '/' }), [navigate])
  const onSettings = useCallback(() => void navigate({ to: '/settings' }), [navigate])
  const onOpen = useCallback(
    (id: string, m: string | null) => void navigate({ to: '/c/$id', params: { id }, search: m ? { m } : {} }),
    [navigate],
  )
  return (
    <Suspense fallback={null}>
      {open === 'palette' && <PaletteDialog onClose={close} onNewChat={onNewChat} onOpen={onOpen} onSettings={onSettings} />}
      {open === 'shortcuts' && <ShortcutsDialog onClose={close} />}
      {open === 'engine' && <EngineDialog onClose={close} />}
      {asked && <QuestionDialog question={asked} />}
      {shared && <ShareDialog conversation={shared} onClose={closeSharing} />}
    </Suspense>
  )
}
