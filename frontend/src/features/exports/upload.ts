import type { ErrorCode } from '@/gql/graphql'

/** What became of a file. */
export interface Imported {
  source: 'KIMI_K2' | 'CHATGPT' | 'OPEN_WEBUI'
  conversations: number
  messages: number
  skipped: number
}

/** How an upload ended: taken in, refused, or nobody knows because the line broke. */
export type UploadOutcome =
  | { kind: 'done'; imported: Imported }
  | { kind: 'refused'; code: ErrorCode; message: string; reason?: string; values?: Readonly<Record<string, string>> }
  | { kind: 'unreachable' }

/** A refusal as the server writes it. */
interface Refusal {
  message: string
  extensions: { code: ErrorCode; reason?: string; values?: Record<string, string> }
}

/** The largest file that the server reads, in bytes. */
export const largestFile = 256 * 1024 * 1024

/**
 * Sends a file to be taken in. `onSent` hears how much of it has gone, from 0 to 1; fetch
 * doesn't tell that.
 */
export function upload(file: Blob, onSent: (part: number) => void, signal: AbortSignal): Promise<UploadOutcome> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    request.open('POST', '/imports')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.addEventListener('progress', ({ loaded, total }) => onSent(total > 0 ? loaded / total : 0))
    request.addEventListener('load', () => resolve(read(request.status, request.responseText)))
    for (const end of ['error', 'abort', 'timeout']) request.addEventListener(end, () => resolve({ kind: 'unreachable' }))
    signal.addEventListener('abort', () => request.abort())
    request.send(file)
  })
}

/** The outcome in an answer of the server. */
export function read(status: number, body: string): UploadOutcome {
  let answer: unknown
  try {
    answer = JSON.parse(body)
  } catch {
    return { kind: 'unreachable' }
  }
  if (status === 200) return { kind: 'done', imported: answer as Imported }
  const [first] = (answer as { errors?: Refusal[] }).errors ?? []
  return first ? { kind: 'refused', message: first.message, ...first.extensions } : { kind: 'unreachable' }
}
