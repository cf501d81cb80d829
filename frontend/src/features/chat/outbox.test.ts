import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ErrorCode } from '@/gql/graphql'
import type { Outcome } from '@/lib/graphql/act'
import { storageKeys } from '@/lib/storage-keys'

const refused = (code: ErrorCode, retryAfterMs: number | null = null): Outcome<unknown> => ({
  kind: 'refused',
  refusals: [{ code, message: code, field: [], retryAfterMs }],
})
const unreachable: Outcome<unknown> = { kind: 'unreachable' }
const done: Outcome<unknown> = { kind: 'done', payload: {} }

/** The module as a fresh page has it. */
async function freshPage() {
  vi.resetModules()
  return import('./outbox')
}

const message = { conversationId: 'con_1', editOf: null, text: 'hello', modelId: null }

beforeEach(() => localStorage.clear())

describe('sending', () => {
  it('is acknowledged, repeated, returned or left to the person by how a try ended', async () => {
    const { afterTry } = await freshPage()
    const first = { phase: 'sending', tries: 0 } as const
    expect(afterTry(first, done)).toEqual({ do: 'acknowledge' })
    expect(afterTry(first, unreachable)).toMatchObject({ do: 'keep', state: { phase: 'waiting', tries: 1, delayMs: 1000 } })
    expect(afterTry(first, refused('SHUTTING_DOWN'))).toMatchObject({ do: 'keep', state: { phase: 'waiting' } })
    expect(afterTry(first, refused('RATE_LIMITED', 7_000))).toMatchObject({ do: 'keep', state: { delayMs: 7_000 } })
    expect(afterTry(first, refused('STORAGE_FULL'))).toMatchObject({ do: 'keep', state: { phase: 'failed' } })
    for (const code of ['INVALID', 'GUEST_LIMIT_REACHED', 'AGE_REFUSED', 'MODEL_UNAVAILABLE', 'CONFLICT'] as const) {
      expect(afterTry(first, refused(code))).toMatchObject({ do: 'return', refusal: { code } })
    }
  })

  it('R-LIMIT: waits minutes for another answer to end', async () => {
    const { afterTry } = await freshPage()
    const busy = refused('RATE_LIMITED', 5_000)
    expect(afterTry({ phase: 'sending', tries: 58 }, busy)).toMatchObject({
      do: 'keep',
      state: { phase: 'waiting', delayMs: 5_000 },
    })
    expect(afterTry({ phase: 'sending', tries: 59 }, busy)).toMatchObject({ do: 'keep', state: { phase: 'failed' } })
  })

  it('is held while there is something to answer, without counting it as a try', async () => {
    const { afterTry } = await freshPage()
    for (const code of ['AGE_CONFIRMATION_REQUIRED', 'POLICY_ACCEPTANCE_REQUIRED', 'CONSENT_REQUIRED'] as const) {
      const step = afterTry({ phase: 'sending', tries: 3 }, refused(code))
      expect(step).toMatchObject({ do: 'keep', state: { phase: 'held', tries: 0, refusal: { code } } })
    }
  })

  it('waits longer each time and asks the person in the end', async () => {
    const { afterTry } = await freshPage()
    const delays: number[] = []
    let tries = 0
    for (;;) {
      const step = afterTry({ phase: 'sending', tries }, unreachable)
      if (step.do !== 'keep' || step.state.phase !== 'waiting') {
        expect(step).toMatchObject({ do: 'keep', state: { phase: 'failed' } })
        break
      }
      delays.push(step.state.delayMs)
      tries = step.state.tries
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
  })
})

describe('the outbox', () => {
  it('keeps an unacknowledged message with its key across a reload', async () => {
    const before = await freshPage()
    const { clientId } = before.enqueue(message)
    const after = await freshPage()
    expect(after.outbox.get()).toMatchObject([{ clientId, text: 'hello', state: { phase: 'waiting' } }])
  })

  it('forgets an acknowledged message in storage at once and on the page when it is stored', async () => {
    const { acknowledge, enqueue, outbox, outgoingOf } = await freshPage()
    const { clientId } = enqueue({ ...message, conversationId: null })
    acknowledge(clientId, 'con_9', 'msg_1')
    expect(localStorage.getItem(storageKeys.outbox)).toBeNull()
    expect(outgoingOf(outbox.get(), null, new Set())).toHaveLength(1)
    expect(outgoingOf(outbox.get(), 'con_9', new Set())).toHaveLength(1)
    expect(outgoingOf(outbox.get(), 'con_9', new Set(['msg_1']))).toHaveLength(0)
    expect(outgoingOf(outbox.get(), 'con_other', new Set())).toHaveLength(0)
  })

  it('shares its storage with other tabs without losing theirs', async () => {
    const one = await freshPage()
    one.enqueue({ ...message, text: 'from one' })
    const two = await freshPage()
    const mine = two.enqueue({ ...message, text: 'from two' })
    two.dequeue(mine.clientId)
    expect(localStorage.getItem(storageKeys.outbox)).toContain('from one')
    one.dequeue(one.outbox.get()[0]!.clientId)
    two.dropSettledElsewhere()
    expect(two.outbox.get()).toHaveLength(0)
  })

  it('ignores broken storage', async () => {
    localStorage.setItem(storageKeys.outbox, '[{"clientId":7},null,"x"')
    expect((await freshPage()).outbox.get()).toEqual([])
    localStorage.setItem(storageKeys.outbox, '[{"clientId":7},null,"x"]')
    expect((await freshPage()).outbox.get()).toEqual([])
  })
})
