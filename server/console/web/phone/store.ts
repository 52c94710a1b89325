// The records on the phone: one database for each agent, kept in step with the server by the adapter of sync/v1.

import { collections, type Replication, replicate, type Stored } from '@doorstep/rxdb'
import type { Kept, Outbox, Store } from '@doorstep/tus'
import { type Fields, newMid, type Result, type Sent, type Type, WireError } from '@doorstep/wire'
import { signal } from '@preact/signals'
import { createRxDatabase, type RxCollection, type RxDatabase } from 'rxdb'
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie'
import { told } from './clock'
import { forget, read, write } from './kept'
import { type Agent, accessToken, call, forgetAgent } from './session'
import { noteBuild } from './update'

/** The version of the records' shapes that this app knows. */
const schema = 3

/** The types that the app keeps. RxDB's free core opens 13 collections; the adapter needs one. */
export const types: Type[] = [
  'assignments',
  'cases',
  'visits',
  'visit_notes',
  'consents',
  'signatures',
  'plans',
  'drafts',
  'attachments',
  'policy',
]

/** The types whose records an agent makes, in the order in which the queue shows them. */
export const made: Type[] = ['visits', 'visit_notes', 'consents', 'signatures', 'plans']

/** A record as the phone has it. */
// biome-ignore lint/suspicious/noExplicitAny: the members of records are those of openapi.yaml, read with care below
export type Doc = Stored & Record<string, any>

/** All records, by type. A collection that changed has a new list. */
export const docs = signal<Partial<Record<Type, Doc[]>>>({})
/** Whether the first pull has come to its end: nothing is judged and nothing counted before. */
export const complete = signal(false)
/** Types whose pull is between two pages: what the phone has of them does not belong together. */
const open = new Set<string>()
export const between = signal(false)
/** Mutations that the server has an answer for, or that are under way, by their mid. */
export const sent = signal<Map<string, Sent>>(new Map())
/** What the server did not take: it is with the office. */
export const refused = signal<Sent[]>([])
/** Files that the server does not have yet, with how much of each was sent. */
export const files = signal<(Kept & { sent?: number })[]>([])
/** The last answer of the server, in milliseconds since 1970 by its clock; 0 for none. */
export const contact = signal(0)

/** How the last request went. */
export type Line = 'unknown' | 'live' | 'offline' | 'portal' | 'busy' | 'signin' | 'old' | 'blocked'
export const line = signal<Line>('unknown')
/** Set when the office has blocked this phone. */
export const wiped = signal(false)
/** Set when the browser's store could not be opened or written. */
export const broken = signal('')

let db: RxDatabase | undefined
let sync: Replication | undefined
let outbox: Outbox | undefined
let kept: Store | undefined
let over: AbortController | undefined
let me: Agent | undefined
let gone: Sent[] = []

const key = (name: string): string => `${me?.id ?? ''}.${name}`

/** A fetch that listens: the time, the build, and whether the line works. */
async function listening(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const began = Date.now()
  let r: Response
  try {
    r = await fetch(input, { ...init, cache: 'no-store' })
  } catch (e) {
    if (!init?.signal?.aborted || line.value === 'unknown') line.value = 'offline'
    throw e
  }
  const path = new URL(String(input), location.href).pathname
  const type = r.headers.get('Content-Type') ?? ''
  if (!/json|event-stream/.test(type)) {
    // A network that asks to be paid or greeted first answers with a page of its own, often with status 200.
    line.value = 'portal'
    return new Response('{"code":"unreadable"}', { status: 503, headers: { 'Retry-After': '5' } })
  }
  noteBuild(r.headers.get('X-Doorstep-Build'))
  if (r.ok) line.value = 'live'
  else if (r.status === 429 || r.status >= 500) line.value = 'busy'
  else if (r.status === 401) line.value = 'signin'
  else if (r.status === 403) line.value = 'blocked'
  else if (r.status === 409) line.value = 'old'
  if (r.ok && (path === '/sync/v1/pull' || path === '/sync/v1/push')) {
    void r
      .clone()
      .json()
      .then((a: { server_time?: string; more?: boolean }) => {
        if (a.server_time) {
          told(a.server_time, began, Date.now())
          contact.value = Date.parse(a.server_time)
          void write(key('contact'), contact.value)
        }
        if (path !== '/sync/v1/pull') return
        const of = new URL(String(input), location.href).searchParams.get('types') ?? ''
        for (const one of of.split(',')) {
          if (a.more) open.add(one)
          else open.delete(one)
        }
        if (open.size > 0 !== between.value) {
          between.value = open.size > 0
          void write(key('between'), [...open])
        }
      })
      .catch(() => {})
  }
  return r
}

/** Opens the agent's database and begins to sync. */
export async function openStore(a: Agent): Promise<void> {
  me = a
  over = new AbortController()
  complete.value = (await read<boolean>(key('complete'))) ?? false
  contact.value = (await read<number>(key('contact'))) ?? 0
  open.clear()
  for (const one of (await read<string[]>(key('between'))) ?? []) open.add(one)
  between.value = open.size > 0
  db = await createRxDatabase({
    name: `doorstep-${a.id.toLowerCase()}`,
    storage: getRxStorageDexie(),
    multiInstance: false,
  })
  await db.addCollections(collections(types))
  for (const type of types) {
    of(type)
      .find()
      .$.subscribe(found => {
        docs.value = { ...docs.value, [type]: found.map(d => d.toMutableJSON() as Doc) }
      })
  }
  sync = await replicate(db, {
    server: location.origin,
    device: a.device,
    schema,
    token: accessToken,
    fetch: listening as typeof fetch,
    retryTime: 5000,
    wiped: () => void wipe(),
    tooOld: () => {
      line.value = 'old'
    },
  })
  // The adapter keeps nothing of what was revoked. That there was something, and of which case, the agent must
  // still see.
  gone = (await read<Sent[]>(key('office'))) ?? []
  sync.refused$.subscribe(({ sent: s, result }) => {
    if (result.status !== 'revoked' || s.type === 'drafts' || gone.some(g => g.mid === s.mid)) return
    const { mid, type, record, at, epoch, mutation, schema } = s
    const { op, id, base, client_ts, fields } = mutation
    const kept = { mid, type, id, op, base, client_ts, fields: { case: fields?.case } }
    const { status, code } = result as Result & { code?: string }
    const answer = { mid, type, id, status, ...(code ? { code } : {}) } as Result
    gone = [
      ...gone,
      { mid, type, record, state: 'refused', at, epoch, schema, mutation: kept, result: answer },
    ]
    refused.value = [...refused.value.filter(r => r.mid !== mid), gone.at(-1)!]
    void write(key('office'), gone)
  })
  const log = (db.collections as Record<string, RxCollection<Sent>>).doorstep_log!
  log.find().$.subscribe(found => {
    const all = found.map(d => d.toMutableJSON() as Sent)
    sent.value = new Map(all.map(s => [s.mid, s]))
    refused.value = [...all, ...gone.filter(g => !all.some(s => s.mid === g.mid && s.state === 'refused'))]
      .filter(s => s.state === 'refused' || s.state === 'not_yet')
      .sort((x, y) => (x.mid < y.mid ? -1 : 1))
  })
  for (const state of Object.values(sync.states)) {
    state.error$.subscribe(e => {
      const cause = (e as unknown as { parameters?: { errors?: { message?: string; name?: string }[] } })
        .parameters
      const text = JSON.stringify(cause?.errors ?? '')
      if (/QuotaExceeded/.test(text)) broken.value = 'full'
      if (/signed_out/.test(text)) line.value = 'signin'
    })
    state.sent$.subscribe(() => outbox?.wake())
  }
  void Promise.all(Object.values(sync.states).map(s => s.awaitInitialReplication())).then(async () => {
    complete.value = true
    await write(key('complete'), true)
    await learnKey()
  })
  // Loaded by itself: nothing of it is needed before the first photo.
  const tus = await import('@doorstep/tus')
  kept = tus.indexedDBStore(`doorstep-files-${a.id.toLowerCase()}`)
  outbox = new tus.Outbox({
    wire: sync.wire,
    store: kept,
    stored: () => void listFiles(),
    refused: () => void listFiles(),
    // A photo of a report that is not finished waits for it.
    allowed: k => docs.value[k.type as Type]?.some(d => d.id === k.record) ?? false,
    wiped: () => void wipe(),
    progress: (file, n) => {
      files.value = files.value.map(f => (f.id === file.id ? { ...f, sent: n } : f))
    },
  })
  await listFiles()
  void outbox.run(over.signal)
  for (const name of ['online', 'focus', 'pageshow'] as const) window.addEventListener(name, sendNow)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') sendNow()
  })
}

/** Closes the store: another page took over, or the agent has left. */
export async function closeStore(): Promise<void> {
  over?.abort()
  for (const name of ['online', 'focus', 'pageshow'] as const) window.removeEventListener(name, sendNow)
  await sync?.cancel()
  await db?.close()
  db = sync = outbox = undefined
}

/** The key by which the conduct policy is verified: asked for once, and kept. */
export const lawKey = signal('')

async function learnKey(): Promise<void> {
  lawKey.value = (await read<string>('lawkey')) ?? ''
  if (lawKey.value) return
  try {
    lawKey.value = (await call<{ key: string }>('GET', '/v1/conduct/key')).key
    await write('lawkey', lawKey.value)
  } catch {
    setTimeout(() => void learnKey(), 15_000)
  }
}

/** Reads the kept key before the first contact of this start. */
export async function rememberKey(): Promise<void> {
  lawKey.value = (await read<string>('lawkey')) ?? ''
}

/** Sends and fetches now. */
export function sendNow(): void {
  sync?.reSync()
  outbox?.wake()
}

const of = (type: Type): RxCollection<Stored> =>
  (db!.collections as Record<string, RxCollection<Stored>>)[type]!

/** Adds a record. It is on the phone when the promise ends. */
export async function add(type: Type, fields: Fields, id = newMid()): Promise<string> {
  await of(type).incrementalUpsert({ id, rev: 0, mut: '', ...fields } as Stored)
  return id
}

/** Changes members of a record. */
export async function patch(type: Type, id: string, fields: Fields): Promise<void> {
  const doc = await of(type).findOne(id).exec()
  await doc?.incrementalPatch(fields)
}

/** Changes answers of a draft, and leaves the others as they are. */
export async function answer(id: string, answers: Fields): Promise<void> {
  const doc = await of('drafts').findOne(id).exec()
  await doc?.incrementalModify(d => {
    const all = { ...(d.content as Fields), ...answers }
    return { ...d, content: Object.fromEntries(Object.entries(all).filter(([, v]) => v !== undefined)) }
  })
}

/** Removes a record. */
export async function remove(type: Type, id: string): Promise<void> {
  const doc = await of(type).findOne(id).exec()
  await doc?.incrementalRemove()
}

/** One record; undefined if the phone has it not (any more). */
export const one = (type: Type, id: string): Doc | undefined => docs.value[type]?.find(d => d.id === id)

/** Keeps a file until the server has it, and gives what its record is to say of it. */
export async function keepFile(
  file: Blob,
  type: Type,
  record: string,
): Promise<{ id: string; sha256: string; bytes: number }> {
  const reference = await outbox!.keep({ type, record, filetype: file.type, file })
  await listFiles()
  return reference
}

/** Forgets a file that was not used, or was refused. */
export async function dropFile(id: string): Promise<void> {
  await outbox?.drop(id)
  await listFiles()
}

/** The bytes of a file that waits. */
export async function bytesOf(id: string): Promise<Blob | undefined> {
  return (await kept?.file(id)) as Blob | undefined
}

export async function listFiles(): Promise<void> {
  const now = new Map(files.value.map(f => [f.id, f.sent]))
  files.value = ((await outbox?.list()) ?? []).map(f => {
    const n = now.get(f.id)
    return n === undefined ? f : { ...f, sent: n }
  })
}

/** Reads a small value of the agent's. */
export const readOwn = <T>(name: string): Promise<T | undefined> => read<T>(key(name))
/** Keeps a small value of the agent's. */
export const writeOwn = (name: string, value: unknown): Promise<void> => write(key(name), value)
/** Forgets a small value of the agent's. */
export const forgetOwn = (name: string): Promise<void> => forget(key(name))

/** Erases all that the phone holds of the agent's work: the office has blocked it. Nothing is offered for export
 * before: whoever holds a lost phone must get nothing. What the server had is safe, and what it had not is lost. */
async function wipe(): Promise<void> {
  if (wiped.value) return
  wiped.value = true
  over?.abort()
  await outbox?.clear()
  docs.value = {}
  files.value = []
  refused.value = []
  sent.value = new Map()
  const a = me!
  await sync?.cancel().catch(() => {})
  await db?.remove().catch(() => {})
  for (const { name } of (await indexedDB.databases?.()) ?? []) {
    // The files were cleared above; their database is open, and would wait for the page's end.
    if (name?.includes(a.id.toLowerCase()) && !name.startsWith('doorstep-files-'))
      indexedDB.deleteDatabase(name)
  }
  for (const name of await caches.keys()) if (!name.startsWith('app-')) await caches.delete(name)
  await forgetAgent(a)
}

export { WireError }
