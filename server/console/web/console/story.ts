import type { CaseFile, Plan, Visit } from '../shared/api'
import { clock, longDate, moment, money } from '../shared/format'
import { t, word } from '../shared/words'

/** The groups that the story can be narrowed to. */
export const groups = [
  'visits',
  'contacts',
  'notes',
  'consents',
  'plans',
  'texts',
  'complaints',
  'photos',
  'office',
] as const
export type Group = (typeof groups)[number]

/** A picture or paper that is stored with a case. */
export interface Stored {
  id: string
  name: string
  picture: boolean
}

/** One thing that happened. */
export interface Entry {
  id: string
  group: Group
  at: string
  title: string
  lines: string[]
  /** In the words of a person: a note, a complaint, a text. */
  quote?: string | undefined
  by?: string | undefined
  warn?: string[]
  stored?: Stored[]
}

const words = (codes: readonly string[] | null | undefined): string =>
  (codes ?? []).map(c => word('code', c)).join(', ')

/** What a plan says, in sentences. */
export function planLines(p: Plan): string[] {
  const out: string[] = []
  const dues = p.instalments ?? []
  if (dues.length > 0) {
    out.push(
      t('story.plan.rate', {
        n: dues.length,
        total: money(p.total_minor ?? dues.reduce((n, i) => n + i.amount_minor, 0), p.currency),
        date: longDate(dues[0]!.due_on),
      }),
    )
  }
  if (p.standing?.paid_minor)
    out.push(t('story.plan.paid', { total: money(p.standing.paid_minor, p.currency) }))
  if (p.needs_approval_for?.length) out.push(t('story.plan.beyond', { what: words(p.needs_approval_for) }))
  if (p.reason) out.push(p.reason)
  return out
}

function visitEntry(v: Visit): Entry {
  const lines: string[] = []
  const sure = (v.confirmed_by ?? []).map(c => c.by).filter(Boolean)
  if (sure.length > 0) lines.push(t('story.confirmed', { who: sure.join(', ') }))
  if (v.unconfirmed_agents?.length) {
    lines.push(t('story.unconfirmed', { who: v.unconfirmed_agents.join(', ') }))
  }
  return {
    id: v.id ?? '',
    group: 'visits',
    at: v.at,
    title: `${t('story.visit')}: ${word('code', v.outcome)}`,
    lines,
    quote: v.outcome_detail ?? undefined,
    by: (v.agents ?? []).map(a => a.agent_id).join(', ') || v.by,
    warn: v.flags ?? [],
  }
}

/** What happened in a case, the newest first. */
export function storyOf(f: CaseFile): Entry[] {
  const out: Entry[] = f.visits.map(visitEntry)
  const zone = f.time_zone
  const add = (e: Entry): void => {
    if (e.at) out.push(e)
  }
  for (const c of f.contacts) {
    // A visit stands in the story already.
    if (c.channel === 'visit' && c.visit) continue
    add({
      id: c.id ?? '',
      group: 'contacts',
      at: c.at,
      title: t('story.contact', { what: word('code', c.channel) }),
      lines: [word('code', c.result)],
      by: c.by,
    })
  }
  for (const n of f.visit_notes) {
    add({
      id: n.id ?? '',
      group: 'notes',
      at: n.at,
      title: n.kind && n.kind !== 'general' ? `${t('story.note')}: ${word('code', n.kind)}` : t('story.note'),
      lines: [],
      quote: n.text ?? undefined,
      by: n.by,
      warn: n.flags ?? [],
    })
  }
  for (const c of f.consents) {
    add({
      id: c.id ?? '',
      group: 'consents',
      at: c.at,
      title: t('story.consent', { what: word('code', c.scope ?? 'other') }),
      lines: [word('code', c.status ?? 'unknown')],
      by: c.by,
      warn: c.flags ?? [],
    })
  }
  for (const p of f.plans) {
    const state = p.approval_state === 'pending' ? 'pending' : (p.state_now ?? p.state)
    add({
      id: p.id ?? '',
      group: 'plans',
      at: p.at,
      title: t('story.plan', { what: word('code', p.kind) }),
      lines: [word('code', state), ...planLines(p)],
      by: p.by,
      warn: p.flags ?? [],
    })
  }
  for (const p of f.payments) {
    add({
      id: p.id ?? '',
      group: 'plans',
      at: p.paid_at,
      title: `${t('story.payment')}: ${money(p.amount_minor, p.currency)}`,
      lines: p.method ? [word('code', p.method)] : [],
    })
  }
  for (const p of f.payments_reported) {
    add({
      id: p.id ?? '',
      group: 'plans',
      at: p.at,
      title: `${t('story.reported')}: ${money(p.amount_minor, p.currency)}`,
      lines: p.method ? [word('code', p.method)] : [],
      by: p.by,
      warn: p.flags ?? [],
    })
  }
  for (const m of f.messages) {
    add({
      id: m.id ?? '',
      group: 'texts',
      at: m.sent_at ?? m.queued_at,
      title: t('story.message', { what: word('code', m.kind) }),
      lines: [word('code', m.state)],
      quote: m.text ?? undefined,
      by: m.by,
    })
  }
  for (const r of f.replies) {
    add({
      id: r.id ?? '',
      group: 'texts',
      at: r.at ?? '',
      title: t('story.reply', { what: word('code', r.intent ?? 'other') }),
      lines: r.note ? [r.note] : [],
      quote: r.text ?? undefined,
    })
  }
  for (const l of f.letters) {
    add({
      id: l.id ?? '',
      group: 'texts',
      at: l.sent_at,
      title: t('story.letter', { what: word('code', l.kind) }),
      lines: l.returned_at ? [`${t('story.letter.back')}: ${moment(l.returned_at, zone)}`] : [],
      by: l.by,
    })
  }
  for (const c of f.complaints) {
    const a = c.answer
    const lines = [words(c.subjects)]
    if (a) lines.push(t('story.complaint.answered', { what: word('code', a.outcome) }))
    else if (c.answer_due ?? c.due_by) {
      lines.push(t('story.complaint.due', { date: longDate((c.answer_due ?? c.due_by)!.slice(0, 10)) }))
    }
    add({
      id: c.id ?? '',
      group: 'complaints',
      at: c.at ?? c.recorded_at ?? '',
      title: t('story.complaint'),
      lines: lines.filter(Boolean),
      quote: c.text ?? undefined,
      by: c.by,
    })
  }
  for (const s of f.attachments) {
    const picture = (s.stored_media_type ?? s.media_type ?? '').startsWith('image/')
    const name = word('code', s.kind ?? 'document')
    add({
      id: s.id ?? '',
      group: 'photos',
      at: s.at ?? '',
      title: t('story.paper', { what: name }),
      lines: [],
      by: s.by,
      stored: [{ id: s.attachment_id ?? s.id ?? '', name, picture }],
    })
  }
  for (const h of f.holds ?? []) {
    add({
      id: h.hold_id,
      group: 'office',
      at: h.at,
      title: t('story.hold', { what: word('code', h.kind) }),
      lines: h.until ? [t('holds.until', { date: longDate(h.until) })] : [],
      by: h.by,
    })
    if (h.released) {
      add({
        id: `${h.hold_id} released`,
        group: 'office',
        at: h.released.at,
        title: t('story.released', { what: word('code', h.kind) }),
        lines: [],
        quote: h.released.reason,
        by: h.released.by,
      })
    }
  }
  for (const a of f.appointments ?? []) {
    add({
      id: a.appointment_id,
      group: 'office',
      at: a.at,
      title: t('story.appointment'),
      lines: [
        `${moment(a.from, zone)} – ${clock(a.to, zone)}`,
        ...(a.cancelled ? [t('story.appointment.off', { why: a.cancelled.reason })] : []),
      ],
      by: a.by,
    })
  }
  for (const [i, d] of (f.declined ?? []).entries()) {
    add({
      id: `declined ${i}`,
      group: 'office',
      at: d.at,
      title: t('story.declined', { who: d.agent }),
      lines: d.reason ? [word('code', d.reason)] : [],
    })
  }
  for (const a of f.assignments) {
    add({
      id: a.id ?? '',
      group: 'office',
      at: a.issued_at ?? '',
      title: t('story.issued', { team: a.team ?? '', date: longDate(a.date ?? a.issued_at ?? '') }),
      lines: [],
    })
  }
  for (const r of f.visit_reviews) {
    add({
      id: `${r.id} review`,
      group: 'office',
      at: r.at ?? '',
      title: t('story.review', { what: word('code', r.state ?? 'other') }),
      lines: [],
      quote: r.notes ?? undefined,
      by: r.by,
    })
  }
  add({ id: 'opened', group: 'office', at: f.opened_at, title: t('story.opened'), lines: [] })
  if (f.closed?.at) {
    const what = word('code', f.closed.reason ?? 'other')
    add({ id: 'closed', group: 'office', at: f.closed.at, title: t('story.closed', { what }), lines: [] })
  }
  // What was put in later happened later, where two things have one instant.
  return out.reverse().sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
}

/** The holds that bind on a local date. */
export function bindingHolds(f: CaseFile, today: string): NonNullable<CaseFile['holds']> {
  return (f.holds ?? []).filter(
    h => !h.released && (h.since ?? '') <= today && (!h.until || h.until >= today),
  )
}
