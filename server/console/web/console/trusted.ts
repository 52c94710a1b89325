interface Policies {
  createPolicy(
    name: string,
    rules: { createHTML: (s: string) => string; createScriptURL: (s: string) => string },
  ): unknown
}

/** Whether a script may be started from an address: MapLibre's worker of this server, and nothing else. */
export function startable(address: string, page: string): boolean {
  const u = new URL(address, page)
  return (
    u.origin === new URL(page).origin &&
    /^\/console\/assets\/maplibre-gl-worker-[A-Z0-9]+\.mjs$/.test(u.pathname)
  )
}

/** Sets the policy for what the page hands to the browser as HTML or as a script's address. Browsers without Trusted
 * Types pass. */
export function trust(): void {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes
  policies?.createPolicy('default', {
    createHTML: s => {
      // MapLibre empties its boxes so. The map's attribution is a text of the page.
      if (s === '') return s
      throw new TypeError('no HTML is set from text')
    },
    createScriptURL: s => {
      if (startable(s, location.href)) return s
      throw new TypeError(`no script is started from ${s}`)
    },
  })
}
