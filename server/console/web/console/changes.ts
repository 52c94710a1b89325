import type { CaseFile } from '../shared/api'
import { longDate, moment, money } from '../shared/format'
import { t, word } from '../shared/words'

/** A member of a case that differs between what was seen and what stands there now. */
export interface Change {
  member: string
  was: string
  now: string
}

/** What is compared, in the order in which it is shown, and how it is said. */
const told: Record<string, (f: CaseFile) => string> = {
  status: f => word('code', f.status),
  holds: f =>
    (f.holds ?? [])
      .filter(h => !h.released)
      .map(h => word('code', h.kind) + (h.until ? ` (${t('holds.until', { date: longDate(h.until) })})` : ''))
      .join(', '),
  team: f => f.team ?? '',
  territory: f => f.territory ?? '',
  appointments: f =>
    (f.appointments ?? [])
      .filter(a => !a.cancelled)
      .map(a => moment(a.from, f.time_zone))
      .join(', '),
  declined: f => (f.declined ?? []).map(d => d.agent).join(', '),
  agents: f => (f.agents ?? []).join(', '),
  debtor_name: f => f.debtor_name ?? '',
  phone: f => f.phone ?? '',
  address: f => f.address ?? '',
  postal_code: f => f.postal_code ?? '',
  city: f => f.city ?? '',
  amount_due_minor: f => money(f.amount_due_minor, f.currency),
  priority: f => String(f.priority),
  live_plan: f => {
    const p = f.plans.find(x => x.id === f.live_plan)
    return p ? word('code', p.kind) : ''
  },
}

/** What differs between two readings of a case. */
export function changesOf(was: CaseFile, now: CaseFile): Change[] {
  return Object.entries(told)
    .map(([member, say]) => ({ member, was: say(was), now: say(now) }))
    .filter(c => c.was !== c.now)
}

/** What an act was, by the journal's name of it. */
export function didOf(action: string): string {
  const room = action.split('.')[0] ?? ''
  const as: Record<string, string> = { assignment: 'round', visits: 'visit', contact: 'visit' }
  const code = as[room] ?? room
  return word(
    'did',
    ['hold', 'case', 'visit', 'plan', 'appointment', 'round'].includes(code) ? code : 'other',
  )
}
