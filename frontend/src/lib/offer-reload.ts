import { t } from '@lingui/core/macro'
import { showToast } from './toasts'

/** Says that something of the page can't be loaded and offers to load the page anew: after an update it has other parts. What is typed is kept. */
export function offerReload(): void {
  showToast({ text: t`This part can’t be loaded.`, tone: 'danger', action: { label: t`Reload`, run: () => location.reload() } })
}
