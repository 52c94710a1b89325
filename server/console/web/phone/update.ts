// New builds of the app: they are fetched in the background, and taken when the agent says so, or at a cold start.
import { signal } from '@preact/signals'

declare const BUILD: string

/** The build that runs. */
export const build = BUILD
/** Whether another build waits to be taken. */
export const waiting = signal(false)
/** Why the app does not work without network; '' if it does. */
export const noOffline = signal<'' | 'insecure' | 'none'>('')

let registration: ServiceWorkerRegistration | undefined
let looked = 0

/** Takes in the build that the server names in its answers. */
export function noteBuild(said: string | null): void {
  if (!said || said === BUILD || !registration) return
  const hour = 3600_000
  if (looked > 0 && performance.now() - looked < hour) return
  looked = performance.now()
  void registration.update().catch(() => {})
}

function look(): void {
  waiting.value = registration?.waiting != null
}

/** Registers the worker. It never reloads a page by itself. */
export async function watchBuilds(): Promise<void> {
  if (!('serviceWorker' in navigator)) {
    noOffline.value = isSecureContext ? 'none' : 'insecure'
    return
  }
  try {
    registration = await navigator.serviceWorker.register('/app/sw.js', {
      scope: '/app/',
      updateViaCache: 'none',
    })
  } catch {
    return // Without network the worker that is there goes on.
  }
  look()
  registration.addEventListener('updatefound', () => {
    const next = registration?.installing
    next?.addEventListener('statechange', look)
  })
  setInterval(look, 5000)
}

/** Takes the build that waits: once, and with the reload when it has taken over. */
export function take(): void {
  const next = registration?.waiting
  if (!next) return
  let done = false
  const reload = (): void => {
    if (done) return
    done = true
    // A worker that came to be active again and again must not reload for ever.
    const times = Number(sessionStorage.getItem(`reload.${BUILD}`) ?? 0)
    if (times > 0) return
    sessionStorage.setItem(`reload.${BUILD}`, '1')
    location.reload()
  }
  navigator.serviceWorker.addEventListener('controllerchange', reload, { once: true })
  next.postMessage('activate')
  setTimeout(reload, 5000)
}
