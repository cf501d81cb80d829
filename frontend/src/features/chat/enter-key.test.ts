import { expect, it } from 'vitest'
import { enterAction, type EnterPress } from './enter-key'

const plain: EnterPress = {
  shift: false,
  mod: false,
  ime: false,
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
  ['an Enter that accepts a candidate does nothing of ours', { ime: true }, 'accept'],
  ['composing wins over the command key', { ime: true, mod: true }, 'accept'],
]

it.each(cases)('%s', (_name, press, action) => {
  expect(enterAction({ ...plain, ...press })).toBe(action)
})
