import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json, jsonParseLinter } from '@codemirror/lang-json'
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, linter, lintKeymap } from '@codemirror/lint'
import { EditorState, type Extension, Prec } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { graphql, updateSchema } from 'cm6-graphql'
import type { GraphQLSchema } from 'graphql'

/** Colours are the app's variables: they reach into the shadow root and follow the theme. */
const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'transparent', fontSize: '0.8125rem' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--mono)',
    lineHeight: '1.6',
    scrollbarWidth: 'thin',
    scrollbarColor: 'var(--line-strong) transparent',
  },
  '.cm-content': { padding: '0.625rem 0', caretColor: 'var(--tide)' },
  '.cm-line': { padding: '0 0.875rem 0 0.25rem' },
  '.cm-cursor': { borderLeftColor: 'var(--tide)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'transparent', border: 'none', color: 'var(--ink-3)' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '2.25rem', padding: '0 0.25rem 0 0.5rem' },
  '.cm-foldGutter .cm-gutterElement': { color: 'var(--ink-3)', cursor: 'pointer', width: '0.875rem' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection': {
    background: 'var(--sel)',
  },
  '.cm-placeholder': { color: 'var(--ink-3)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--tide-soft)', outline: 'none' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--hover)', border: 'none', color: 'var(--ink-2)', padding: '0 0.375rem' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '10px',
    boxShadow: 'var(--shadow-float)',
    overflow: 'hidden',
    fontFamily: 'var(--sans)',
    fontSize: '0.8125rem',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '16rem' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '0.25rem 0.75rem', lineHeight: '1.5' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--tide-soft)', color: 'var(--ink)' },
  '.cm-completionMatchedText': { textDecoration: 'none', color: 'var(--tide)', fontWeight: '620' },
  '.cm-completionDetail': { color: 'var(--ink-3)', fontStyle: 'normal', marginLeft: '0.75rem' },
  '.cm-tooltip.cm-completionInfo': { padding: '0.5rem 0.75rem', maxWidth: '22rem', lineHeight: '1.5', color: 'var(--ink-2)' },
  '.cm-tooltip-lint': { maxWidth: '28rem' },
  '.cm-diagnostic': { padding: '0.5rem 0.75rem', borderLeft: 'none' },
  '.cm-diagnostic-error': { color: 'var(--danger)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy 1px var(--danger)',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-warning': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy 1px var(--warn)',
    textUnderlineOffset: '3px',
  },
})

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.definitionKeyword, tags.modifier], color: 'var(--c-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--c-string)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--c-comment)' },
  { tag: [tags.propertyName, tags.definition(tags.variableName)], color: 'var(--c-function)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.variableName, tags.special(tags.name)], color: 'var(--c-constant)' },
  { tag: [tags.typeName, tags.className], color: 'var(--c-keyword)' },
  { tag: [tags.punctuation, tags.paren, tags.brace, tags.squareBracket], color: 'var(--ink-2)' },
])

/** What an editor is for. */
export interface EditorOptions {
  label: string
  text: string
  language: 'graphql' | 'json'
  /** Shown while there is nothing. */
  hint?: string
  /** Without it the text can't be changed. */
  onChange?(text: string): void
  /** Ctrl+Enter, with the place of the cursor. */
  onRun?(place: number): void
  /** Somebody wants to read about a type, or a field of one. */
  onDocs?(type: string, field: string | null): void
}

/** What is wrong with a text that should be JSON; nothing at all is right. */
function faultsOf(view: EditorView): Diagnostic[] {
  return view.state.doc.toString().trim() === '' ? [] : jsonParseLinter()(view)
}

function languageOf({ language, onChange, onDocs }: EditorOptions): Extension {
  if (language === 'json') return [json(), onChange ? linter(faultsOf) : []]
  const onShowInDocs = (field?: string, type?: string, parent?: string) => {
    const owner = parent ?? type
    if (owner) onDocs?.(owner.replace(/[[\]!]/g, ''), parent ? (field ?? null) : null)
  }
  return graphql(undefined, { onShowInDocs })
}

function writable({ onChange, onRun, hint }: EditorOptions): Extension {
  if (!onChange) return [EditorState.readOnly.of(true), EditorView.lineWrapping]
  const run = (view: EditorView) => {
    onRun?.(view.state.selection.main.head)
    return onRun !== undefined
  }
  return [
    history(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    indentOnInput(),
    hint ? placeholder(hint) : [],
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run, preventDefault: true }])),
    // The tab key leaves the editor: it is for going on.
    keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString())
    }),
  ]
}

/**
 * Puts an editor into an element, in a shadow root of its own: there its styles are adopted
 * sheets, which the content security policy allows.
 */
export function makeEditor(host: HTMLElement, options: EditorOptions): EditorView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  root.replaceChildren()
  return new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        writable(options),
        languageOf(options),
        lineNumbers(),
        foldGutter(),
        drawSelection(),
        syntaxHighlighting(colours),
        keymap.of([...defaultKeymap, ...foldKeymap]),
        EditorView.contentAttributes.of({ 'aria-label': options.label }),
        theme,
      ],
    }),
  })
}

/** Gives an editor the schema for completion and for what is underlined. */
export function giveSchema(view: EditorView, schema: GraphQLSchema): void {
  updateSchema(view, schema)
}

/** Puts another text in the place of an editor's. */
export function replaceText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } })
}
