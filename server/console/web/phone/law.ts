// May I knock now? The law's answer, from what the phone has, by the same rules as the server's.

import { type Answer, type Bundle, judge, type Seen, verify } from '@doorstep/conduct'
import { signal } from '@preact/signals'
import { doubtful, now } from './clock'
import { read, write } from './kept'
import { between, complete, contact, type Doc, docs, lawKey } from './store'

/** The policy, once its signature was checked. */
export const bundle = signal<Bundle | undefined>(undefined)
let seen: Seen = { org: 0, dated: '0001-01-01' }
let tried = ''

/** How long cards are shown without contact to the server. */
export const lease = 7 * 24 * 3600_000

/** Whether the time without contact is over: cards are not shown and nothing is judged. */
export const leaseOver = (): boolean => contact.value > 0 && now() - contact.value > lease

/** Checks the policy that was pulled, if it is another one than before. */
export async function checkLaw(): Promise<void> {
  const records = docs.value.policy ?? []
  const key = lawKey.value
  const mark = `${key} ${records.map(r => `${r.id}:${r.rev}`).join(' ')}`
  if (!key || records.length === 0 || mark === tried) return
  tried = mark
  const kept = await read<Seen>('lawseen')
  if (kept) seen = kept
  try {
    const b = await verify(key, new Map(records.map(r => [r.id, r])))
    if (tried !== mark) return
    if (!b.before(seen) && (b.org !== seen.org || b.dated !== seen.dated)) {
      seen = { org: b.org, dated: b.dated }
      await write('lawseen', seen)
    }
    bundle.value = b
  } catch {
    bundle.value = undefined
  }
}

/** Outcomes after which nobody may come back before the office has heard of it. */
const stops = [
  'MET_ASKED_NO_VISITS',
  'MET_ASKED_TO_LEAVE',
  'MET_REPRESENTED',
  'MET_DISPUTE',
  'MET_COMPLAINT',
  'MET_VULNERABLE_STOP',
  'DECEASED_REPORTED',
]

/** Visits of a case that the phone recorded after its card was made. */
function fresh(card: Doc): Doc[] {
  const asOf = Date.parse(card.door?.as_of ?? '') || 0
  return (docs.value.visits ?? []).filter(
    v => v.case === card.id && (v.rev === 0 || v.mut !== '' || Date.parse(v.received_at ?? v.at) > asOf),
  )
}

function contactOf(v: Doc): object | undefined {
  const outcome = String(v.outcome)
  const none = [
    'ADDR_NOT_FOUND',
    'UNSAFE_ABORT',
    'WEATHER_ABORT',
    'BLOCKED_BY_POLICY',
    'CANCELLED_PAID',
    'CANCELLED_STOP',
  ]
  if (none.includes(outcome)) return undefined
  const met = outcome.startsWith('MET_') || outcome === 'NOT_MET_THIRD_PARTY'
  const result = met ? 'contact' : outcome === 'NOT_MET_NOBODY' ? 'no_answer' : 'no_contact'
  // The phone's clock is not the server's: what is judged goes by the server's. It has set right what it sent back.
  const own = v.rev === 0 || v.mut !== ''
  const at = new Date(Math.min(Date.parse(v.at) + (own ? now() - Date.now() : 0), now())).toISOString()
  return { channel: 'visit', at, result, party: 'debtor', case: v.case }
}

/** The answer for a case, at the time by the server's clock. */
export type Verdict = Answer | { answer: 'no'; again_at: null; reason: 'ASKED'; rule: 'phone'; all: [] }

/** Judges whether a visit to a case is lawful now. */
export function mayKnock(card: Doc, stop: Doc | undefined, event?: string): Verdict {
  if (leaseOver()) return { answer: 'cant_say', why: 'not_synced', detail: 'too long without contact' }
  const since = fresh(card)
  if (!event && since.some(v => stops.includes(v.outcome))) {
    return { answer: 'no', again_at: null, reason: 'ASKED', rule: 'phone', all: [] }
  }
  try {
    return judge(bundle.value, card, {
      at: new Date(now()).toISOString(),
      clock: doubtful.value ? 'doubtful' : 'sure',
      synced: complete.value && !between.value,
      seen,
      agents: Math.max(1, (stop?.agents ?? [0]).length),
      items: stop?.items ?? [],
      recording: stop?.recording ?? false,
      duration_min: Math.ceil((stop?.service_s ?? 600) / 60),
      contacts: since.map(contactOf).filter(c => c !== undefined),
      ...(event ? { event } : {}),
    })
  } catch (e) {
    return { answer: 'cant_say', why: 'question', detail: String(e) }
  }
}

/** A verdict as a visit says it: the phone's own decision at the door. */
export function decisionOf(v: Verdict): object | undefined {
  if (v.answer === 'cant_say' || !bundle.value) return undefined
  // By the phone's own clock, as all times of a visit: the server sets them right together.
  const said = { at: new Date().toISOString(), policy_hash: bundle.value.hash }
  if (v.answer === 'yes') return { ...said, decision: 'allow' }
  if (v.rule === 'phone') return undefined
  return { ...said, decision: 'deny', reason: v.reason, rule: v.rule }
}

/** Where a rule comes from: the titles of its sources, as the policy has them. */
export function sourcesOf(rule: string): string[] {
  const texts = new Map((docs.value.policy ?? []).map(r => [r.id, String(r.text ?? '')]))
  const titles = (
    JSON.parse(texts.get('sources') || '{}') as { sources?: Record<string, { title?: string }> }
  ).sources
  for (const [id, text] of texts) {
    if (!id.startsWith('profile.') || !text.includes(`"id":"${rule}"`)) continue
    return (citedBy(JSON.parse(text), rule) ?? []).map(c => titles?.[c]?.title ?? c)
  }
  return []
}

function citedBy(v: unknown, rule: string): string[] | undefined {
  if (typeof v !== 'object' || v === null) return undefined
  const o = v as Record<string, unknown>
  if (o.id === rule && Array.isArray(o.cite)) return o.cite as string[]
  for (const x of Object.values(o)) {
    const found = citedBy(x, rule)
    if (found) return found
  }
  return undefined
}
