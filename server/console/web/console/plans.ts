import type { Round as RoundHead } from '../shared/api'
import type { Round } from './day'

/** What a search had found at a moment. */
export interface Sample {
  cost: number
  stops: number
  left: number
}

/** By how many per cent the cost has fallen since the first plan, never less than 0. */
export function fallen(samples: Sample[]): number {
  const first = samples[0]?.cost ?? 0
  const last = samples.at(-1)?.cost ?? 0
  return first > 0 ? Math.max(0, Math.round((100 * (first - last)) / first)) : 0
}

/** The round that a new one is compared with: the newest of an earlier day that was published, or was until the day was
 * over. */
export function lastRound<R extends Pick<RoundHead, 'id' | 'date' | 'status'>>(
  rounds: R[],
  of: { id: string; date: string },
): R | undefined {
  return rounds
    .filter(r => r.date < of.date && ['published', 'replanning'].includes(r.status))
    .sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : a.id < b.id ? 1 : -1))[0]
}

/** Something to look at before a round is published. */
export interface Warning {
  kind: 'failed' | 'replaces' | 'appointments' | 'idle' | 'overtime' | 'more' | 'travel' | 'refused'
  n: number
  text: string
  teams: string[]
}

/** What to look at before a round is published, the gravest first. out is another round of the day that is on the
 * phones. */
export function warningsOf(
  round: Pick<
    Round,
    'failure_text' | 'routes' | 'unassigned' | 'cost' | 'travel_note' | 'status' | 'refused'
  >,
  last: Pick<RoundHead, 'left_out'> | undefined,
  out: Pick<RoundHead, 'id'> | undefined,
): Warning[] {
  const found: Warning[] = []
  const add = (kind: Warning['kind'], n: number, more: { text?: string; teams?: string[] } = {}): void => {
    if (n > 0) found.push({ kind, n, text: more.text ?? '', teams: more.teams ?? [] })
  }
  if (round.failure_text) add('failed', 1, { text: round.failure_text })
  if (out && round.status === 'planned') add('replaces', 1)
  add('refused', round.refused ?? 0)
  add('appointments', round.unassigned.filter(l => l.code === 'APPOINTMENT').length)
  const idle = round.routes.filter(r => (r.stops?.length ?? 0) === 0).map(r => r.team)
  add('idle', idle.length, { teams: idle })
  add('overtime', Math.ceil((round.cost?.overtime_s ?? 0) / 60))
  if (last) add('more', round.unassigned.length - last.left_out)
  if (round.travel_note) add('travel', 1, { text: round.travel_note })
  return found
}
