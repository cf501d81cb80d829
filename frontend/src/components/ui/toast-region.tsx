import { useLingui } from '@lingui/react/macro'
import { useStore } from '@/lib/store'
import { type Toast, toasts } from '@/lib/toasts'

/** Where toasts appear; it is always there, so that each one is read out. */
export function ToastRegion() {
  const { t } = useLingui()
  const shown = useStore(toasts)
  return (
    <section
      aria-label={t`Notifications`}
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-0 z-30 flex flex-col items-center gap-2 p-4 wide:items-start"
    >
      {shown.map((toast) => (
        <ToastRow key={toast.id} toast={toast} />
      ))}
    </section>
  )
}

function ToastRow({ toast }: { toast: Toast }) {
  const { action } = toast
  return (
    <div className="panel-in pointer-events-auto flex max-w-full items-center gap-3 rounded-row border border-line bg-surface py-2 pr-2 pl-4 text-sm shadow-float">
      <span className={`py-1 ${toast.tone === 'danger' ? 'text-danger' : ''}`}>{toast.text}</span>
      {action && (
        <button
          type="button"
          onClick={() => {
            toasts.update((all) => all.filter((one) => one.id !== toast.id))
            action.run()
          }}
          className="min-h-8 rounded-control px-2.5 font-semibold text-tide hover:bg-hover touch:min-h-11"
        >
          {action.label}
        </button>
      )}
    </div>
  )
}
