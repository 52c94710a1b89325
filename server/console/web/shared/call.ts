import { signal } from '@preact/signals'
import type { Operations, Problem, SessionBody, SessionUser } from './api'

/** The user who is signed in; undefined while that is not known yet, null when nobody is. */
export const user = signal<SessionUser | null | undefined>(undefined)

/** An answer that is not a success, or none at all. */
export class Refused extends Error {
  constructor(
    /** Stable, from the API; 'offline' when no answer came, 'unreadable' when it was not the API's. */
    readonly code: string,
    message: string,
    readonly status: number,
    readonly problem?: Problem,
  ) {
    super(message)
  }
}

// The access token lives here alone: no storage of the browser holds it, and it ends with the page. The refresh token
// is in a cookie that no script can read. The mark in localStorage says only that a cookie may be there.
let token = ''
let ends = 0
const mark = 'doorstep.session'

const remembered = {
  get: (): boolean => {
    try {
      return localStorage.getItem(mark) === '1'
    } catch {
      return true
    }
  },
  set: (on: boolean): void => {
    try {
      if (on) localStorage.setItem(mark, '1')
      else localStorage.removeItem(mark)
    } catch {
      // Without storage the page asks for the cookie's session each time it is loaded.
    }
  },
}

async function send(
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
  stop?: AbortSignal,
): Promise<Response> {
  const init: RequestInit = { method, headers: { ...headers }, cache: 'no-store', credentials: 'same-origin' }
  if (stop) init.signal = stop
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    ;(init.headers as Record<string, string>)['Content-Type'] = 'application/json'
  }
  try {
    return await fetch(path, init)
  } catch {
    throw new Refused('offline', 'no answer', 0)
  }
}

async function refusal(r: Response): Promise<Refused> {
  const type = r.headers.get('Content-Type') ?? ''
  if (!type.startsWith('application/problem+json'))
    return new Refused('unreadable', `status ${r.status}`, r.status)
  const p = (await r.json()) as Problem
  return new Refused(p.code, p.detail ?? p.title, r.status, p)
}

/** The JSON of an answer. A captive portal answers 200 with a page of its own, which is refused. */
async function read<T>(r: Response): Promise<T> {
  if (!r.ok) throw await refusal(r)
  if (r.status === 204) return undefined as T
  if (!/^application\/(geo\+)?json/.test(r.headers.get('Content-Type') ?? '')) {
    throw new Refused('unreadable', 'not JSON', r.status)
  }
  return (await r.json()) as T
}

function begin(s: SessionBody): void {
  token = s.access_token
  ends = Date.now() + s.expires_in * 1000
  remembered.set(true)
  user.value = s.user
}

/** When the server issued the access token, by its own clock, in milliseconds; undefined where there is none. */
export function issuedAt(): number | undefined {
  const claims = token.split('.')[1]
  if (!claims) return undefined
  const { iat } = JSON.parse(atob(claims.replace(/-/g, '+').replace(/_/g, '/'))) as { iat?: number }
  return iat === undefined ? undefined : iat * 1000
}

function end(): void {
  token = ''
  ends = 0
  remembered.set(false)
  user.value = null
}

/** Signs in. A Refused with the code auth.factor_required carries the challenge for signInWithFactor. */
export async function signIn(login: string, password: string): Promise<void> {
  begin(await read<SessionBody>(await send('POST', '/v1/sessions', { login, password, browser: true }, {})))
}

/** Goes on with a sign-in by a code of the second factor. */
export async function signInWithFactor(challenge: string, code: string): Promise<void> {
  const body = { challenge, code, browser: true }
  begin(await read<SessionBody>(await send('POST', '/v1/sessions/factor', body, {})))
}

/** One page at a time exchanges the cookie: two at once would present the same token twice. */
function alone<T>(f: () => Promise<T>): Promise<T> {
  const locks = navigator.locks
  return locks ? locks.request('doorstep-refresh', f) : f()
}

let refreshing: Promise<void> | undefined

function refresh(): Promise<void> {
  refreshing ??= alone(async () => {
    try {
      begin(await read<SessionBody>(await send('POST', '/v1/sessions/refresh', {}, {})))
    } catch (e) {
      // Only a refusal ends the session: without network the page keeps what it shows, and tries again.
      if (e instanceof Refused && (e.status === 401 || e.status === 403)) end()
      throw e
    }
  }).finally(() => {
    refreshing = undefined
  })
  return refreshing
}

/** Takes up the session of the browser, if there is one. It never throws. */
export async function resume(): Promise<void> {
  if (!remembered.get()) {
    user.value = null
    return
  }
  for (let pause = 1000; user.value === undefined; pause = Math.min(pause * 2, 15_000)) {
    try {
      await refresh()
    } catch {
      if (user.value === undefined) await new Promise(done => setTimeout(done, pause))
    }
  }
}

/** Ends the session at the server, and here in any case. */
export async function signOut(): Promise<void> {
  try {
    await call('DELETE', '/v1/sessions/current')
  } finally {
    end()
  }
}

/** Sends a request with the access token, and renews the token when it is needed. */
export async function request(
  method: string,
  path: string,
  body?: unknown,
  more?: { key?: string; accept?: string; stop?: AbortSignal; seen?: number | undefined },
): Promise<Response> {
  if (Date.now() > ends - 30_000) await refresh()
  const headers = (): Record<string, string> => {
    const h: Record<string, string> = { Authorization: `Bearer ${token}` }
    if (more?.key) h['Idempotency-Key'] = more.key
    if (more?.accept) h.Accept = more.accept
    if (more?.seen) h['X-Seen-Rev'] = String(more.seen)
    return h
  }
  const first = await send(method, path, body, headers(), more?.stop)
  if (first.status !== 401) return first
  await refresh()
  return send(method, path, body, headers(), more?.stop)
}

/** The path of a template, with its parameters filled in and a query. */
export function fill(
  template: string,
  parameters: Record<string, string> = {},
  query: Record<string, string | number | undefined> = {},
): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''))
  const q = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') q.set(name, String(value))
  }
  const text = q.toString()
  return text ? `${path}?${text}` : path
}

type Named<M extends string, P extends string> = `${M} ${P}` & keyof Operations
/** The answer of an operation, by its method and path template. */
export type Answer<K extends keyof Operations> = Operations[K]['answer']

/** Calls an operation of the API. Throws Refused. */
export async function call<M extends string, P extends string>(
  method: M,
  template: P,
  o: {
    path?: Record<string, string>
    query?: Record<string, string | number | undefined>
    body?: Operations[Named<M, P>]['body']
    /** The same key has one effect, however often it is sent. */
    key?: string
    /** The revision of the case on which the user decided: the act is refused when it has changed since. */
    seen?: number | undefined
  } = {},
): Promise<Operations[Named<M, P>]['answer']> {
  const more = { ...(o.key ? { key: o.key } : {}), seen: o.seen }
  return read(await request(method, fill(template, o.path, o.query), o.body, more))
}

/** Sends to an address that the API has filled in itself, such as an action of the inbox. Throws Refused. */
export async function act(method: string, path: string, body: unknown, key: string): Promise<void> {
  await read(await request(method, path, body, { key }))
}

/** The bytes of an answer, and its name where it is a download. Throws Refused. */
export async function bytes(path: string): Promise<{ blob: Blob; name: string }> {
  const r = await request('GET', path, undefined, { accept: '*/*' })
  if (!r.ok) throw await refusal(r)
  const name = /filename="([^"]+)"/.exec(r.headers.get('Content-Disposition') ?? '')?.[1] ?? ''
  return { blob: await r.blob(), name }
}

/** A key for one act: the same key has one effect, however often it is sent. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, '0')).join('')
}

/** Reads the user again, after a password or a factor changed. */
export async function readUser(): Promise<void> {
  await refresh()
}
