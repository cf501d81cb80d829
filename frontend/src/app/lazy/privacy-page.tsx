import { useSearch } from '@tanstack/react-router'
import { Policy } from '@/features/policy/policy'
import { Page } from './page'

/** The privacy policy, for everybody: the version in force, another one, or what one changes. */
export function PrivacyPage() {
  const { version, changes }: Record<string, unknown> = useSearch({ strict: false })
  return (
    <Page>
      <Policy version={text(version)} changes={text(changes)} />
    </Page>
  )
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
