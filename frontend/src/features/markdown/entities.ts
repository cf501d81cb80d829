/** Character references of HTML, decoded without a DOM. */

const NAMED: Readonly<Record<string, string>> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', copy: '©', reg: '®', trade: '™',
  hellip: '…', mdash: '—', ndash: '–', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»',
  bull: '•', middot: '·', deg: '°', plusmn: '±', times: '×', divide: '÷', ne: '≠', le: '≤', ge: '≥', asymp: '≈',
  infin: '∞', larr: '←', rarr: '→', uarr: '↑', darr: '↓', harr: '↔', euro: '€', pound: '£', yen: '¥', cent: '¢',
  ensp: '\u2002', emsp: '\u2003', thinsp: '\u2009', check: '✓',
}

function character(digits: string, base: number): string {
  const code = Number.parseInt(digits, base)
  const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  return valid ? String.fromCodePoint(code) : '\ufffd'
}

/** Replaces character references once; an unknown name stays as it is. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]{2,10}));/g, (all, dec, hex, name) => {
    if (dec) return character(dec, 10)
    if (hex) return character(hex, 16)
    return Object.hasOwn(NAMED, name) ? (NAMED[name] ?? all) : all
  })
}
