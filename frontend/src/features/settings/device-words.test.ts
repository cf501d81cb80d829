import { describe, expect, it } from 'vitest'
import { deviceWords } from './device-words'

describe('P29: devices in coarse words', () => {
  const cases: [Parameters<typeof deviceWords>[0], string][] = [
    [{ deviceType: 'desktop', os: 'Linux', browser: 'Chrome', browserVersion: 156 }, 'Chrome 156 on Linux, desktop'],
    [{ deviceType: 'phone', os: 'iOS', browser: 'Safari', browserVersion: 0 }, 'Safari on iOS, phone'],
    [{ deviceType: '', os: 'Windows', browser: '', browserVersion: 0 }, 'Windows'],
    [{ deviceType: 'tablet', os: '', browser: '', browserVersion: 0 }, 'tablet'],
    [{ deviceType: 'watch', os: '', browser: '', browserVersion: 0 }, 'Unknown device'],
    [{ deviceType: '', os: '', browser: 'Firefox', browserVersion: 140 }, 'Firefox 140'],
  ]
  it.each(cases)('%j', (device, words) => {
    expect(deviceWords(device)).toBe(words)
  })
})
