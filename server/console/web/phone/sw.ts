// The service worker: it answers the app's own files from a cache of one build, and nothing else. It never takes over
// by itself: a page goes on with the build that it began with until the agent takes the next one.
declare const BUILD: string
declare const FILES: string[]

interface Extendable extends Event {
  waitUntil(p: Promise<unknown>): void
}
interface Fetching extends Extendable {
  request: Request
  respondWith(r: Promise<Response>): void
}
interface Worker {
  addEventListener(name: 'install' | 'activate', f: (e: Extendable) => void): void
  addEventListener(name: 'fetch', f: (e: Fetching) => void): void
  addEventListener(name: 'message', f: (e: MessageEvent & Extendable) => void): void
  skipWaiting(): Promise<void>
  clients: { claim(): Promise<void> }
}
const worker = globalThis as unknown as Worker
const cacheName = `app-${BUILD}`

worker.addEventListener('install', e => {
  e.waitUntil(
    (async () => {
      const cache = await caches.open(cacheName)
      // All or nothing, and never from the browser's own cache.
      await cache.addAll(FILES.map(f => new Request(f, { cache: 'reload' })))
    })(),
  )
})

worker.addEventListener('activate', e => {
  e.waitUntil(
    (async () => {
      // The build before stays: a page of it may be open, and asks for its parts when it needs them.
      const names = (await caches.keys()).filter(n => n.startsWith('app-') && n !== cacheName)
      for (const old of names.slice(0, -1)) await caches.delete(old)
    })(),
  )
})

worker.addEventListener('message', e => {
  if (e.data === 'activate') e.waitUntil(worker.skipWaiting().then(() => worker.clients.claim()))
})

worker.addEventListener('fetch', e => {
  const r = e.request
  const u = new URL(r.url)
  if (r.method !== 'GET' || u.origin !== location.origin || !u.pathname.startsWith('/app/')) return
  if (u.pathname === '/app/sw.js') return
  if (r.mode === 'navigate') {
    e.respondWith(own('/app/').then(found => found ?? fetch(r)))
    return
  }
  e.respondWith(own(u.pathname).then(found => found ?? fetch(r)))
})

/** A file of this build, or of the one before. */
async function own(path: string): Promise<Response | undefined> {
  const cache = await caches.open(cacheName)
  return (await cache.match(path)) ?? (path.startsWith('/app/assets/') ? await caches.match(path) : undefined)
}

export {}
