import { useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { Dialog, DialogHead } from '@/components/ui/dialog'
import { closeQuestion, type Question } from '@/lib/questions'
import { useServiceInfo } from '@/lib/service-info'
import { AgeStep } from './age-step'
import { ConsentStep } from './consent-step'
import { PolicyStep } from './policy-step'
import { RefusedStep } from './refused-step'

const passed = () => closeQuestion('passed')
const closed = () => closeQuestion('closed')

/** Asks for whatever stands before an act, one step at a time, and lets it go on. */
export function QuestionDialog({ question }: { question: Question }) {
  const { t } = useLingui()
  const info = useServiceInfo()
  const name = info?.service.name ?? 'Kimi K2'
  const [answered, setAnswered] = useState<readonly Step[]>([])
  const step = stepOf(question, info?.viewer.gate, answered)
  const title = step === 'consent' ? t`Before your message leaves` : t`Before you begin`

  const done = (what: Step) => {
    const all = [...answered, what]
    setAnswered(all)
    // The gate on show may be older than the answer that was just given.
    if (what === 'consent' || stepsLeft(question, info?.viewer.gate, all).length === 0) passed()
  }

  return (
    <Dialog label={title} onClose={closed} className="w-[min(28rem,calc(100vw-2rem))]!">
      <DialogHead title={title} onClose={closed} />
      <div className="px-5 py-5">
        {step === 'refused' && <RefusedStep name={name} onClose={closed} />}
        {step === 'age' && <AgeStep onDone={() => done('age')} onLater={closed} />}
        {step === 'policy' && <PolicyStep name={name} place={question.place} onDone={() => done('policy')} onLater={closed} />}
        {step === 'consent' && <ConsentStep message={question.message} onDone={() => done('consent')} onLater={closed} />}
      </div>
    </Dialog>
  )
}

export type Step = 'age' | 'policy' | 'consent'

interface GateFacts {
  ageConfirmed: boolean
  ageRefused: boolean
  policyAccepted: boolean
}

/** What is still to be asked: what the gate misses, and what the server refused, whatever the gate says. */
export function stepsLeft({ code }: Pick<Question, 'code'>, gate: GateFacts | undefined, answered: readonly Step[]): Step[] {
  if (code === 'CONSENT_REQUIRED') return ['consent']
  const steps: Step[] = []
  if (code === 'AGE_CONFIRMATION_REQUIRED' || gate?.ageConfirmed === false) steps.push('age')
  if (code === 'POLICY_ACCEPTANCE_REQUIRED' || gate?.policyAccepted === false) steps.push('policy')
  return steps.filter((step) => !answered.includes(step))
}

function stepOf(question: Question, gate: GateFacts | undefined, answered: readonly Step[]): Step | 'refused' | undefined {
  return gate?.ageRefused ? 'refused' : stepsLeft(question, gate, answered)[0]
}
