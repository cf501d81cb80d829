import type { SendKey } from '@/lib/prefs'

/** What is known when Enter goes down. */
export interface EnterPress {
  shift: boolean
  /** Ctrl or Cmd. */
  mod: boolean
  /** It belongs to an input method. */
  ime: boolean
  sendKey: SendKey
  /** The main pointer is a finger: there Enter makes a new line. */
  touch: boolean
}

/** What Enter does: send, a new line, or nothing of ours because it accepts a candidate. */
export function enterAction(press: EnterPress): 'send' | 'newline' | 'accept' {
  if (press.ime) return 'accept'
  if (press.mod) return 'send'
  if (press.shift || press.touch || press.sendKey === 'mod-enter') return 'newline'
  return 'send'
}
