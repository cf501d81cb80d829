import { useLingui } from '@lingui/react/macro'
import { Dialog, DialogHead } from '@/components/ui/dialog'
import { keysText } from '@/components/ui/keys'
import { prefs } from '@/lib/prefs'
import { useStore } from '@/lib/store'

/** Every key and what it does. */
export function ShortcutsDialog({ onClose }: { onClose(): void }) {
  const { t } = useLingui()
  const { sendKey } = useStore(prefs)
  const title = t`Keyboard shortcuts`
  const all = [
    { keys: sendKey === 'enter' ? 'enter' : 'mod+enter', does: t`Send the message` },
    { keys: sendKey === 'enter' ? 'shift+enter' : 'enter', does: t`New line` },
    { keys: 'esc', does: t`Stop the answer` },
    { keys: 'up', does: t`Edit the last question (in an empty message)` },
    { keys: 'mod+shift+o', does: t`New chat` },
    { keys: 'mod+k', does: t`Search conversations, actions and models` },
    { keys: '/', does: t`Go to the message field` },
    { keys: 'j', does: t`Next message` },
    { keys: 'k', does: t`Previous message` },
    { keys: 'F2', does: t`Rename the focused conversation` },
    { keys: '?', does: t`Show these shortcuts` },
  ]
  return (
    <Dialog label={title} onClose={onClose}>
      <DialogHead title={title} onClose={onClose} />
      <dl className="max-h-[34rem] overflow-y-auto px-5 py-3">
        {all.map(({ keys, does }) => (
          <div key={does} className="flex items-center justify-between gap-6 py-1.5 text-sm">
            <dt className="text-ink-2">{does}</dt>
            <dd>
              <kbd className="rounded-control border border-line-strong px-2 py-0.5 font-sans text-xs">{keysText(keys)}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
