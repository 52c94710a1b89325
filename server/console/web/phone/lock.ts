// The lock of the screen, and the lock that lets one page work at a time.
import { signal } from '@preact/signals'
import { read, write } from './kept'

/** Whether the app asks for its code. */
export const locked = signal(true)
/** Whether the agent has chosen a code. */
export const coded = signal<boolean | undefined>(undefined)

const idle = 5 * 60_000
const tries = 5
let who = ''
let used = Date.now()

interface Code {
  salt: Uint8Array<ArrayBuffer>
  hash: Uint8Array
  wrong: number
}

async function hash(code: string, salt: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const k = await crypto.subtle.importKey('raw', new TextEncoder().encode(code), 'PBKDF2', false, [
    'deriveBits',
  ])
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: 300_000 }
  return new Uint8Array(await crypto.subtle.deriveBits(how, k, 256))
}

/** Begins for an agent. The code keeps bystanders out; it does not encrypt the records: the phone's own lock
 * does. */
export async function guard(agent: string, open: boolean): Promise<void> {
  who = agent
  coded.value = (await read<Code>(`${who}.code`)) !== undefined
  locked.value = !open
  used = Date.now()
}

/** Chooses the code. */
export async function choose(code: string): Promise<void> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  await write(`${who}.code`, { salt, hash: await hash(code, salt), wrong: 0 })
  coded.value = true
  locked.value = false
  used = Date.now()
}

/** Opens the lock. After five wrong codes only the password opens it. */
export async function unlock(code: string): Promise<'open' | 'wrong' | 'password'> {
  const kept = await read<Code>(`${who}.code`)
  if (!kept || kept.wrong >= tries) return 'password'
  // Counted before it is compared, so that an end of the app in between is no free try.
  await write(`${who}.code`, { ...kept, wrong: kept.wrong + 1 })
  const said = await hash(code, kept.salt)
  if (!said.every((b, i) => b === kept.hash[i])) return kept.wrong + 1 >= tries ? 'password' : 'wrong'
  await write(`${who}.code`, { ...kept, wrong: 0 })
  locked.value = false
  used = Date.now()
  return 'open'
}

/** Opens the lock for who gave the password; the code is chosen anew. */
export function reopen(): void {
  coded.value = false
  locked.value = false
  used = Date.now()
}

/** Locks after five minutes without a touch, in view or not. */
export function watchIdle(): void {
  const look = (): void => {
    const away = Date.now() - used
    if (coded.value && (away > idle || away < -1000)) locked.value = true
  }
  for (const name of ['pointerdown', 'keydown'] as const) {
    document.addEventListener(name, () => {
      look()
      if (!locked.value) used = Date.now()
    })
  }
  setInterval(look, 5000)
  document.addEventListener('visibilitychange', look)
}

/** Whether this page works: 'elsewhere' while another page of this browser does. */
export const turn = signal<'asking' | 'mine' | 'elsewhere' | 'lost'>('asking')

/** Takes the one turn that there is, and keeps it until the page ends or another takes it. A page that the browser has
 * frozen keeps its turn, until it is taken from it. */
export function takeTurn(steal: boolean, lost: () => void): Promise<boolean> {
  return new Promise(done => {
    void navigator.locks
      .request('doorstep-app', steal ? { steal: true } : { ifAvailable: true }, l => {
        if (!l) {
          turn.value = 'elsewhere'
          done(false)
          return undefined
        }
        turn.value = 'mine'
        done(true)
        return new Promise(() => {})
      })
      .catch(() => {
        turn.value = 'lost'
        lost()
      })
  })
}
