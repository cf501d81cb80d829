import { useCallback, useEffect, useRef } from 'react'
import { ask } from '@/lib/questions'

/**
 * Asks at once what the server wants to be answered before the sign-in that brought the
 * person here, and goes on with it. Gives what asks once more, null when nothing is needed.
 */
export function useNeed(need: string | null, target: string | undefined): (() => void) | null {
  const asked = useRef(false)
  const askNow = useCallback(() => {
    if (!target) return
    const code = need === 'policy' ? 'POLICY_ACCEPTANCE_REQUIRED' : 'AGE_CONFIRMATION_REQUIRED'
    ask({ code, message: '', place: 'SIGN_IN', passed: () => location.assign(target), closed: () => {} })
  }, [need, target])
  const needed = need !== null && target !== undefined
  useEffect(() => {
    if (asked.current || !needed) return
    asked.current = true
    askNow()
  }, [needed, askNow])
  return needed ? askNow : null
}
