import { Markdown } from '@/features/markdown/markdown'

/** A piece of the policy, drawn like every other text. */
export function PolicyMarkdown({ text }: { text: string }) {
  return text.trim() === '' ? null : <Markdown text={text} done />
}
