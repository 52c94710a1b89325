// Who uses the app, and their session with the server. The refresh token is in a cookie that no script can read; the
// access token lives here alone.

import { newMid, WireError } from '@doorstep/wire'
import { signal } from '@preact/signals'
import type { Problem, SessionBody } from '../shared/api'
import { forget, forgetAll, read, write } from './kept'

/** Agent is one of those who use this phone. Each has a device id and a database of their own. */
export interface Agent {
  id: string
  login: string
  name: string
  device: string
}

/** The agent who uses the app; undefined while that is being read, null for nobody. */
export const agent = signal<Agent | null | undefined>(undefined)
/** Whether the server has ended the session: the app goes on, and what waits is sent after the next sign-in. */
export const ended = signal(false)

/** A sign-in that the server did not take. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly challenge = '',
    /** Whether the server asks the app to erase what it holds. */
    readonly wipe = false,
  ) {
    super(message)
  }
}

let token = ''
let ends = 0

async function ask(method: string, path: string, body: unknown, bearer = ''): Promise<unknown> {
  let r: Response
  try {
    r = await fetch(path, {
      method,
      cache: 'no-store',
      signal: AbortSignal.timeout(30_000),
      headers: {
        'Content-Type': 'application/json',
        ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch {
    throw new Refused('offline', 'no answer')
  }
  if (r.status === 204) return undefined
  const type = r.headers.get('Content-Type') ?? ''
  // A network that asks to be paid or greeted first answers with a page of its own.
  if (!/^application\/(problem\+)?json/.test(type)) throw new Refused('unreadable', `status ${r.status}`)
  const said = (await r.json().catch(() => {
    throw new Refused('offline', 'the answer was cut off')
  })) as unknown
  if (r.ok) return said
  const p = said as Problem
  const wait = r.status === 429 || r.status >= 500
  throw new Refused(wait ? 'busy' : p.code, p.detail ?? p.title, p.challenge?.token ?? '', p.wipe === true)
}

/** The agents who have signed in on this phone, by login. */
export const agents = async (): Promise<Record<string, Agent>> =>
  (await read<Record<string, Agent>>('agents')) ?? {}

async function begin(s: SessionBody, login: string, device: string): Promise<SessionBody> {
  token = s.access_token
  ends = performance.now() + s.expires_in * 1000
  ended.value = false
  const a = { id: s.user.id, login, name: s.user.name || login, device }
  await write('agents', { ...(await agents()), [login]: a })
  return s
}

/** Signs in. A Refused with auth.factor_required carries the challenge for answerFactor. */
export async function signIn(login: string, password: string): Promise<SessionBody> {
  const device = (await agents())[login]?.device ?? newMid()
  const body = {
    login,
    password,
    browser: true,
    device: { id: device, platform: 'web', name: 'Doorstep app' },
  }
  // The id is kept before it is sent: a lost answer must not make a second device.
  await write('agents', {
    ...(await agents()),
    [login]: { id: '', login, name: login, ...(await agents())[login], device },
  })
  return begin((await ask('POST', '/v1/sessions', body)) as SessionBody, login, device)
}

/** Goes on with a sign-in by a code of the second factor. */
export async function answerFactor(login: string, challenge: string, code: string): Promise<SessionBody> {
  const device = (await agents())[login]?.device ?? ''
  const body = { challenge, code, browser: true }
  return begin((await ask('POST', '/v1/sessions/factor', body)) as SessionBody, login, device)
}

/** Changes a one-time password, which ends all sessions, and signs in anew. */
export async function changePassword(login: string, old: string, fresh: string): Promise<SessionBody> {
  await ask('POST', '/v1/users/me/password', { old, new: fresh }, token)
  return signIn(login, fresh)
}

/** Opens the app for an agent who has signed in. */
export async function enter(login: string): Promise<void> {
  const a = (await agents())[login]
  if (!a?.id) throw new Error('nobody has signed in')
  await write('current', login)
  agent.value = a
}

/** Finds who used the app last. */
export async function whoWasHere(): Promise<void> {
  const login = await read<string>('current').catch(() => undefined)
  agent.value = (login && (await agents())[login]) || null
}

/** Asks for a password by the login that is in use: the session ended, or the code of the lock is forgotten. */
export const again = (password: string): Promise<SessionBody> => signIn(agent.value!.login, password)

let refreshing: Promise<void> | undefined

/** Exchanges the cookie, one page at a time: a token that is presented twice ends the session. */
function refresh(): Promise<void> {
  refreshing ??= navigator.locks
    .request('doorstep-app-refresh', async () => {
      const a = agent.value
      if (!a) throw new Refused('auth.nobody', 'nobody has signed in')
      try {
        const s = (await ask('POST', '/v1/sessions/refresh', { device_id: a.device })) as SessionBody
        // Another agent's cookie is in the browser: this one has to sign in.
        if (s.user.id !== a.id) throw new Refused('auth.other', 'another agent has signed in')
        await begin(s, a.login, a.device)
      } catch (e) {
        if (e instanceof Refused && (e.code.startsWith('auth.') || e.code === 'device_wiped'))
          ended.value = true
        throw e
      }
    })
    .finally(() => {
      refreshing = undefined
    })
  return refreshing
}

/** An access token for sync; refused is one that the server has just refused. */
export async function accessToken(refused?: string): Promise<string> {
  if (refused !== undefined && refused === token) token = ''
  if (token && performance.now() < ends - 30_000) return token
  if (ended.value) throw new WireError(401, 'signed_out', 'sign in again')
  try {
    await refresh()
  } catch (e) {
    const code = e instanceof Refused ? e.code : 'offline'
    if (e instanceof Refused && e.wipe) throw new WireError(403, code, '', { code, wipe: true } as never)
    throw new WireError(ended.value ? 401 : 0, code, 'there is no session now')
  }
  return token
}

/** Calls an endpoint of the API as the agent. Throws Refused, or a WireError without a session. */
export const call = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
  (await ask(method, path, body, await accessToken())) as T

/** Leaves the app. Nothing of the agent's is deleted: what waits is sent after their next sign-in. */
export async function leave(): Promise<void> {
  const gone = token
  token = ''
  ends = 0
  await forget('current')
  if (gone) await ask('DELETE', '/v1/sessions/current', undefined, gone).catch(() => {})
}

/** Forgets an agent and all that the app keeps for them, after the device was blocked. */
export async function forgetAgent(a: Agent): Promise<void> {
  const all = await agents()
  delete all[a.login]
  await write('agents', all)
  await forget('current')
  await forgetAll(`${a.id}.`)
  token = ''
}
