import { useLingui } from '@lingui/react/macro'
import { Menu, PanelLeft } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from '@/components/ui/button'
import { prefs, setPrefs } from '@/lib/prefs'
import { useStore } from '@/lib/store'
import { drawer } from '@/lib/ui-state'

/** A page that isn't a chat: it scrolls as a whole and keeps the way to the sidebar. */
export function Page({ children }: { children: ReactNode }) {
  const { t } = useLingui()
  const { sidebar } = useStore(prefs)
  return (
    <div className="h-full overflow-y-auto">
      <div className="sticky top-0 z-10 flex h-12 items-center bg-paper px-2">
        <IconButton label={t`Show sidebar`} onClick={() => drawer.set('open')} className="wide:hidden">
          <Menu size={18} />
        </IconButton>
        {sidebar === 'closed' && (
          <IconButton label={t`Show sidebar`} onClick={() => setPrefs({ sidebar: 'open' })} className="max-wide:hidden">
            <PanelLeft size={17} />
          </IconButton>
        )}
      </div>
      {children}
    </div>
  )
}
