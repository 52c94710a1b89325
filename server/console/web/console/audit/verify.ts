// A second verifier of exports, beside server/audit's: from the format's description, with nothing of the server but
// the file and the public key. test/cases.test.mjs holds it against `doorstep verify`.
import { type Json, list, members, Num, object, read, text, whole, write } from './json'
import {
  type Bytes,
  bytesOf,
  fromBase64,
  grows,
  hashes,
  hmac,
  includes,
  type Key,
  leafOf,
  openNote,
  readKey,
  same,
  sha256,
  toBase64,
} from './proof'

/** What an export that verifies says of itself. */
export interface Good {
  good: true
  kind: 'ndjson' | 'csv'
  branch: string
  complete: boolean
  level: string
  visits: number
  first: number
  last: number
  madeAt: string
  size: number
  signer: string
  restores: number
  missing: number
  /** How many records stand beside the visits. */
  beside: number
}

/** Why a file does not verify. line counts from 1; 0: the whole file. */
export interface Bad {
  good: false
  line: number
  code: Fault
  values: Record<string, string | number>
}

export type Fault =
  | 'key'
  | 'unreadable'
  | 'empty'
  | 'cut'
  | 'signature'
  | 'manifest'
  | 'format'
  | 'dropped'
  | 'repeated'
  | 'added'
  | 'moved'
  | 'altered'
  | 'checkpoint'
  | 'newest'
  | 'restores'
  | 'entry'
  | 'record'
  | 'reveal'
  | 'proof'
  | 'order'
  | 'gap'
  | 'counts'
  | 'beside'

class Broken extends Error {
  constructor(
    readonly line: number,
    readonly code: Fault,
    readonly values: Record<string, string | number> = {},
  ) {
    super(code)
  }
}

/** The types whose records a branch numbers, as the checkpoint counts them. */
const numbered = ['visits', 'quarantine', 'visit_reviews', 'visit_confirmations', 'correction_reviews']
const manifestMark = bytesOf('{"manifest":')
const csvMark = bytesOf('#manifest')
const besideMark = bytesOf('{"type":')
const byteOrder = new Uint8Array([0xef, 0xbb, 0xbf])
const firstEpoch = '1'
const zeroTime = '0001-01-01T00:00:00Z'

const starts = (b: Uint8Array, mark: Uint8Array): boolean =>
  b.length >= mark.length && mark.every((x, i) => x === b[i])
const unmarked = (b: Bytes): Bytes => (starts(b, byteOrder) ? b.slice(3) : b)
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Beginnings of files that are no export as the server wrote it. */
const packed = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  [0x42, 0x5a, 0x68],
  [0x50, 0x4b, 3, 4],
  [0x25, 0x50, 0x44, 0x46],
  [0xff, 0xfe],
  [0xfe, 0xff],
  [0, 0, 0xfe, 0xff],
].map(x => new Uint8Array(x))

function linesOf(file: Bytes): Bytes[] {
  const out: Bytes[] = []
  for (let from = 0; from < file.length; ) {
    let end = file.indexOf(10, from)
    if (end < 0) end = file.length
    let to = end
    for (let i = 0; i < 2 && to > from && file[to - 1] === 13; i++) to--
    out.push(file.slice(from, to))
    from = end + 1
  }
  while (out.length > 0 && out.at(-1)!.length === 0) out.pop()
  return out
}

interface Manifest {
  csv: boolean
  of: Map<string, Json>
  branch: string
  complete: boolean
  lines: string[]
  visits: number
  last: number
  /** The restores, each with the text of its entry. */
  restores: Map<string, { value: Json; raw: string }>[]
}

/** The cells of a row of CSV; undefined for what is none. */
export function cellsOf(row: string): string[] | undefined {
  const out: string[] = []
  for (let at = 0; ; ) {
    if (row[at] === '"') {
      let cell = ''
      at++
      for (;;) {
        const end = row.indexOf('"', at)
        if (end < 0) return undefined
        cell += row.slice(at, end)
        at = end + 1
        if (row[at] !== '"') break
        cell += '"'
        at++
      }
      out.push(cell)
    } else {
      let end = row.indexOf(',', at)
      if (end < 0) end = row.length
      const cell = row.slice(at, end)
      if (cell.includes('"')) return undefined
      out.push(cell)
      at = end
    }
    if (at >= row.length) return out
    if (row[at] !== ',') return undefined
    at++
  }
}

async function readManifest(line: Bytes, number: number, key: Key): Promise<Manifest> {
  const altered = (): never => {
    throw new Broken(number, 'manifest')
  }
  const csv = starts(line, csvMark)
  if (!csv && !starts(line, manifestMark)) throw new Broken(number, 'cut')
  let said = decoder.decode(line)
  if (csv) {
    const cells = cellsOf(said)
    if (cells?.length !== 2) altered()
    said = cells![1]!
  }
  let raw = ''
  let signature = ''
  try {
    const top = members(said)
    raw = top.get('manifest')?.raw ?? ''
    signature = text(new Map([...top].map(([k, m]) => [k, m.value])), 'signature')
  } catch {
    altered()
  }
  const note = await openNote(signature, key)
  if (!note) throw new Broken(number, 'signature')
  if (note.text !== `doorstep export\n${toBase64(await sha256(bytesOf(raw)))}\n`) altered()
  // The signature is over the manifest alone: the bytes around it are as an export has them.
  const json = `{"manifest":${raw},"signature":${write(signature)}}`
  const whole_ = csv ? `#manifest,"${json.replaceAll('"', '""')}"` : json
  if (!same(bytesOf(whole_), line) || !note.alone) altered()
  try {
    const m = read(raw)
    if (!(m instanceof Map) || text(m, 'format') !== 'doorstep-visits/1') throw new Broken(number, 'format')
    if (text(m, 'kind') !== (csv ? 'csv' : 'ndjson')) throw new Broken(number, 'format')
    const restores = members(raw).get('restores')
    return {
      csv,
      of: m,
      branch: text(m, 'branch'),
      complete: m.get('complete') === true,
      lines: list(m, 'lines').map(String),
      visits: whole(m, 'visits'),
      last: whole(m, 'last_visit_no'),
      restores: restores ? elements(restores.raw).map(members) : [],
    }
  } catch (e) {
    if (e instanceof Broken) throw e
    throw new Broken(number, 'format')
  }
}

/** The texts of the elements of a list of objects. */
function elements(raw: string): string[] {
  // A list of objects with numbers as names is an object whose members' texts can be had.
  const values = read(raw)
  if (!Array.isArray(values)) return []
  const out: string[] = []
  let rest = raw.trim().slice(1)
  for (let i = 0; i < values.length; i++) {
    for (let end = rest.indexOf('}'); end >= 0; end = rest.indexOf('}', end + 1)) {
      const one = rest.slice(0, end + 1)
      try {
        read(one)
      } catch {
        continue
      }
      out.push(one)
      rest = rest.slice(end + 1).replace(/^\s*,\s*/, '')
      break
    }
  }
  return out
}

async function compareLines(lines: Bytes[], want: string[]): Promise<void> {
  const got: string[] = []
  for (const l of lines) got.push(toBase64(await sha256(l)))
  const place = new Map(want.map((h, i) => [h, i]))
  const there = new Map<string, number>()
  for (const h of got) there.set(h, (there.get(h) ?? 0) + 1)
  for (let i = 0; i < Math.max(got.length, want.length); i++) {
    if (i >= got.length) throw new Broken(i + 1, 'dropped')
    const is = got[i]!
    if (i < want.length && is === want[i]) continue
    const at = place.get(is)
    if (at !== undefined && there.get(is)! > 1) throw new Broken(i + 1, 'repeated', { of: at + 1 })
    if (i >= want.length) throw new Broken(i + 1, 'added')
    const hereToo = there.has(want[i]!)
    if (at !== undefined)
      throw hereToo ? new Broken(i + 1, 'moved', { of: at + 1 }) : new Broken(i + 1, 'dropped')
    throw new Broken(i + 1, hereToo ? 'added' : 'altered')
  }
}

interface Head {
  origin: string
  size: number
  root: Bytes
  made: Map<string, number>
}

async function readHead(m: Manifest, key: Key): Promise<Head> {
  const bad = new Broken(0, 'checkpoint')
  const note = await openNote(text(m.of, 'checkpoint'), key)
  if (!note) throw bad
  const parts = note.text.split('\n')
  const count = (s: string | undefined): number => {
    if (!s || !/^\d+$/.test(s) || !Number.isSafeInteger(Number(s))) throw bad
    return Number(s)
  }
  if (parts.length < 4 + numbered.length) throw bad
  const size = count(parts[1])
  const root = fromBase64(parts[2]!)
  const made = new Map<string, number>()
  for (const [i, type] of numbered.entries()) {
    const line = parts[3 + i]!
    if (!line.startsWith(`${type} `)) throw bad
    made.set(type, count(line.slice(type.length + 1)))
  }
  const origin = parts[0]!.split('/')
  if (root?.length !== 32 || origin.length < 3 || origin.at(-2) !== m.branch) throw bad
  return { origin: parts[0]!, size, root, made }
}

interface Entry {
  n: number
  branch: string
  docs: { type: string; id: string; no: number; state: Json | undefined }[]
}

/** Reads an entry of the journal. Throws. */
function entryOf(raw: string): Entry {
  const e = read(raw)
  if (!(e instanceof Map) || whole(e, 'schema') > 1) throw new SyntaxError('not an entry')
  const said = text(e, 'said')
  if (said !== '' && !fromBase64(said, true)) throw new SyntaxError('said is malformed')
  const nos = list(e, 'no').map(x => {
    if (!(x instanceof Num)) throw new SyntaxError('not a number')
    return Number(x.text)
  })
  const docs = list(e, 'docs').map(d => {
    const m = d as Map<string, Json>
    const type = text(m, 'type')
    const counts =
      numbered.includes(type) &&
      m.get('deleted') !== true &&
      !(m.get('copy') === true && whole(m, 'rev') <= 1)
    if (counts && nos.length === 0) throw new SyntaxError('a document has no number')
    return { type, id: text(m, 'id'), no: counts ? nos.shift()! : 0, state: m.get('state') }
  })
  return { n: whole(e, 'n'), branch: text(e, 'branch'), docs }
}

const isSealed = (m: Map<string, Json>): boolean =>
  m.size === 3 && ['k', 's', 'c'].every(name => typeof m.get(name) === 'string')
const below = (path: string, name: string): string => {
  const safe = name.replaceAll('~', '~0').replaceAll('.', '~1')
  return path === '' ? safe : `${path}.${safe}`
}

interface Reveal {
  salt: Bytes
  value: Json
  raw: string
}

function revealsOf(line: Map<string, { value: Json; raw: string }>): Map<string, Reveal> {
  const out = new Map<string, Reveal>()
  const all = line.get('reveals')
  if (!all || all.value === null) return out
  for (const one of list(new Map([['r', all.value]]), 'r')) {
    const salt = fromBase64(text(one, 'salt'))
    const value = one instanceof Map ? one.get('value') : undefined
    if (!salt || value === undefined) throw new Broken(0, 'reveal')
    out.set(text(one, 'field'), { salt, value, raw: '' })
  }
  return out
}

async function fits(r: Reveal, sealed: Map<string, Json>): Promise<boolean> {
  const commit = fromBase64(text(sealed, 'c'))
  if (commit?.length !== 32) return false
  const made = async (kind: string, plain: string): Promise<boolean> =>
    same(await hmac(r.salt, bytesOf(kind + plain)), commit)
  const plain = write(r.value)
  if (await made('j', plain)) return true
  if (typeof r.value === 'string') return made('t', r.value)
  return Array.isArray(r.value) && made('p', plain)
}

/** A state with its sealed parts replaced by what is revealed of them, and without those of which nothing is. */
async function unsealed(v: Json, path: string, shown: Map<string, Reveal>): Promise<Json | undefined> {
  if (v instanceof Map) {
    if (isSealed(v)) {
      const r = shown.get(path)
      if (!r) return undefined
      shown.delete(path)
      if (!(await fits(r, v))) throw new Broken(0, 'reveal')
      return r.value
    }
    const out = new Map<string, Json>()
    for (const [name, x] of v) {
      const y = await unsealed(x, below(path, name), shown)
      if (y !== undefined) out.set(name, y)
    }
    return out
  }
  if (Array.isArray(v)) {
    const out: Json[] = []
    for (const [i, x] of v.entries()) {
      const y = await unsealed(x, below(path, String(i)), shown)
      if (y !== undefined) out.push(y)
    }
    return out
  }
  return v
}

/** The flags of a visit's record that hold once some agents have confirmed it; undefined where all do. */
function flagsNow(record: Json, confirmed: string[]): string[] | undefined {
  const flags = list(record, 'flags').map(String)
  const by = text(record, 'by')
  const agents = list(record, 'agents').map(a => text(a, 'agent_id'))
  if (confirmed.length === 0 || agents.some(a => a !== by && !confirmed.includes(a))) return undefined
  const twice = new Set(agents).size < agents.length
  const left = flags.filter(f => f !== 'agent_unconfirmed' && !(f === 'unknown_agent' && !twice))
  return left.length === flags.length ? undefined : left
}

/** Checks the lines of an NDJSON export. */
class Checker {
  readonly visits = new Set<string>()
  private before = 0
  private readonly seen = new Set<string>()
  private readonly numbers = new Map<string, Set<number>>()
  private readonly counted = new Map<string, Map<string, number>>()
  private readonly items = new Map<string, string>()
  private readonly admitted = new Map<string, string>()
  private readonly settled = new Map<string, { record: Json; now: Json | undefined }>()
  private readonly confirmed = new Map<string, string[]>()

  constructor(
    private readonly m: Manifest,
    private readonly head: Head,
  ) {}

  async line(raw: Bytes): Promise<void> {
    const beside = starts(raw, besideMark)
    let l: Map<string, { value: Json; raw: string }>
    let entry: Entry
    const rawEntry = (): string => l.get('entry')?.raw ?? ''
    const value = new Map<string, Json>()
    try {
      l = members(decoder.decode(raw))
      for (const [name, x] of l) value.set(name, x.value)
      entry = entryOf(rawEntry())
    } catch {
      throw new Broken(0, 'entry')
    }
    if (entry.n !== whole(value, 'entry_no') || entry.branch !== this.m.branch) throw new Broken(0, 'entry')
    const erased = value.get('erased') === true
    const when = text(value, 'erased_at')
    const reveals = revealsOf(l)
    if (erased === (when === '' || when === zeroTime) || (erased && reveals.size > 0)) {
      throw new Broken(0, 'record')
    }
    const type = beside ? text(value, 'type') : 'visits'
    const id = text(value, beside ? 'id' : 'visit_id')
    const no = whole(value, beside ? 'no' : 'visit_no')
    const doc = entry.docs.find(d => d.type === type && d.id === id)
    if (doc?.state === undefined || doc.no !== no) throw new Broken(0, 'entry')
    const record = await unsealed(doc.state, '', reveals)
    if (record === undefined || reveals.size > 0) throw new Broken(0, 'reveal')
    if (write(record) !== l.get('record')?.raw) throw new Broken(0, 'record')
    await included(list(value, 'proof').map(String), this.head, entry.n, await leafOf(bytesOf(rawEntry())))
    if (beside) {
      this.beside(type, id, no, record, doc.state)
      return
    }
    inOrder(this.m, no, this.before)
    this.before = no
    this.visits.add(id)
    const flags = list(record, 'flags').map(String)
    const now = value.get('flags_now')
    if (now !== undefined || flags.includes('agent_unconfirmed') || flags.includes('unknown_agent')) {
      this.settled.set(id, { record, now })
    }
    const item = text(object(record, 'admitted'), 'item')
    if (item !== '') this.admitted.set(id, item)
  }

  private beside(type: string, id: string, no: number, record: Json, state: Json): void {
    const key = `${type} ${id}`
    if (this.seen.has(key)) throw new Broken(0, 'repeated', { of: 0 })
    this.seen.add(key)
    const states = this.counted.get(type) ?? new Map<string, number>()
    const is = text(record, 'state')
    states.set(is, (states.get(is) ?? 0) + 1)
    this.counted.set(type, states)
    const numbers = this.numbers.get(type) ?? new Set<number>()
    numbers.add(no)
    this.numbers.set(type, numbers)
    if (type === 'visit_confirmations') {
      const visit = text(state, 'visit')
      this.confirmed.set(visit, [...(this.confirmed.get(visit) ?? []), text(state, 'by')])
    }
    if (type === 'quarantine' && is === 'accepted') {
      this.items.set(id, text(record, 'of_type') === 'visits' ? text(record, 'recorded_as') : '')
    }
  }

  whole(): void {
    counts(this.m, this.visits.size, this.before)
    const said = this.m.of.get('beside') ?? new Map<string, Json>()
    const found = new Map<string, Json>()
    for (const [type, states] of this.counted) {
      found.set(type, new Map([...states].map(([s, n]) => [s, new Num(String(n))])))
    }
    if (write(said) !== write(found)) throw new Broken(0, 'beside')
    if (!this.m.complete) return
    for (const [id, v] of this.settled) {
      const now = flagsNow(v.record, this.confirmed.get(id) ?? [])
      const told = Array.isArray(v.now) ? v.now.map(String) : undefined
      if (JSON.stringify(now) !== JSON.stringify(told)) throw new Broken(0, 'beside')
    }
    for (const [visit, item] of this.admitted) {
      if (this.items.get(item) !== visit) throw new Broken(0, 'beside')
    }
    for (const [, visit] of this.items) {
      if (visit !== '' && !this.visits.has(visit)) throw new Broken(0, 'beside')
    }
    for (const type of numbered.slice(1)) {
      for (let no = 1; no <= this.head.made.get(type)!; no++) {
        if (!this.numbers.get(type)?.has(no)) throw new Broken(0, 'beside')
      }
    }
  }
}

async function included(proof: string[], head: Head, n: number, leaf: Bytes): Promise<void> {
  const p = hashes(proof)
  if (!p || n < 1 || n > head.size || !(await includes(p, head.size, head.root, n - 1, leaf))) {
    throw new Broken(0, 'proof', { entry: n })
  }
}

function inOrder(m: Manifest, no: number, before: number): void {
  if (no <= before) throw new Broken(0, 'order', { no, before })
  if (m.complete && no !== before + 1) throw new Broken(0, 'gap', { no, before })
}

function counts(m: Manifest, visits: number, last: number): void {
  if (visits !== m.visits || last !== m.last) throw new Broken(0, 'counts', { said: m.visits, found: visits })
}

const unguarded = (cell: string): string => cell.replace(/^'/, '')

async function checkTable(lines: Bytes[], m: Manifest, head: Head): Promise<void> {
  const header = lines[0] && cellsOf(decoder.decode(lines[0]))
  if (!header) throw new Broken(1, 'dropped')
  let before = 0
  for (const [i, raw] of lines.slice(1).entries()) {
    await at(i + 2, async () => {
      const cells = cellsOf(decoder.decode(raw))
      if (cells?.length !== header.length) throw new Broken(0, 'record')
      const no = Number(cells[0])
      const n = Number(cells.at(-3))
      if (!/^\d+$/.test(cells[0]!) || !/^\d+$/.test(cells.at(-3)!)) throw new Broken(0, 'record')
      if (cells[3] !== '' && Number.isNaN(Date.parse(cells[3]!))) throw new Broken(0, 'record')
      const leaf = fromBase64(unguarded(cells.at(-2)!))
      if (leaf?.length !== 32) throw new Broken(0, 'record')
      await included(unguarded(cells.at(-1)!).split(/\s+/).filter(Boolean), head, n, leaf)
      inOrder(m, no, before)
      before = no
    })
  }
  counts(m, lines.length - 1, before)
}

/** Runs a check of a line, and says which line it was. */
async function at(line: number, check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (e) {
    if (e instanceof Broken && e.line === 0) throw new Broken(line, e.code, e.values)
    if (e instanceof Broken) throw e
    throw new Broken(line, 'record')
  }
}

async function checkRestores(m: Manifest, head: Head): Promise<void> {
  const bad = new Broken(0, 'restores')
  let epoch = firstEpoch
  let before = 0
  for (const p of m.restores) {
    try {
      const value = new Map([...p].map(([k, x]) => [k, x.value]))
      const raw = p.get('entry')?.raw ?? ''
      const e = entryOf(raw)
      const state = e.docs.find(d => d.type === 'restores' && d.id === text(value, 'id'))?.state
      if (e.n !== whole(value, 'entry_no') || e.branch !== m.branch || state === undefined) throw bad
      await included(list(value, 'proof').map(String), head, e.n, await leafOf(bytesOf(raw)))
      const size = whole(state, 'size')
      if (text(state, 'before') !== epoch || e.n <= before || size !== e.n - 1) throw bad
      const was = fromBase64(text(state, 'root'))
      const same_ = hashes(list(value, 'consistency').map(String))
      if (size > 0 && !(was && same_ && (await grows(same_, head.size, head.root, size, was)))) throw bad
      epoch = text(state, 'epoch')
      before = e.n
    } catch {
      throw bad
    }
  }
  if (!head.origin.endsWith(`/${m.branch}/${epoch}`)) throw bad
}

async function run(file: Bytes, key: Key, told: (share: number) => void): Promise<Good> {
  const plain = unmarked(file.slice(0, 16))
  const half = file.length >= 2 && (plain[0] === 0) !== (plain[1] === 0)
  if (half || packed.some(p => starts(plain, p))) throw new Broken(0, 'unreadable')
  const lines = linesOf(file)
  if (lines.length === 0) throw new Broken(0, 'empty')
  for (const [i, l] of lines.slice(0, -1).entries()) {
    if (starts(l, manifestMark) || starts(l, csvMark)) throw new Broken(i + 2, 'added')
  }
  if (lines.length === 1) lines[0] = unmarked(lines[0]!)
  const m = await readManifest(lines.pop()!, lines.length + 1, key)
  if (lines.length > 0) lines[0] = unmarked(lines[0]!)
  await compareLines(lines, m.lines)
  const head = await readHead(m, key)
  if (m.complete && m.last !== head.made.get('visits')) throw new Broken(0, 'newest')
  await checkRestores(m, head)
  if (m.csv) {
    await checkTable(lines, m, head)
  } else {
    const c = new Checker(m, head)
    for (const [i, l] of lines.entries()) {
      await at(i + 1, () => c.line(l))
      if (i % 50 === 0) told(i / lines.length)
    }
    c.whole()
  }
  const beside = object(m.of, 'beside_numbered')
  if (m.complete) {
    for (const type of numbered.slice(1)) {
      if (whole(beside, type) !== head.made.get(type)) throw new Broken(0, 'beside')
    }
  }
  let others = 0
  for (const states of object(m.of, 'beside')?.values() ?? []) {
    for (const state of (states as Map<string, Json>).keys()) others += whole(states, state)
  }
  return {
    good: true,
    kind: m.csv ? 'csv' : 'ndjson',
    branch: m.branch,
    complete: m.complete,
    level: text(m.of, 'level'),
    visits: m.visits,
    first: whole(m.of, 'first_visit_no'),
    last: m.last,
    madeAt: text(m.of, 'made_at'),
    size: head.size,
    signer: key.name,
    restores: m.restores.length,
    missing: list(m.of, 'missing').length,
    beside: others,
  }
}

/** Checks an export with the public key of the server that must have signed it. told hears which share is done. */
export async function verify(
  file: Bytes,
  publicKey: string,
  told: (share: number) => void = () => {},
): Promise<Good | Bad> {
  try {
    const key = await readKey(publicKey)
    if (!key) throw new Broken(0, 'key')
    return await run(file, key, told)
  } catch (e) {
    if (!(e instanceof Broken)) throw e
    return { good: false, line: e.line, code: e.code, values: e.values }
  }
}
