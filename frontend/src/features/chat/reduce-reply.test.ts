import { describe, expect, it } from 'vitest'
import { eventsOf } from './reply-stream'
import { reduceReply, type ReplyEvent, type ReplyState } from './reduce-reply'

const start: ReplyState = { at: 5, text: 'Hello', reasoning: '', status: 'STREAMING', error: null, place: 0 }
const delta = (seq: number, text: string): ReplyEvent => ({ __typename: 'ReplyDelta', seq, text })
const thought = (seq: number, text: string): ReplyEvent => ({ __typename: 'ReplyReasoningDelta', seq, text })
const snapshot = (seq: number, text: string): ReplyEvent => ({
  __typename: 'ReplySnapshot',
  seq,
  text,
  reasoning: '',
  status: 'STREAMING',
})
const queued = (seq: number, position: number): ReplyEvent => ({ __typename: 'ReplyQueued', seq, position })
const finished = (seq: number): ReplyEvent => ({ __typename: 'ReplyFinished', seq, status: 'COMPLETE' })
const failed = (seq: number): ReplyEvent => ({
  __typename: 'ReplyFailed',
  seq,
  error: { code: 'UPSTREAM_FAILED', message: 'it broke', retryAfterMs: null },
})

const cases: { name: string; events: ReplyEvent[]; want: Partial<ReplyState> }[] = [
  { name: 'a delta is appended', events: [delta(6, ' you')], want: { at: 6, text: 'Hello you' } },
  { name: 'a merged delta jumps over numbers', events: [delta(9, ' you'), delta(14, '!')], want: { at: 14, text: 'Hello you!' } },
  { name: 'the same event twice counts once', events: [delta(6, ' you'), delta(6, ' you')], want: { text: 'Hello you' } },
  {
    name: 'what was applied before a reconnect is dropped',
    events: [delta(3, 'lo'), delta(5, 'o')],
    want: { at: 5, text: 'Hello' },
  },
  { name: 'a snapshot replaces what is there', events: [snapshot(9, 'Hello, world')], want: { at: 9, text: 'Hello, world' } },
  {
    name: 'a snapshot of an earlier position replaces too: the server has lost the rest',
    events: [delta(6, ' you'), snapshot(2, 'Hel'), delta(3, 'p')],
    want: { at: 3, text: 'Help' },
  },
  {
    name: 'a new epoch goes on with much larger numbers',
    events: [delta(4_294_967_296, ' again')],
    want: { at: 4_294_967_296, text: 'Hello again' },
  },
  { name: 'reasoning is kept apart', events: [thought(6, 'hm'), delta(7, '!')], want: { text: 'Hello!', reasoning: 'hm' } },
  { name: 'the end keeps the text', events: [finished(6)], want: { at: 6, text: 'Hello', status: 'COMPLETE' } },
  {
    name: 'the end has the position of the last piece',
    events: [delta(6, ' you'), finished(6)],
    want: { at: 6, text: 'Hello you', status: 'COMPLETE' },
  },
  { name: 'so has a failure', events: [delta(6, ' you'), failed(6)], want: { at: 6, text: 'Hello you', status: 'FAILED' } },
  { name: 'an end of an earlier position is dropped', events: [finished(4)], want: { at: 5, status: 'STREAMING' } },
  { name: 'nothing follows an end with the same number', events: [finished(6), delta(6, 'x')], want: { text: 'Hello' } },
  { name: 'a place in the line changes nothing else', events: [queued(5, 3), queued(5, 2)], want: { ...start, place: 2 } },
  { name: 'its turn comes', events: [queued(5, 1), queued(5, 0)], want: { place: 0 } },
  { name: 'text ends the waiting', events: [queued(5, 1), delta(6, '!')], want: { text: 'Hello!', place: 0 } },
  { name: 'reasoning ends the waiting', events: [queued(5, 1), thought(6, 'hm')], want: { place: 0 } },
  { name: 'a stop ends the waiting', events: [queued(5, 1), finished(6)], want: { place: 0, status: 'COMPLETE' } },
  { name: 'a failure ends the waiting', events: [queued(5, 1), failed(6)], want: { place: 0, status: 'FAILED' } },
  { name: 'a snapshot ends the waiting', events: [queued(5, 1), snapshot(5, 'Hello')], want: { place: 0 } },
  { name: 'a place of another position is dropped', events: [delta(6, '!'), queued(5, 2)], want: { place: 0 } },
  { name: 'nothing waits after the end', events: [finished(6), queued(6, 2)], want: { place: 0 } },
  { name: 'a failure keeps the text and says why', events: [failed(6)], want: { text: 'Hello', status: 'FAILED' } },
]

describe('reduceReply', () => {
  it.each(cases)('$name', ({ events, want }) => {
    expect(events.reduce(reduceReply, start)).toMatchObject(want)
  })

  it('gives the same state when nothing changes, so that nothing is drawn', () => {
    expect(reduceReply(start, delta(5, 'o'))).toBe(start)
    expect(reduceReply(start, queued(5, 0))).toBe(start)
  })

  it('F6: never doubles text, however often pieces are sent again', () => {
    const whole = 'The quick brown fox jumps over the lazy dog. '.repeat(20)
    let state: ReplyState = { ...start, at: 0, text: '' }
    for (let round = 0; round < 400; round++) {
      const from = Math.max(0, state.at - (round % 7))
      const to = Math.min(whole.length, from + 1 + (round % 5))
      // The server never sends across a position it was told: it cuts there or sends a snapshot.
      const event = from < state.at ? snapshot(state.at, whole.slice(0, state.at)) : delta(to, whole.slice(from, to))
      state = reduceReply(state, event)
      expect(whole.startsWith(state.text)).toBe(true)
      expect(state.text.length).toBe(state.at)
    }
  })
})

describe('a polled reply', () => {
  it('becomes the events that lead to it', () => {
    const polled = { lastSeq: 7, text: 'done', reasoning: '', status: 'STOPPED' as const, error: null }
    const state = eventsOf(polled).reduce(reduceReply, start)
    expect(state).toMatchObject({ text: 'done', status: 'STOPPED' })
  })

  it('is not over while it is written', () => {
    const polled = { lastSeq: 7, text: 'do', reasoning: '', status: 'STREAMING' as const, error: null }
    expect(eventsOf(polled).reduce(reduceReply, start)).toMatchObject({ at: 7, text: 'do', status: 'STREAMING' })
  })
})
