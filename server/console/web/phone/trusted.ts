interface Policies {
  createPolicy(
    name: string,
    rules: { createHTML: (s: string) => string; createScriptURL: (s: string) => string },
  ): unknown
}

/** Sets the policy for what the page hands to the browser as HTML or as a script's address: the one worker, and nothing
 * else. Browsers without Trusted Types pass. */
export function trust(): void {
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes
  policies?.createPolicy('default', {
    createHTML: () => {
      throw new TypeError('no HTML is set from text')
    },
    createScriptURL: s => {
      const u = new URL(s, location.href)
      if (u.origin === location.origin && u.pathname === '/app/sw.js') return s
      throw new TypeError(`no script is started from ${s}`)
    },
  })
}
