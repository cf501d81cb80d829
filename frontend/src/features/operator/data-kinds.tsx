import { useLingui } from '@lingui/react/macro'
import type { DataKind } from '@/gql/graphql'

export const dataKinds: readonly DataKind[] = ['ACCOUNT', 'CONVERSATIONS', 'USAGE', 'DEVICES', 'PAYMENTS', 'API_REQUESTS']

/** What the kinds of data are called. */
export function useKindNames(): Record<DataKind, string> {
  const { t } = useLingui()
  return {
    ACCOUNT: t`Account data`,
    CONVERSATIONS: t`Conversations`,
    USAGE: t`Usage and credits`,
    DEVICES: t`Devices`,
    PAYMENTS: t`Payments`,
    API_REQUESTS: t`Logs of API requests`,
  }
}

interface DataKindsProps {
  label: string
  /** Those that can be chosen. */
  of: readonly DataKind[]
  chosen: readonly DataKind[]
  error?: string
  onChange(chosen: DataKind[]): void
}

/** Kinds of data to choose from, none or several. */
export function DataKinds({ label, of, chosen, error, onChange }: DataKindsProps) {
  const names = useKindNames()
  return (
    <fieldset>
      <legend className="mb-1 text-sm font-medium">{label}</legend>
      <div className="flex flex-wrap gap-x-5">
        {of.map((kind) => (
          <label key={kind} className="flex min-h-8 items-center gap-2.5 text-sm touch:min-h-11">
            <input
              type="checkbox"
              checked={chosen.includes(kind)}
              onChange={(event) => onChange(event.target.checked ? [...chosen, kind] : chosen.filter((one) => one !== kind))}
              className="size-4 accent-tide"
            />
            {names[kind]}
          </label>
        ))}
      </div>
      {error && (
        <p role="alert" className="mt-1 text-sm text-danger">
          {error}
        </p>
      )}
    </fieldset>
  )
}
