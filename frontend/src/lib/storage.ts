/**
 * The only reader and writer of localStorage. Storage can be switched off or full:
 * then reading gives null and writing gives false, and the app goes on without it.
 */
export const storage = {
  read(key: string): string | null {
    try {
      return localStorage.getItem(key)
    } catch {
      return null
    }
  },

  write(key: string, value: string): boolean {
    try {
      localStorage.setItem(key, value)
      return true
    } catch {
      return false
    }
  },

  remove(key: string): void {
    try {
      localStorage.removeItem(key)
    } catch {
      // Nothing was stored, so nothing is left.
    }
  },

  keys(): string[] {
    try {
      return Object.keys(localStorage)
    } catch {
      return []
    }
  },
}

/** Reads JSON that may be missing, broken or of an older shape; `check` says what is usable. */
export function readJson<T>(key: string, check: (value: unknown) => value is T): T | null {
  const text = storage.read(key)
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return check(value) ? value : null
  } catch {
    return null
  }
}

/** Whether a value is an object whose fields can be looked at. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
