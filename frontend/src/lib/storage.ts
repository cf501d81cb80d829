/**
 * One of the browser's storages. It can be switched off or full: then reading gives null
 * and writing gives false, and the app goes on without it.
 */
function guarded(open: () => Storage) {
  const attempt = <T>(act: (storage: Storage) => T, otherwise: T): T => {
    try {
      return act(open())
    } catch {
      return otherwise
    }
  }
  return {
    read: (key: string): string | null => attempt((storage) => storage.getItem(key), null),

    write: (key: string, value: string): boolean =>
      attempt((storage) => {
        storage.setItem(key, value)
        return true
      }, false),

    remove: (key: string): void => attempt((storage) => storage.removeItem(key), undefined),

    keys: (): string[] => attempt((storage) => Object.keys(storage), []),
  }
}

/** The only reader and writer of localStorage: what outlives the tab. */
export const storage = guarded(() => localStorage)

/** The only reader and writer of sessionStorage: what ends with the tab. */
export const tabStorage = guarded(() => sessionStorage)

/** Reads JSON that may be missing, broken or of an older shape; `check` says what is usable. */
export function readJson<T>(key: string, check: (value: unknown) => value is T): T | null {
  return parseJson(storage.read(key), check)
}

/** Parses JSON like `readJson`. */
export function parseJson<T>(text: string | null, check: (value: unknown) => value is T): T | null {
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
