import { type RefObject, useCallback, useEffect, useReducer, useState } from 'react'
import { unmask } from '@/gql/fragment-masking'
import {
  RequestLogAddedDocument,
  type RequestLogAddedSubscription,
  RequestLogRowFragmentDoc,
  RequestLogsDocument,
} from '@/gql/graphql'
import { fetchOperation } from '@/lib/live/fetch'
import { follow } from '@/lib/live/follow'
import { payloadOf } from '@/lib/live/payload'
import { attempt } from '@/lib/live/transport'
import type { Sink } from '@/lib/live/types'
import { inputOf, type LogFilter } from './filter'
import { emptyLog, type LogState, reduceLog } from './log-state'

/** Rows of a page. */
const pageSize = 50
/** Milliseconds between looks where no stream gets through. */
const pollEvery = 15_000

interface Logs {
  state: LogState
  retry(): void
  loadOlder(): void
  /** Shows what was held back. */
  showWaiting(): void
}

/**
 * The requests that a filter leaves, followed while it has no end; `hold` says whether the
 * list may not move now. Another filter needs another component.
 */
export function useLogs(filter: LogFilter, hold: RefObject<boolean>): Logs {
  const [state, dispatch] = useReducer(reduceLog, emptyLog)
  const [input] = useState(() => inputOf(filter, Date.now()))

  const ask = useCallback(
    async (after: string | null) => {
      const data = await fetchOperation(RequestLogsDocument, { first: pageSize, after, filter: input }).catch(() => null)
      if (!data) return null
      const { edges, pageInfo } = data.viewer.requestLogs
      return {
        rows: edges.map(({ node }) => unmask(RequestLogRowFragmentDoc, node)),
        cursor: pageInfo.hasNextPage ? pageInfo.endCursor : null,
      }
    },
    [input],
  )
  const retry = useCallback(async () => {
    dispatch({ kind: 'asked' })
    const page = await ask(null)
    dispatch(page ? { kind: 'loaded', ...page, hold: hold.current } : { kind: 'failed' })
    return page !== null
  }, [ask, hold])
  const loadOlder = async () => {
    dispatch({ kind: 'older asked' })
    const page = await ask(state.cursor)
    dispatch(page ? { kind: 'older loaded', ...page } : { kind: 'older failed' })
  }

  useEffect(() => {
    void retry()
    if (input.to) return
    // What is added is new: only how it ended and whose it is has to fit.
    const { from: _from, ...fitting } = input
    const poll = <T>(sink: Sink<T>) => {
      let timer: ReturnType<typeof setTimeout> | undefined
      let over = false
      const look = async () => {
        const answered = await retry()
        if (over) return
        if (!answered) {
          sink.ended({ kind: 'network' })
          return
        }
        sink.opened()
        timer = setTimeout(() => void look(), pollEvery)
      }
      void look()
      return () => {
        over = true
        clearTimeout(timer)
      }
    }
    return follow<RequestLogAddedSubscription>({
      attempt: (sink) => attempt(payloadOf(RequestLogAddedDocument, { filter: fitting }), sink, poll),
      next: ({ requestLogAdded }) =>
        dispatch({ kind: 'added', row: unmask(RequestLogRowFragmentDoc, requestLogAdded), hold: hold.current }),
      completed: () => 'again',
      refused: () => 'later',
      begun: () => void retry(),
    })
  }, [input, retry, hold])

  return {
    state,
    retry: () => void retry(),
    loadOlder: () => void loadOlder(),
    showWaiting: useCallback(() => dispatch({ kind: 'shown' }), []),
  }
}
