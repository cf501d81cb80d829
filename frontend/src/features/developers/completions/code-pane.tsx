import { useLingui } from '@lingui/react/macro'
import { useState } from 'react'
import { Segments } from '@/components/page/segments'
import { CodeBlock } from '@/features/markdown/code-block'
import '@/features/markdown/markdown.css'
import { type Program, programsOf } from './programs'
import type { Body } from './request'

/** The request as programs; the key stands in none of them. */
export function CodePane({ body }: { body: Body }) {
  const { t } = useLingui()
  const [chosen, setChosen] = useState<Program['id']>('curl')
  const programs = programsOf(location.origin, body)
  const program = programs.find(({ id }) => id === chosen)
  return (
    <section aria-label={t`The request as a program`} className="space-y-2">
      <Segments<Program['id']>
        label={t`Language`}
        value={chosen}
        options={programs.map(({ id, title }) => ({ value: id, label: title }))}
        onChoose={setChosen}
      />
      {program && <CodeBlock key={program.id} code={program.code.trimEnd()} info={program.info} open />}
    </section>
  )
}
