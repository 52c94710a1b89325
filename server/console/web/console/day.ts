import type { RoundProgress, RoundRouteView, RoundStop, RoundTeamProgress } from '../shared/api'
import type { Answer } from '../shared/call'

/** A round read whole. */
export type Round = Answer<'GET /v1/rounds/{id}'>

/** A team of a day: its number and colour are the same in the list, on the map and in the timeline. */
export interface Team {
  id: string
  /** From 1, in the order of ids. */
  number: number
  /** Index of a colour, 0 to 9: with the number and the dashes no team is told by its colour alone. */
  colour: number
  /** Index of a pattern of dashes, 0 to 3; it changes when the colours begin again. */
  dash: number
  route: RoundRouteView
  stops: Stop[]
  progress: RoundTeamProgress | undefined
}

/** A stop of a day. */
export interface Stop extends RoundStop {
  id: string
  team: string
  /** Of its visit as it is planned, milliseconds. */
  begins: number
  ends: number
  /** Minutes by which its visit was or will be late at the earliest: it is open and its time is over. 0: none. */
  late: number
}

/** How many colours and patterns of dashes there are. */
export const colours = 10
export const dashes = 4

/** The states of a stop that need no more of the team. */
const over = ['visited', 'done', 'declined', 'revoked', 'cancelled']

/** Whether a stop waits for its visit. */
export function waits(s: { state?: string }): boolean {
  return !over.includes(s.state ?? '')
}

/** The teams of a round with their stops, in the order of their ids. now is the server's time. */
export function teamsOf(round: Round, progress: RoundProgress | undefined, now: number): Team[] {
  const seen = new Map((progress?.teams ?? []).map(p => [p.team, p]))
  const live = round.status === 'published' || round.status === 'replanning'
  return [...round.routes]
    .sort((a, b) => (a.team < b.team ? -1 : a.team > b.team ? 1 : 0))
    .map((route, i) => ({
      id: route.team,
      number: i + 1,
      colour: i % colours,
      dash: Math.floor(i / colours) % dashes,
      route,
      progress: seen.get(route.team),
      stops: (route.stops ?? []).map(s => {
        const begins = Date.parse(s.eta)
        const ends = begins + s.service_s * 1000
        const late =
          live && waits(s) && s.state !== 'under_way' ? Math.max(0, Math.floor((now - begins) / 60_000)) : 0
        return { ...s, id: s.assignment || `${route.team}/${s.seq}`, team: route.team, begins, ends, late }
      }),
    }))
}

/** From when to when a day lasts, in whole hours; undefined for a day without stops. */
export function spanOf(teams: Team[]): { from: number; to: number } | undefined {
  const hour = 3_600_000
  const begins = teams
    .flatMap(t => [Date.parse(t.route.leaves), ...t.stops.map(s => s.begins)])
    .filter(x => x > 0)
  const ends = teams
    .flatMap(t => [Date.parse(t.route.returns), ...t.stops.map(s => s.ends)])
    .filter(x => x > 0)
  if (begins.length === 0 || ends.length === 0) return undefined
  return {
    from: Math.floor(Math.min(...begins) / hour) * hour,
    to: Math.ceil(Math.max(...ends) / hour) * hour,
  }
}

/** The stops of some teams that a search text is part of the case of, without regard to case. */
export function found(teams: Team[], team: string, text: string): Team[] {
  const wanted = text.trim().toLowerCase()
  return teams
    .filter(t => team === '' || t.id === team)
    .map(t => ({
      ...t,
      stops: wanted ? t.stops.filter(s => s.case.toLowerCase().includes(wanted)) : t.stops,
    }))
    .filter(t => t.stops.length > 0 || wanted === '')
}

/** The stop to which a key moves from another: the arrows by one, the page keys by team, Home and End. */
export function move(teams: Team[], from: string, key: string): string | undefined {
  const all = teams.flatMap(t => t.stops)
  if (all.length === 0) return undefined
  const i = all.findIndex(s => s.id === from)
  const at = all[i]
  const team = at ? teams.findIndex(t => t.id === at.team) : -1
  const first = (n: number): string | undefined => teams[n]?.stops[0]?.id
  switch (key) {
    case 'ArrowDown':
      return all[Math.min(all.length - 1, i + 1)]?.id
    case 'ArrowUp':
      return all[Math.max(0, i - 1)]?.id
    case 'PageDown':
      return first(Math.min(teams.length - 1, team + 1))
    case 'PageUp':
      return first(Math.max(0, team - 1))
    case 'Home':
      return all[0]?.id
    case 'End':
      return all.at(-1)?.id
    default:
      return undefined
  }
}

/** When a phone of a team called last; undefined: none has. */
export function lastCall(p: RoundTeamProgress | undefined): string | undefined {
  return (p?.phones ?? [])
    .map(x => x.last_call_at)
    .filter((x): x is string => !!x && !x.startsWith('0001'))
    .sort()
    .at(-1)
}

/** A reason for which cases got no visit, with those cases. */
export interface Reason {
  code: string
  rule: string
  cite: string[]
  cases: string[]
}

/** What can be done about a reason, the most fixable first. */
export const remedies = {
  staff: [
    'NO_TEAM',
    'NO_AGENT',
    'ON_LEAVE',
    'NO_TIME',
    'NO_FIT_TEAM',
    'BADGE_MISSING',
    'AUTH_LETTER_MISSING',
    'CERT_MISSING',
    'CERT_EXPIRED',
    'RECORDING_REQUIRED',
    'TEAM_TOO_SMALL',
    'BEYOND_LIMITS',
    'DECLINED',
    'OTHER_TEAM',
  ],
  record: [
    'NO_POSITION',
    'NO_TERRITORY',
    'ADDRESS_UNFIT',
    'UNREACHABLE',
    'TZ_UNKNOWN',
    'PROFILE_NOT_IN_FORCE',
    'NOTICE_MISSING',
    'NOTICE_TOO_SHORT',
    'AGENCY_NOTICE_MISSING',
    'PLAN_NOT_OFFERED',
    'LAST_RESORT_NOT_MET',
    'ladder_not_finished',
    'CHANNEL_NO_CONSENT',
    'ID_NOT_VERIFIED',
  ],
  later: [
    'OUTSIDE_HOURS',
    'NO_TIME_IN_WINDOW',
    'CLOSED_DAY',
    'BRANCH_CLOSED',
    'COOLDOWN',
    'FREQ_CAP',
    'PARTY_CAP',
    'INCONVENIENT_TIME',
    'APPOINTMENT',
    'SAME_DEBTOR',
    'VISITED',
    'UNDER_WAY',
    'ASSIGNED',
    'WORTH_LESS',
    'REVOKED',
  ],
  respect: [] as string[],
} as const

/** The kinds of remedies, in the order in which they are shown. */
export const remedyOrder = ['staff', 'record', 'later', 'respect'] as const
export type Remedy = (typeof remedyOrder)[number]

/** What can be done about a reason. What is not known counts as a reason to leave people alone. */
export function remedyOf(code: string): Remedy {
  return remedyOrder.find(r => (remedies[r] as readonly string[]).includes(code)) ?? 'respect'
}

/** The reasons of the cases without a visit, most cases first. */
export function reasonsOf(leftOut: Round['unassigned']): Reason[] {
  const by = new Map<string, Reason>()
  for (const l of leftOut) {
    const key = `${l.code} ${l.rule ?? ''}`
    const r = by.get(key) ?? { code: l.code, rule: l.rule ?? '', cite: l.cite ?? [], cases: [] }
    r.cases.push(l.case)
    by.set(key, r)
  }
  return [...by.values()].sort((a, b) => b.cases.length - a.cases.length || (a.code < b.code ? -1 : 1))
}

/** The round of a date that counts: the published one, else the newest that was not called off. */
export function roundOf<R extends { status: string; date: string }>(
  rounds: R[],
  date: string,
): R | undefined {
  const of = rounds.filter(r => r.date === date)
  const out = ['replaced', 'cancelled', 'failed']
  return (
    of.find(r => ['published', 'replanning', 'publishing'].includes(r.status)) ??
    of.find(r => !out.includes(r.status))
  )
}
