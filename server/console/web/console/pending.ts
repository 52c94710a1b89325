import { effect, signal } from '@preact/signals'
import { newKey, Refused, user } from '../shared/call'

/** How long a decision may be undone before it is sent, in milliseconds. */
export const undoFor = 10_000

/** A decision that is not known to be with the server. */
export interface Decision {
  id: string
  /** What it is about, so that a list can leave it out. */
  about: string
  what: string
  /** When it is sent, by the browser's clock. */
  at: number
  state: 'waiting' | 'sending' | 'failed'
  problem?: Refused
  send: (key: string) => Promise<void>
  sent: () => void
}

/** The decisions that wait, are being sent, or failed, the oldest first. */
export const decisions = signal<Decision[]>([])

/** The time, in steps of a second while a decision waits. */
export const second = signal(Date.now())

const change = (id: string, to: Partial<Decision>): void => {
  decisions.value = decisions.value.map(d => (d.id === id ? { ...d, ...to } : d))
}
const drop = (id: string): void => {
  decisions.value = decisions.value.filter(d => d.id !== id)
}

/** Sends a decision now. The same key is used at every attempt, so that it has one effect. */
export async function sendNow(id: string): Promise<void> {
  const d = decisions.value.find(x => x.id === id)
  if (!d || d.state === 'sending') return
  change(id, { state: 'sending' })
  try {
    await d.send(d.id)
    drop(id)
    d.sent()
  } catch (e) {
    change(id, {
      state: 'failed',
      problem: e instanceof Refused ? e : new Refused('unreadable', String(e), 0),
    })
  }
}

/** Takes a decision back that has not been sent, or closes one that failed. */
export function undo(id: string): void {
  if (decisions.value.find(d => d.id === id)?.state !== 'sending') drop(id)
}

/** Has a decision sent in ten seconds, unless it is undone. */
export function decide(about: string, what: string, send: Decision['send'], sent: () => void): void {
  const at = Date.now() + undoFor
  decisions.value = [...decisions.value, { id: newKey(), about, what, at, state: 'waiting', send, sent }]
  second.value = Date.now()
}

/** Sends all that wait, before the user leaves. */
export async function flush(): Promise<void> {
  await Promise.all(decisions.value.filter(d => d.state === 'waiting').map(d => sendNow(d.id)))
}

setInterval(() => {
  const waiting = decisions.value.filter(d => d.state === 'waiting')
  if (waiting.length === 0) return
  second.value = Date.now()
  for (const d of waiting) if (d.at <= second.value) void sendNow(d.id)
}, 500)

window.addEventListener('beforeunload', e => {
  if (decisions.value.length > 0) e.preventDefault()
})
window.addEventListener('pagehide', () => void flush())

// Nobody sends what another user has decided.
effect(() => {
  if (user.value === null) decisions.value = []
})
