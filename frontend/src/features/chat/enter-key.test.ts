import { expect, it } from 'vitest'
import { enterAction, type EnterPress } from './enter-key'

const plain: EnterPress = {
  shift: false,
  mod: false,
  composing: false,
  keyCode: 13,
  sinceComposition: Number.POSITIVE_INFINITY,
  sendKey: 'enter',
  touch: false,
}

const cases: [string, Partial<EnterPress>, ReturnType<typeof enterAction>][] = [
  ['Enter sends', {}, 'send'],
  ['Shift+Enter makes a new line', { shift: true }, 'newline'],
  ['with the other choice Enter makes a new line', { sendKey: 'mod-enter' }, 'newline'],
  ['with the other choice Ctrl+Enter sends', { sendKey: 'mod-enter', mod: true }, 'send'],
  ['Ctrl+Enter always sends', { mod: true }, 'send'],
  ['below a finger Enter makes a new line', { touch: true }, 'newline'],
  ['an Enter that accepts a candidate does nothing of ours', { composing: true }, 'accept'],
  ['the same where only the key code tells', { keyCode: 229 }, 'accept'],
  ['the same in Safari, where the composition has just ended', { sinceComposition: 12 }, 'accept'],
  ['a later Enter sends what was composed', { sinceComposition: 400 }, 'send'],
  ['composing wins over the command key', { composing: true, mod: true }, 'accept'],
]

it.each(cases)('%s', (_name, press, action) => {
  expect(enterAction({ ...plain, ...press })).toBe(action)
})
