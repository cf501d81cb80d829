import type { EditorView } from '@codemirror/view'
import type { GraphQLSchema } from 'graphql'
import { useEffect, useRef } from 'react'
import { type EditorOptions, giveSchema, makeEditor, replaceText } from './editor'

interface CodeEditorProps extends EditorOptions {
  schema?: GraphQLSchema | null
  className?: string
}

/** An editor for a document, its variables, or an answer. Its text is its own until another one is given. */
export function CodeEditor({ schema, className = '', ...options }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const latest = useRef(options)
  // What the editor itself has told is in it already, and perhaps more by now.
  const told = useRef(options.text)
  useEffect(() => {
    latest.current = options
  })
  const { label, language, text, hint, onChange } = options
  const isWritable = onChange !== undefined
  useEffect(() => {
    if (!host.current) return
    const made = makeEditor(host.current, {
      label,
      language,
      text: latest.current.text,
      ...(hint === undefined ? {} : { hint }),
      ...(isWritable
        ? {
            onChange: (now: string) => {
              told.current = now
              latest.current.onChange?.(now)
            },
          }
        : {}),
      onRun: (place) => latest.current.onRun?.(place),
      onDocs: (type, field) => latest.current.onDocs?.(type, field),
    })
    view.current = made
    return () => {
      view.current = null
      made.destroy()
    }
  }, [label, language, hint, isWritable])
  useEffect(() => {
    if (view.current && text !== told.current) replaceText(view.current, text)
    told.current = text
  }, [text])
  useEffect(() => {
    if (view.current && schema) giveSchema(view.current, schema)
  }, [schema, label, language, hint, isWritable])
  return <div ref={host} className={`code-editor min-h-0 min-w-0 ${className}`} />
}
