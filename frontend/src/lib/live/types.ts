/** A GraphQL operation as it goes over the wire. */
export interface Payload {
  query: string
  operationName?: string
  variables?: Record<string, unknown>
  extensions?: Record<string, unknown>
}

/** An error as the server words it. */
export interface WireError {
  message: string
  extensions?: { code?: string; retryAfterMs?: number }
}

/** Why an attempt to follow something ended before its end. */
export type Loss =
  /** The connection was lost or couldn't be opened. */
  | { kind: 'network' }
  /** The server closed the websocket with this code. */
  | { kind: 'closed'; code: number }
  /** The server refused the subscription. */
  | { kind: 'refused'; errors: readonly WireError[] }
  /** There was an answer, but something between us and the server doesn't let streams through. */
  | { kind: 'blocked' }

/** Where one attempt reports to. `ended` is the last call; null means that the server completed it. */
export interface Sink<T> {
  /** Something gets through to the server. */
  opened(): void
  /** The server sends whatever happens from now on: what was read before may be old by now. */
  begun(): void
  next(data: T): void
  ended(loss: Loss | null): void
}

/** Makes one attempt to follow an operation and returns what cancels it silently. */
export type Attempt = <T>(payload: Payload, sink: Sink<T>) => () => void

/** The codes of a refusal. */
export function codesOf(errors: readonly WireError[]): string[] {
  return errors.map((error) => error.extensions?.code ?? 'INTERNAL')
}
