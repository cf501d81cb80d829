import type { SendKey } from '@/lib/prefs'

/** What is known when Enter goes down. */
export interface EnterPress {
  shift: boolean
  /** Ctrl or Cmd. */
  mod: boolean
  /** The browser says that an input method is composing. */
  composing: boolean
  /** The key code: 229 means that an input method has taken the key. */
  keyCode: number
  /** Milliseconds since the last composition ended; Infinity without one. */
  sinceComposition: number
  sendKey: SendKey
  /** The main pointer is a finger: there Enter makes a new line. */
  touch: boolean
}

/** Safari ends a composition before the Enter that accepted it goes down. */
const compositionTail = 30

/** What Enter does: send, a new line, or nothing of ours because it accepts a candidate. */
export function enterAction(press: EnterPress): 'send' | 'newline' | 'accept' {
  if (press.composing || press.keyCode === 229 || press.sinceComposition < compositionTail) return 'accept'
  if (press.mod) return 'send'
  if (press.shift || press.touch || press.sendKey === 'mod-enter') return 'newline'
  return 'send'
}
