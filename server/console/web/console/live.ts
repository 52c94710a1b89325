import { effect, type Signal, signal } from '@preact/signals'
import { fill, issuedAt, Refused, request, user } from '../shared/call'

/** A poke of GET /v1/stream. */
export interface Poke {
  entry: number
  changed: string[]
  rounds: string[]
  all?: boolean
}

/** How the page hears of changes. */
export interface Hearing {
  /** The stream is open, and was heard within staleAfter. */
  live: boolean
  /** When something was heard last, by the browser's clock; 0: never. */
  heard: number
}

/** After so many milliseconds without a sign of life the page says that it may be out of date. The server sends one
 * every 20 seconds. */
export const staleAfter = 45_000

/** Whether what is on the page may be out of date. */
export const hearing: Signal<Hearing> = signal({ live: true, heard: 0 })

/** What the server's clock is ahead of the browser's, in milliseconds, by the newest answer that told. */
export const ahead = signal(0)

/** The time, by the server's clock, in steps of ten seconds. */
export const now = signal(Date.now())
setInterval(() => {
  now.value = Date.now() + ahead.value
}, 10_000)

/** Takes the server's time from an answer. */
export function tellTime(asOf: string): void {
  ahead.value = Date.parse(asOf) - Date.now()
  now.value = Date.now() + ahead.value
}

// A sign-in tells the time before any answer does, to the second: what is nearer than that is left to the browser.
effect(() => {
  const at = user.value ? issuedAt() : undefined
  if (at !== undefined && Math.abs(at - Date.now()) > 5000) tellTime(new Date(at).toISOString())
})

/** Splits a stream of server-sent events into the data of its pokes. It is called with each piece as it comes. */
export function splitEvents(onPoke: (p: Poke) => void): (piece: string) => void {
  let rest = ''
  return piece => {
    rest += piece
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = rest.slice(0, end)
      rest = rest.slice(end + 2)
      const data = event
        .split('\n')
        .filter(line => line.startsWith('data:'))
        .map(line => line.slice(5).trim())
        .join('\n')
      if (data) onPoke(JSON.parse(data) as Poke)
    }
  }
}

/** How long to wait before the stream is opened again: doubled each time, at most 20 seconds, and shifted at random, so
 * that all consoles do not come back in one moment. */
export function pauseBefore(attempt: number, random: number): number {
  return Math.min(20_000, 500 * 2 ** attempt) * (0.5 + random / 2)
}

type Listener = (p: Poke) => void
const listeners = new Set<Listener>()

/** Calls f at every poke, and with all set whenever the stream was lost in between. It returns how to stop. */
export function onPoke(f: Listener): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}

const tell = (p: Poke): void => {
  for (const f of [...listeners]) f(p)
}

/** Follows a branch until stop is called. */
export function follow(branch: string): () => void {
  let over = false
  let abort = new AbortController()
  let before = false
  hearing.value = { live: true, heard: Date.now() }
  const heard = (): void => {
    hearing.value = { live: true, heard: Date.now() }
  }
  const watch = setInterval(() => {
    if (Date.now() - hearing.value.heard < staleAfter) return
    hearing.value = { ...hearing.value, live: false }
    abort.abort()
  }, 1000)
  const online = (): void => abort.abort()
  window.addEventListener('online', online)
  const run = async (): Promise<void> => {
    for (let attempt = 0; !over && user.value; attempt++) {
      abort = new AbortController()
      try {
        const opened = await openStream(branch, abort.signal)
        attempt = 0
        heard()
        // What changed while the stream was closed is not told again: all lists are read anew.
        if (before) tell({ entry: 0, changed: [], rounds: [], all: true })
        before = true
        const take = splitEvents(tell)
        for (;;) {
          const { done, value } = await opened.read()
          if (done) break
          heard()
          take(value)
        }
      } catch (e) {
        if (e instanceof Refused && e.status === 403) return
      }
      if (!over) await wait(pauseBefore(attempt, Math.random()), abort.signal)
    }
  }
  void run()
  return () => {
    over = true
    clearInterval(watch)
    window.removeEventListener('online', online)
    abort.abort()
  }
}

async function openStream(branch: string, stop: AbortSignal): Promise<ReadableStreamDefaultReader<string>> {
  const r = await request('GET', fill('/v1/stream', {}, { branch }), undefined, {
    accept: 'text/event-stream',
    stop,
  })
  if (!r.ok || !r.body) throw new Refused('unreadable', `status ${r.status}`, r.status)
  return r.body.pipeThrough(new TextDecoderStream()).getReader()
}

function wait(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise(done => {
    const timer = setTimeout(done, ms)
    stop.addEventListener('abort', () => {
      clearTimeout(timer)
      setTimeout(done, 200)
    })
  })
}

/** Something that is read from the server, and read again when it has changed. */
export interface Resource<T> {
  data: Signal<T | undefined>
  problem: Signal<Refused | undefined>
  reload: () => void
  stop: () => void
}

/**
 * Reads at once, after every poke for which concerns is true, and every so many seconds, since what only time changes
 * pokes nobody. What was read stays while it is read again, and when that fails. Two reads never run at once: a
 * change during one causes one more.
 */
export function resource<T>(
  get: () => Promise<T>,
  concerns: (p: Poke) => boolean,
  seconds = 180,
): Resource<T> {
  const data = signal<T | undefined>(undefined)
  const problem = signal<Refused | undefined>(undefined)
  let running = false
  let again = false
  let over = false
  const reload = (): void => {
    if (running) {
      again = true
      return
    }
    running = true
    get()
      .then(
        v => {
          if (over) return
          data.value = v
          problem.value = undefined
        },
        (e: unknown) => {
          if (!over) problem.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
        },
      )
      .finally(() => {
        running = false
        if (again && !over) {
          again = false
          reload()
        }
      })
  }
  const unlisten = onPoke(p => {
    if (p.all || concerns(p)) reload()
  })
  const timer = setInterval(reload, seconds * 1000)
  // Back in view or signed in again, the page shows the present.
  const unwatch = effect(() => {
    if (user.value) reload()
  })
  return {
    data,
    problem,
    reload,
    stop: () => {
      over = true
      unlisten()
      unwatch()
      clearInterval(timer)
    },
  }
}
