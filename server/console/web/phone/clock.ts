// The time: the phone's clock set right by what the server said last, and whether that can be believed.
import { signal } from '@preact/signals'
import { read, write } from './kept'

interface Kept {
  /** What must be added to the phone's clock, in milliseconds. */
  offset: number
  /** The phone's clock when it was looked at last. */
  wall: number
  /** Whether the clock was set back since the server told the time. */
  doubt: boolean
}

/** How far the wall clock may part from the time that has passed while the app was in view. */
const most = 5 * 60_000

let kept: Kept | undefined
let seen = { wall: Date.now(), mono: performance.now(), stretch: 0 }
let stretch = 0

/** The phone's clock is this far behind the server's, in milliseconds; undefined before the server told the time. */
export const behind = signal<number | undefined>(undefined)
/** Whether the phone's clock cannot be believed: before the first contact, or when it was set since. */
export const doubtful = signal(true)
/** The time, right to the minute: what shows times reads it. */
export const minute = signal(Date.now())

/** The time by the server's clock, as far as it is known. */
export const now = (): number => Date.now() + (behind.value ?? 0)

function tell(): void {
  behind.value = kept?.offset
  doubtful.value = !kept || kept.doubt
}

function keep(): void {
  if (kept) void write('clock', kept).catch(() => {})
}

/** Looks whether the clock was set. While the app is out of view time may stand still, and only a step back is seen. */
export function look(): void {
  const wall = Date.now()
  const mono = performance.now()
  if (kept) {
    const passed = mono - seen.mono
    const apart = seen.stretch === stretch ? Math.abs(wall - seen.wall - passed) : 0
    if (wall < kept.wall - 2000 || apart > most) kept.doubt = true
    kept.wall = kept.doubt ? kept.wall : wall
    keep()
  }
  seen = { wall, mono, stretch }
  tell()
  minute.value = now()
}

/** Takes in what the server says the time is, from an answer that came between two moments of the phone's clock. */
export function told(server: string, sent: number, came: number): void {
  const at = Date.parse(server)
  if (!Number.isFinite(at)) return
  kept = { offset: Math.round(at - (sent + came) / 2), wall: Date.now(), doubt: false }
  seen = { wall: Date.now(), mono: performance.now(), stretch }
  keep()
  tell()
  minute.value = now()
}

/** Begins to watch the clock. */
export async function watchClock(): Promise<void> {
  kept = await read<Kept>('clock').catch(() => undefined)
  look()
  setInterval(look, 15_000)
  document.addEventListener('visibilitychange', () => {
    stretch++
    look()
  })
  window.addEventListener('pageshow', look)
}
