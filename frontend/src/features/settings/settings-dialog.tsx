import { Trans, useLingui } from '@lingui/react/macro'
import { type ReactNode, useId } from 'react'
import { Dialog, DialogHead } from '@/components/ui/dialog'
import { keysText } from '@/components/ui/keys'
import { activateInUse } from '@/lib/i18n'
import { type Language, prefs, type SendKey, setPrefs, type Theme } from '@/lib/prefs'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'

/** Appearance, language, keyboard, and what this installation is. */
export function SettingsDialog({ onClose }: { onClose(): void }) {
  const { t } = useLingui()
  const now = useStore(prefs)
  const title = t`Settings`
  return (
    <Dialog label={title} onClose={onClose}>
      <DialogHead title={title} onClose={onClose} />
      <div className="max-h-[36rem] divide-y divide-line overflow-y-auto px-5">
        <Choice<Theme>
          title={t`Appearance`}
          value={now.theme}
          options={[
            { value: 'system', label: t`Like the system` },
            { value: 'light', label: t`Light` },
            { value: 'dark', label: t`Dark` },
          ]}
          onChoose={(theme) => setPrefs({ theme })}
        />
        <Choice<Language | 'browser'>
          title={t`Language`}
          value={now.language ?? 'browser'}
          options={[
            { value: 'browser', label: t`Like the browser` },
            { value: 'en', label: 'English', lang: 'en' },
            { value: 'zh', label: '中文', lang: 'zh-CN' },
          ]}
          onChoose={(language) => {
            setPrefs({ language: language === 'browser' ? null : language })
            void activateInUse()
          }}
        />
        <Choice<SendKey>
          title={t`Send with`}
          note={t`On a touch screen Enter always makes a new line.`}
          value={now.sendKey}
          options={[
            { value: 'enter', label: keysText('enter') },
            { value: 'mod-enter', label: keysText('mod+enter') },
          ]}
          onChoose={(sendKey) => setPrefs({ sendKey })}
        />
        <About />
      </div>
    </Dialog>
  )
}

interface Option<T> {
  value: T
  label: string
  lang?: string
}

interface ChoiceProps<T extends string> {
  title: string
  note?: string
  value: T
  options: readonly Option<T>[]
  onChoose(value: T): void
}

function Choice<T extends string>({ title, note, value, options, onChoose }: ChoiceProps<T>) {
  const name = useId()
  return (
    <fieldset className="py-5">
      <legend className="float-left mb-2 w-full text-sm font-semibold">{title}</legend>
      <div className="clear-left flex flex-wrap gap-2">
        {options.map((option) => (
          <label
            key={option.value}
            lang={option.lang}
            className="flex min-h-9 cursor-pointer items-center rounded-control border border-control px-3.5 text-sm text-ink-2 transition-colors hover:bg-hover has-checked:border-tide has-checked:bg-tide-soft has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-tide touch:min-h-11"
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={option.value === value}
              onChange={() => onChoose(option.value)}
            />
            {option.label}
          </label>
        ))}
      </div>
      {note && <p className="mt-2 text-xs text-ink-3">{note}</p>}
    </fieldset>
  )
}

function About() {
  const { t } = useLingui()
  const info = useServiceInfo()
  if (!info) return null
  const { service } = info
  return (
    <section className="py-5">
      <h3 className="mb-2 text-sm font-semibold">
        <Trans>About</Trans>
      </h3>
      <dl className="grid grid-cols-[max-content_1fr] gap-x-6 gap-y-1 text-sm">
        <Fact name={t`Service`}>
          {service.name} {service.version}
        </Fact>
        <Fact name={t`Engine`}>{service.engine.name}</Fact>
        {service.supportEmail && (
          <Fact name={t`Support`}>
            <a href={`mailto:${service.supportEmail}`} className="text-tide underline underline-offset-3">
              {service.supportEmail}
            </a>
          </Fact>
        )}
      </dl>
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  )
}
