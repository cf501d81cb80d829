// When the app itself can't be loaded, the page says so instead of waiting for ever.
addEventListener(
  'error',
  ({ target }) => {
    if (target.localName === 'script') document.getElementById('unloaded').hidden = false
  },
  true,
)

// Theme, language and sidebar before the first paint. Loaded as a file, since the
// content security policy allows no inline script.
try {
  const [, cookie] = /(?:^|; )prefs=([^;]*)/.exec(document.cookie) || []
  const prefs = JSON.parse(cookie ? decodeURIComponent(cookie) : sessionStorage.getItem('k2.prefs')) || {}
  const root = document.documentElement
  if (prefs.theme === 'light' || prefs.theme === 'dark') root.dataset.theme = prefs.theme
  if (prefs.sidebar === 'closed') root.dataset.sidebar = 'closed'
  const language = prefs.language || (/^zh/i.test(navigator.language) ? 'zh' : 'en')
  root.lang = language === 'zh' ? 'zh-CN' : 'en'
} catch {
  // Without storage, or with broken prefs, the defaults of the page stand.
}
