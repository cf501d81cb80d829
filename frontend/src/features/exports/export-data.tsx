import { Trans, useLingui } from '@lingui/react/macro'
import { Download } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ConfirmStep } from '@/components/page/confirm-step'
import { day, moment } from '@/components/page/moments'
import { sortRefusals, wantsProof } from '@/components/page/refusal-words'
import { Section } from '@/components/page/section'
import { Button } from '@/components/ui/button'
import { Notice } from '@/components/ui/notice'
import { unmask } from '@/gql/fragment-masking'
import { type ExportPartsFragment, ExportPartsFragmentDoc, ExportStartDocument, type ExportStateQuery } from '@/gql/graphql'
import { announce } from '@/lib/announcer'
import { useMutationAct } from '@/lib/graphql/act'
import { forgetForm, keepForm, readForm } from '@/lib/kept-form'
import { Bar } from './bar'
import { sizeText } from './size-text'

const formName = 'export'

/** Milliseconds between two looks at an export that isn't over. */
const every = 700

interface ExportDataProps {
  viewer: ExportStateQuery['viewer']
  /** Whether the page comes back from a provider, where the way to an export led. */
  returned: boolean
  onRefresh(): void
}

/** Whether the page was left for a provider on the way to an export. */
export function wasExporting(): boolean {
  return readForm(formName) !== null
}

/** Makes a file of everything that is kept, and offers those that are there. */
export function ExportData({ viewer, returned, onRefresh }: ExportDataProps) {
  const { t } = useLingui()
  const exports = viewer.exports.map((one) => unmask(ExportPartsFragmentDoc, one))
  const running = exports.find(({ status }) => status === 'RUNNING')
  const { step, whole, start, setStep } = useStart(onRefresh)
  const isRunning = running !== undefined
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(onRefresh, every)
    return () => clearInterval(timer)
  }, [isRunning, onRefresh])
  useEffect(() => {
    if (!returned) return
    forgetForm()
    void start()
    // Once: the way to the provider was for this.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [])
  return (
    <Section
      title={t`Export everything`}
      note={t`A file with all that is kept of you: conversations with all their versions to read and for programs, your account, usage, payments, devices and choices.`}
    >
      {step === 'proving' ? (
        <ConfirmStep
          linked={viewer.account?.identities.map(({ provider }) => provider) ?? []}
          returnTo="/settings/data"
          onLeave={() => keepForm(formName, { wanted: 'yes' })}
          onCancel={() => setStep('idle')}
        />
      ) : running ? (
        <Running part={running.progress} />
      ) : (
        <Button onClick={() => void start()} aria-disabled={step === 'sending'}>
          <Trans>Make an export</Trans>
        </Button>
      )}
      {whole && (
        <div className="mt-4">
          <Notice tone="danger" role="alert">
            {whole}
          </Notice>
        </div>
      )}
      <Files exports={exports} />
    </Section>
  )
}

/** How far the beginning of an export is. */
function useStart(onRefresh: () => void) {
  const { t } = useLingui()
  const run = useMutationAct(ExportStartDocument, (data) => data.exportStart)
  const [step, setStep] = useState<'idle' | 'sending' | 'proving'>('idle')
  const [whole, setWhole] = useState<string | null>(null)
  const start = async () => {
    if (step === 'sending') return
    setWhole(null)
    setStep('sending')
    const outcome = await run({ input: {} })
    setStep(wantsProof(outcome) ? 'proving' : 'idle')
    if (wantsProof(outcome)) return
    const often = outcome.kind === 'refused' && outcome.refusals[0].code === 'RATE_LIMITED'
    setWhole(
      often ? t`Those were many exports in a day. Use one that is there, or wait until tomorrow.` : sortRefusals(outcome, []).whole,
    )
    if (outcome.kind === 'done') announce(t`The export is being made.`)
    onRefresh()
  }
  return { step, whole, start, setStep }
}

function Running({ part }: { part: number }) {
  const { t } = useLingui()
  return (
    <div className="fade-in max-w-md space-y-2">
      <Bar label={t`Progress of the export`} part={part} />
      <p className="text-sm text-ink-2">
        <Trans>It is being made. You can leave this page; the file waits for you here.</Trans>
      </p>
    </div>
  )
}

function Files({ exports }: { exports: readonly ExportPartsFragment[] }) {
  const over = exports.filter(({ status }) => status !== 'RUNNING')
  if (over.length === 0) return null
  return (
    <ul className="mt-4 divide-y divide-line overflow-hidden rounded-row border border-line bg-surface">
      {over.map((one) => (
        <li key={one.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
          <File file={one} />
        </li>
      ))}
    </ul>
  )
}

function File({ file: { status, createdAt, expiresAt, bytes, url } }: { file: ExportPartsFragment }) {
  const { t } = useLingui()
  if (status === 'FAILED' || !url) {
    return (
      <p className="text-sm text-danger">
        <Trans>The export of {moment(createdAt)} failed. Make another one.</Trans>
      </p>
    )
  }
  const size = sizeText(bytes)
  return (
    <>
      <div className="min-w-0 flex-1 basis-48">
        <p className="text-sm font-medium">{moment(createdAt)}</p>
        <p className="text-sm text-ink-3">
          <Trans>
            {size} ZIP, kept until {day(expiresAt)}
          </Trans>
        </p>
      </div>
      <a
        href={url}
        download
        aria-label={t`Download the export of ${moment(createdAt)}`}
        className="inline-flex min-h-8 items-center gap-1.5 rounded-control bg-tide px-3 text-sm font-medium text-on-tide hover:opacity-90 touch:min-h-11"
      >
        <Download size={15} aria-hidden="true" />
        <Trans>Download</Trans>
      </a>
    </>
  )
}
