import { t } from '@lingui/core/macro'
import { announce } from './announcer'
import { showToast } from './toasts'

/** Copies text and says so; false when the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    announce(t`Copied`)
    return true
  } catch {
    showToast({ text: t`The browser didn’t allow copying.`, tone: 'danger' })
    return false
  }
}
