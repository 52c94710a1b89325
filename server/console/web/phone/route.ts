import { signal } from '@preact/signals'

/** Where the app is served. */
export const base = '/app/'

/** A screen, and the ids its address names. */
export const route = signal<string[]>(partsOf(location.pathname))

function partsOf(path: string): string[] {
  try {
    return path.slice(base.length).split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return []
  }
}

const follow = (): void => {
  route.value = partsOf(location.pathname)
}

/** Goes to a screen. */
export function go(...parts: string[]): void {
  history.pushState(null, '', base + parts.map(encodeURIComponent).join('/'))
  follow()
}

/** Goes to a screen in the place of this one, so that "back" does not come here again. */
export function become(...parts: string[]): void {
  history.replaceState(null, '', base + parts.map(encodeURIComponent).join('/'))
  follow()
}

window.addEventListener('popstate', follow)
