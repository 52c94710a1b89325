// JSON as the server's exports need it: numbers keep their text, so that what is written anew has the bytes that it
// had, and the members of an object can be had as they stand in the file.

/** A number as it was written. */
export class Num {
  constructor(readonly text: string) {}
}

export type Json = null | boolean | string | Num | Json[] | Map<string, Json>

/** A member of an object: its value, and its text. */
export interface Member {
  value: Json
  raw: string
}

const short: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
const numberText = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

class Reader {
  at = 0
  constructor(readonly text: string) {}

  fail(): never {
    throw new SyntaxError(`not JSON at ${this.at}`)
  }

  space(): void {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.text[this.at]!)) this.at++
  }

  take(word: string): void {
    if (!this.text.startsWith(word, this.at)) this.fail()
    this.at += word.length
  }

  value(depth = 0): Json {
    if (depth > 1000) this.fail()
    this.space()
    switch (this.text[this.at]) {
      case '{': {
        const out = new Map<string, Json>()
        this.object(depth, (name, v) => out.set(name, v))
        return out
      }
      case '[': {
        const out: Json[] = []
        this.at++
        this.space()
        if (this.text[this.at] === ']') {
          this.at++
          return out
        }
        for (;;) {
          out.push(this.value(depth + 1))
          this.space()
          if (this.text[this.at] === ']') break
          this.take(',')
        }
        this.at++
        return out
      }
      case '"':
        return this.string()
      case 't':
        this.take('true')
        return true
      case 'f':
        this.take('false')
        return false
      case 'n':
        this.take('null')
        return null
    }
    numberText.lastIndex = this.at
    const m = numberText.exec(this.text)
    if (!m) this.fail()
    this.at += m[0].length
    return new Num(m[0])
  }

  object(depth: number, each: (name: string, value: Json, raw: string) => void): void {
    this.take('{')
    this.space()
    if (this.text[this.at] === '}') {
      this.at++
      return
    }
    for (;;) {
      this.space()
      const name = this.string()
      this.space()
      this.take(':')
      this.space()
      const from = this.at
      const v = this.value(depth + 1)
      each(name, v, this.text.slice(from, this.at))
      this.space()
      if (this.text[this.at] === '}') break
      this.take(',')
    }
    this.at++
  }

  string(): string {
    this.take('"')
    let out = ''
    for (;;) {
      const c = this.text[this.at]
      if (c === undefined || c < ' ') this.fail()
      this.at++
      if (c === '"') break
      if (c !== '\\') {
        out += c
        continue
      }
      const e = this.text[this.at++] ?? ''
      if (e === 'u') {
        const hex = this.text.slice(this.at, this.at + 4)
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail()
        out += String.fromCharCode(Number.parseInt(hex, 16))
        this.at += 4
      } else {
        out += short[e] ?? this.fail()
      }
    }
    // Halves of pairs, of which the server makes replacement characters.
    return out.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
  }

  end(): void {
    this.space()
    if (this.at < this.text.length) this.fail()
  }
}

/** Reads one JSON value. Throws SyntaxError. */
export function read(text: string): Json {
  const r = new Reader(text)
  const v = r.value()
  r.end()
  return v
}

/** Reads an object, with the text of each member. Throws SyntaxError. */
export function members(text: string): Map<string, Member> {
  const r = new Reader(text)
  const out = new Map<string, Member>()
  r.space()
  r.object(0, (name, value, raw) => out.set(name, { value, raw }))
  r.end()
  return out
}

const escapes: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

function quoted(s: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON must escape
  const safe = s.replace(/["\\\u0000-\u001f\u2028\u2029]/g, c => {
    return escapes[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `"${safe}"`
}

/** The order of names by their bytes in UTF-8, which is that of their code points. */
function byBytes(a: string, b: string): number {
  const x = [...a]
  const y = [...b]
  for (let i = 0; i < x.length && i < y.length; i++) {
    const d = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!
    if (d !== 0) return d
  }
  return x.length - y.length
}

/** Writes a value as the server does: no spaces, members by name, and numbers as they were. */
export function write(v: Json): string {
  if (v === null) return 'null'
  if (v instanceof Num) return v.text
  if (Array.isArray(v)) return `[${v.map(write).join(',')}]`
  if (v instanceof Map) {
    const names = [...v.keys()].sort(byBytes)
    return `{${names.map(n => `${quoted(n)}:${write(v.get(n)!)}`).join(',')}}`
  }
  return typeof v === 'string' ? quoted(v) : String(v)
}

/** A member of an object that is a text; "" where there is none. Throws where it is something else. */
export function text(of: Json | undefined, name: string): string {
  const v = of instanceof Map ? of.get(name) : undefined
  if (v === undefined || v === null) return ''
  if (typeof v !== 'string') throw new SyntaxError(`${name} is not a text`)
  return v
}

/** A member that is a whole number from zero; 0 where there is none. Throws where it is something else. */
export function whole(of: Json | undefined, name: string): number {
  const v = of instanceof Map ? of.get(name) : undefined
  if (v === undefined || v === null) return 0
  if (!(v instanceof Num) || !/^\d+$/.test(v.text) || !Number.isSafeInteger(Number(v.text))) {
    throw new SyntaxError(`${name} is not a whole number`)
  }
  return Number(v.text)
}

/** A member that is a list; empty where there is none. Throws where it is something else. */
export function list(of: Json | undefined, name: string): Json[] {
  const v = of instanceof Map ? of.get(name) : undefined
  if (v === undefined || v === null) return []
  if (!Array.isArray(v)) throw new SyntaxError(`${name} is not a list`)
  return v
}

/** A member that is an object. */
export function object(of: Json | undefined, name: string): Map<string, Json> | undefined {
  const v = of instanceof Map ? of.get(name) : undefined
  return v instanceof Map ? v : undefined
}
