/** Documents on which streaming renderers stumble, and the means to cut them into pieces. */

/** Answers numbers in [0, 1) that are the same on every run. */
export function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
}

/** Answers growing prefixes of the text, which end with the whole of it. */
export function prefixes(text: string, random: () => number, longest = 40): string[] {
  const cuts: string[] = []
  for (let at = 0; at < text.length; ) {
    at = Math.min(text.length, at + 1 + Math.floor(random() * longest))
    cuts.push(text.slice(0, at))
  }
  return cuts
}

/** Documents in which a later line changes the meaning of an earlier one. */
export const tricky: readonly string[] = [
  'a\n\n- x\n\n- y\n\npara\n===\n\n[r]: https://e.org\n\nsee [r] and [later]\n\n[later]: <https://late.example/a_b> "why"\n',
  '```\nno close **at** all\n\n| a |\n',
  '| a | b |\n|---|---|\n| 1 | 2 |\n\nx $a_1$ y $5 and $6\n\n$$\nx\n\n= y\n$$\n\nafter\n\n$$ unclosed\n\nend',
  '1. a\n\n   b\n2. c\n\n3. d\n\n> q\n> r\nlazy\n\n<b>raw</b> <script>alert(1)</script>\n\n<div>\n**not bold**\n</div>\n\n**open',
  '\\(a\\) \\[b\\]\n\n\\[\nc\n\\]\n\ntext\n$$\nd\n$$\nmore text\n\nend',
  'Setext\n---\n\ntext\n\n---\n\n* * *\n\n- a\n- b\n\n+ c\n\n\n    indented code\n\n    more of it\n\ntext',
  '~~~py\na\n```\nb\n~~~\n\n````md\n```js\ninner\n```\n````\n\n```x\nfalse ```y\n```z\n```\n\nend\n',
  '- a\n\n  ```py\n  x = 1\n\n  y = 2\n  ```\n\n  | t |\n  |---|\n  | 1 |\n\n- b\n  - c\n    > d\n\n10. ten\n11. eleven\n',
  'one[^1] two[^big] three[^none]\n\n[^1]: first **note**\n[^big]: second\n\n    with `more`\n\nlast[^1]\n',
  '**中文**。**注意：**请看，*强调*文字。20~25 度，30~40 度，~~删除~~。见 https://kimi.com/a，然后\n\n- **要点。**说明\n',
  'a <br> b<br/>c\n\n| x |\n|:-:|\n| a<br>b |\n\n<details>\n<summary>s</summary>\n\ntext\n\n</details>\n\n<!-- c\n\nd -->\n\nend',
  'a\\\nb  \nc &amp; &copy; &#x27; \\* \\_ `` a`b `` ![alt](https://i.example/p.png) [![x](https://i.example/y.png)](https://l.example)\n\n# \n\n#\n\n####### seven\n',
  '<pre>\n\n**x**\n\n</pre>\n\n<a href="x">\n\nhttps://plain.example\n\n[x]: <\n\n[y]: \n\n[z]: /url "t\n\nend" tail\n',
]
