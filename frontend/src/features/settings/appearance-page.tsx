import { useLingui } from '@lingui/react/macro'
import { keysText } from '@/components/ui/keys'
import { activateInUse } from '@/lib/i18n'
import { type Language, prefs, type SendKey, setPrefs, type Theme } from '@/lib/prefs'
import { useServiceInfo } from '@/lib/service-info'
import { useStore } from '@/lib/store'
import { Choice } from '@/components/page/choice'
import { Fact, Facts, Section } from '@/components/page/section'

/** Appearance, language, keyboard, and what this installation is. */
export function AppearancePage() {
  const { t } = useLingui()
  const now = useStore(prefs)
  return (
    <>
      <Choice<Theme>
        title={t`Colours`}
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
    </>
  )
}

function About() {
  const { t } = useLingui()
  const info = useServiceInfo()
  if (!info) return null
  const { service } = info
  return (
    <Section title={t`About`}>
      <Facts>
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
      </Facts>
    </Section>
  )
}
