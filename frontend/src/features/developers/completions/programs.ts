import type { Body } from './request'

/** A request as a program that can be pasted. */
export interface Program {
  id: 'curl' | 'node' | 'python' | 'go'
  title: string
  /** The language, as code blocks name it. */
  info: string
  code: string
}

/** Where the programs take the key from: it stands in none of them, because programs are kept and shown. */
export const keyVariable = 'KIMI_API_KEY'

/** The same request as programs. */
export function programsOf(origin: string, body: Body): Program[] {
  return [
    { id: 'curl', title: 'curl', info: 'bash', code: curl(origin, body) },
    { id: 'node', title: 'Node', info: 'javascript', code: node(origin, body) },
    { id: 'python', title: 'Python', info: 'python', code: python(origin, body) },
    { id: 'go', title: 'Go', info: 'go', code: go(origin, body) },
  ]
}

const laidOut = (body: Body) => JSON.stringify(body, null, 2)

function curl(origin: string, body: Body): string {
  const quoted = `'${laidOut(body).replaceAll("'", `'\\''`)}'`
  return [
    `curl ${body.stream ? '-N ' : ''}'${origin}/v1/chat/completions'`,
    `-H "Authorization: Bearer $${keyVariable}"`,
    `-H 'Content-Type: application/json'`,
    `-d ${quoted}`,
  ].join(' \\\n  ')
}

function node(origin: string, body: Body): string {
  const lines = [
    '// npm install openai',
    `import OpenAI from 'openai'`,
    '',
    `const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: process.env.${keyVariable} })`,
  ]
  const request = `await client.chat.completions.create(${laidOut(body)})`
  if (!body.stream) return [...lines, `const { choices } = ${request}`, 'console.log(choices[0].message.content)'].join('\n')
  return [
    ...lines,
    `const stream = ${request}`,
    'for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? "")',
    'console.log()',
  ].join('\n')
}

/** A value as Python writes it. */
function literal(value: unknown, indent: string): string {
  const inner = `${indent}    `
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) {
    const items = value.map((item) => `${inner}${literal(item, inner)},\n`)
    return `[\n${items.join('')}${indent}]`
  }
  if (typeof value === 'object') {
    const fields = Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${literal(item, inner)},\n`)
    return `{\n${fields.join('')}${indent}}`
  }
  // What JSON escapes in a text Python reads alike.
  return JSON.stringify(value)
}

function python(origin: string, body: Body): string {
  const lines = [
    'import json',
    'import os',
    ...(body.stream ? ['import sys'] : []),
    'import urllib.request',
    '',
    `body = ${literal(body, '')}`,
    'request = urllib.request.Request(',
    `    "${origin}/v1/chat/completions",`,
    '    json.dumps(body).encode(),',
    `    {"Authorization": f"Bearer {os.environ['${keyVariable}']}", "Content-Type": "application/json"},`,
    ')',
    'with urllib.request.urlopen(request) as response:',
  ]
  if (!body.stream) return [...lines, '    print(json.load(response)["choices"][0]["message"]["content"])'].join('\n')
  return [
    ...lines,
    '    for line in response:',
    '        if line.startswith(b"data: {"):',
    '            chunk = json.loads(line[len("data: ") :])',
    '            if "error" in chunk:',
    '                sys.exit(chunk["error"]["message"])',
    '            for choice in chunk["choices"]:',
    '                print(choice["delta"].get("content") or "", end="", flush=True)',
    'print()',
  ].join('\n')
}

function go(origin: string, body: Body): string {
  const text = laidOut(body)
  // What JSON escapes in a text Go reads alike.
  const quoted = text.includes('`') ? JSON.stringify(text) : `\`${text}\``
  return `package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

const body = ${quoted}

func main() {
	request, err := http.NewRequest("POST", "${origin}/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("${keyVariable}"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		fmt.Println(${body.stream ? 'strings.TrimPrefix(lines.Text(), "data: ")' : 'lines.Text()'})
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
`
}
