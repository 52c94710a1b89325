// The worker of last resort: build with --kill-switch to serve it as /app/sw.js. It takes itself and its caches away,
// and leaves the records alone.
self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', e =>
  e.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith('app-')) await caches.delete(name)
      await self.registration.unregister()
    })(),
  ),
)
