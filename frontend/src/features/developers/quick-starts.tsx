import { Trans, useLingui } from '@lingui/react/macro'
import { Link } from '@tanstack/react-router'
import { type KeyboardEvent, type ReactNode, useMemo, useRef } from 'react'
import { CodeBlock } from '@/features/markdown/code-block'
import '@/features/markdown/markdown.css'
import { type QuickStart, quickStarts, stepsOf } from './starts'

interface QuickStartsProps {
  asked: { start?: string }
  onChoose(words: Record<string, string>): void
}

/** Programs that work when pasted: what to set and install, the program, how it is run. */
export function QuickStarts({ asked, onChoose }: QuickStartsProps) {
  const starts = useMemo(() => quickStarts(location.origin), [])
  const current = starts.find(({ id }) => id === asked.start) ?? starts[0]
  if (!current) return null
  return (
    <>
      <p className="mb-6 max-w-prose text-sm text-ink-2">
        <Trans>
          Each program asks a question and prints the answer as it is written. The tests of this installation’s version have run
          every one of them. You need a key:{' '}
          <Link to="/developers/$page" params={{ page: 'keys' }} className="text-tide underline underline-offset-3">
            make one
          </Link>
          .
        </Trans>
      </p>
      <div className="gap-10 lg:flex">
        <Tabs starts={starts} current={current} onChoose={(start) => onChoose({ start })} />
        <div
          id="quick-start"
          role="tabpanel"
          aria-labelledby={`start-${current.id}`}
          className="mt-5 min-w-0 flex-1 space-y-7 lg:mt-0"
        >
          <Start key={current.id} of={current} />
        </div>
      </div>
    </>
  )
}

interface TabsProps {
  starts: readonly QuickStart[]
  current: QuickStart
  onChoose(id: string): void
}

function Tabs({ starts, current, onChoose }: TabsProps) {
  const { t } = useLingui()
  const list = useRef<HTMLDivElement>(null)
  const onKeyDown = (event: KeyboardEvent) => {
    const at = starts.indexOf(current)
    const places: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: starts.length - 1,
    }
    const next = places[event.key]
    if (next === undefined) return
    event.preventDefault()
    const start = starts.at(next % starts.length)
    if (!start) return
    onChoose(start.id)
    list.current?.querySelector<HTMLElement>(`#start-${start.id}`)?.focus()
  }
  return (
    <div
      ref={list}
      role="tablist"
      tabIndex={-1}
      aria-label={t`Languages and libraries`}
      onKeyDown={onKeyDown}
      className="-mx-5 flex shrink-0 gap-1 overflow-x-auto px-4 wide:mx-0 wide:px-0 lg:w-52 lg:flex-col lg:overflow-visible"
    >
      {starts.map(({ id, title }) => (
        <button
          key={id}
          id={`start-${id}`}
          type="button"
          role="tab"
          aria-selected={id === current.id}
          aria-controls="quick-start"
          tabIndex={id === current.id ? 0 : -1}
          onClick={() => onChoose(id)}
          className="min-h-9 shrink-0 rounded-row px-3 text-left text-sm whitespace-nowrap text-ink-2 transition-colors hover:bg-hover aria-selected:bg-tide-soft aria-selected:text-ink touch:min-h-11 lg:whitespace-normal"
        >
          {title}
        </button>
      ))}
    </div>
  )
}

function Start({ of: start }: { of: QuickStart }) {
  const { t } = useLingui()
  const titles = { set: t`Say where and who`, install: t`Install`, generate: t`Generate`, run: t`Run` }
  return stepsOf(start).map((step) =>
    step.kind === 'save' ? (
      <Step key={step.file} title={<Trans>Save as {step.file}</Trans>}>
        <CodeBlock code={step.code} info={step.language} open={false} />
      </Step>
    ) : (
      <Step key={step.kind} title={titles[step.kind]}>
        <CodeBlock code={step.code} info="bash" open={false} />
      </Step>
    ),
  )
}

function Step({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <section>
      <h2 className="mb-2 text-sm font-semibold">{title}</h2>
      {children}
    </section>
  )
}
