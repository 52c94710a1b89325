import { signal } from '@preact/signals'

/** Where the console is served. */
export const base = '/console/'

/** A screen and what its address says. */
export type Route =
  | { screen: 'today' }
  | { screen: 'board'; round: string }
  | { screen: 'leftout'; round: string }
  | { screen: 'inbox'; kind: string }
  | { screen: 'office'; page: OfficePage }
  | { screen: 'plan' }
  | { screen: 'planning'; round: string }
  | { screen: 'replan'; round: string }
  | { screen: 'cases' }
  | { screen: 'case'; id: string }
  | { screen: 'conflict'; id: string }
  | { screen: 'audit' }
  | { screen: 'unknown' }

/** The pages of the office. */
export const officePages = [
  'people',
  'teams',
  'shifts',
  'daysoff',
  'devices',
  'law',
  'messages',
  'imports',
  'start',
  'sessions',
] as const
export type OfficePage = (typeof officePages)[number]

/** The parts of a path below the console; undefined for a path that cannot be read. */
function partsOf(path: string): string[] | undefined {
  if (!path.startsWith(base)) return undefined
  try {
    return path.slice(base.length).split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** The screen that an address names. */
export function routeOf(path: string, search: string): Route {
  const parts = partsOf(path)
  if (!parts) return { screen: 'unknown' }
  const [first, second, third] = parts
  if (first === undefined) return { screen: 'today' }
  if (first === 'rounds' && second && parts.length === 2) return { screen: 'board', round: second }
  if (first === 'rounds' && second && third === 'left-out' && parts.length === 3) {
    return { screen: 'leftout', round: second }
  }
  if (first === 'plan' && parts.length === 1) return { screen: 'plan' }
  if (first === 'rounds' && second && parts.length === 3) {
    if (third === 'plan') return { screen: 'planning', round: second }
    if (third === 'replan') return { screen: 'replan', round: second }
  }
  if (first === 'inbox' && parts.length === 1) {
    return { screen: 'inbox', kind: new URLSearchParams(search).get('kind') ?? '' }
  }
  if (first === 'office' && parts.length <= 2) {
    const page = officePages.find(p => p === (second ?? 'people'))
    if (page) return { screen: 'office', page }
  }
  if (first === 'cases' && parts.length === 1) return { screen: 'cases' }
  if (first === 'cases' && second && parts.length === 2) return { screen: 'case', id: second }
  if (first === 'reports' && second && parts.length === 2) return { screen: 'conflict', id: second }
  if (first === 'audit' && parts.length === 1) return { screen: 'audit' }
  return { screen: 'unknown' }
}

/** The address of a screen. */
export const address = {
  today: (): string => base,
  board: (round: string): string => `${base}rounds/${encodeURIComponent(round)}`,
  leftout: (round: string): string => `${base}rounds/${encodeURIComponent(round)}/left-out`,
  office: (page: OfficePage = 'people'): string => `${base}office/${page}`,
  plan: (): string => `${base}plan`,
  planning: (round: string): string => `${base}rounds/${encodeURIComponent(round)}/plan`,
  replan: (round: string): string => `${base}rounds/${encodeURIComponent(round)}/replan`,
  cases: (): string => `${base}cases`,
  case: (id: string): string => `${base}cases/${encodeURIComponent(id)}`,
  conflict: (id: string): string => `${base}reports/${encodeURIComponent(id)}`,
  audit: (): string => `${base}audit`,
  inbox: (kind = ''): string => `${base}inbox${kind ? `?kind=${encodeURIComponent(kind)}` : ''}`,
}

/** The screen that is shown. */
export const route = signal<Route>(routeOf(location.pathname, location.search))

const follow = (): void => {
  route.value = routeOf(location.pathname, location.search)
}

/** Goes to an address of the console. */
export function go(href: string): void {
  history.pushState(null, '', href)
  follow()
}

/** Keeps a choice of the screen in its address, so that a reload or a copied link shows the same. */
export function keep(name: string, value: string): void {
  const u = new URL(location.href)
  if (value) u.searchParams.set(name, value)
  else u.searchParams.delete(name)
  history.replaceState(null, '', u)
}

/** What the address keeps under a name. */
export function kept(name: string): string {
  return new URLSearchParams(location.search).get(name) ?? ''
}

/** Has links within the console change the screen without loading the page again. */
export function takeLinks(): void {
  window.addEventListener('popstate', follow)
  document.addEventListener('click', e => {
    const link = (e.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null
    const plain = e.button === 0 && !e.metaKey && !e.ctrlKey && !e.shiftKey && !e.altKey
    if (!link || !plain || e.defaultPrevented || link.target || link.origin !== location.origin) return
    if (!link.pathname.startsWith(base) || link.hasAttribute('download')) return
    if (link.hash && link.pathname === location.pathname) return
    e.preventDefault()
    go(link.pathname + link.search)
  })
}
