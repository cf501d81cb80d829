/** Colours for a code block that may still grow. */
import { useEffect, useRef, useState } from 'react'
import { endSession, highlight, type Line, newSession } from './highlight'

/** Milliseconds between two looks at a growing block. */
const EVERY_MS = 150

interface Colours {
  /** The code, up to a line's end, to which `lines` belong. */
  code: string
  lines: readonly Line[]
}

const NONE: Colours = { code: '', lines: [] }

/**
 * Answers the coloured lines at the start of the code; the lines after them are still plain. A block that
 * is open is looked at every 150 ms, and only its complete lines are coloured.
 */
export function useHighlight(code: string, language: string, open: boolean): readonly Line[] {
  const [colours, setColours] = useState<Colours>(NONE)
  const latest = useRef({ code, open })
  const known = useRef(NONE)

  useEffect(() => {
    latest.current = { code, open }
  }, [code, open])

  useEffect(() => {
    if (language === '') return undefined
    let stopped = false
    let session = newSession()
    let timer: ReturnType<typeof setTimeout> | undefined
    known.current = NONE

    const look = async () => {
      const now = latest.current
      if (!now.code.startsWith(known.current.code)) {
        endSession(session)
        session = newSession()
        known.current = NONE
      }
      const whole = now.open ? now.code.slice(0, now.code.lastIndexOf('\n') + 1) : `${now.code}\n`
      const added = whole.slice(known.current.code.length)
      if (added !== '') {
        const lines = await highlight(session, language, added.slice(0, -1))
        if (stopped || lines === null) return
        known.current = { code: whole, lines: known.current.lines.concat(lines) }
        setColours(known.current)
      }
      if (now.open) timer = setTimeout(() => void look(), EVERY_MS)
      else endSession(session)
    }
    void look()
    return () => {
      stopped = true
      clearTimeout(timer)
      endSession(session)
    }
  }, [language])

  return `${code}\n`.startsWith(colours.code) ? colours.lines : NONE.lines
}
