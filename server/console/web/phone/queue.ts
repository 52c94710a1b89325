// What waits on the phone, item by item.
import type { Kept } from '@doorstep/tus'
import type { Sent } from '@doorstep/wire'
import { type Doc, docs, files, made, refused, sent } from './store'

/** How an item stands. sent: the server has it, and has not sent it back yet. */
export type State = 'waiting' | 'sending' | 'sent' | 'refused'

/** Item is something that the server does not have yet, as far as the phone knows. */
export interface Item {
  key: string
  what: string
  of: string
  at: string
  state: State
  share?: number
  code?: string
}

/** The name of the person a case is about; the case's id where the card is gone. */
export function nameOf(id: string): string {
  const card = docs.value.cases?.find(c => c.id === id)
  return card ? String(card.debtor_name) : id
}

const stateOf = (d: Doc): State => {
  const s = sent.value.get(d.mut)?.state
  return s === 'acked' ? 'sent' : s === 'queued' ? 'sending' : 'waiting'
}

/** The records and files that wait. */
export function queue(): Item[] {
  const out: Item[] = []
  for (const type of made) {
    for (const d of docs.value[type] ?? []) {
      if (d.mut === '' || sent.value.get(d.mut)?.state === 'refused') continue
      out.push({ key: d.id, what: type, of: nameOf(d.case), at: d.at ?? '', state: stateOf(d) })
    }
  }
  for (const d of docs.value.assignments ?? []) {
    if (d.mut === '') continue
    out.push({ key: d.id, what: 'assignments', of: nameOf(d.case), at: '', state: stateOf(d) })
  }
  for (const f of files.value) {
    if (f.state === 'refused' || draftOf(f)) continue
    out.push({
      key: f.id,
      what: f.filetype === 'image/png' ? 'signature' : 'photo',
      of: nameOf(caseOf(f)),
      at: new Date(f.at).toISOString(),
      state: f.sent === undefined ? 'waiting' : 'sending',
      ...(f.sent === undefined ? {} : { share: Math.round((100 * f.sent) / f.bytes) }),
    })
  }
  return out
}

/** What still has to reach the server: what it has and has not sent back is none of it. */
export const unsent = (): number => queue().filter(i => i.state !== 'sent').length

const recordOf = (f: Kept): Doc | undefined => docs.value[f.type as 'visits']?.find(d => d.id === f.record)
const caseOf = (f: Kept): string => String(recordOf(f)?.case ?? '')
/** A file of a report that is not finished waits with it. */
const draftOf = (f: Kept): boolean => !recordOf(f) && (docs.value.drafts ?? []).some(d => d.id === f.record)

/** Whether what was refused is work of the office. "At the door" that comes after the visit is nobody's. */
export const isOffice = (s: Sent): boolean =>
  s.type !== 'drafts' && (s.result as { code?: string } | undefined)?.code !== 'assignment.step'

/** What the server did not take. Drafts are the agent's own and no work of the office. */
export function withTheOffice(hidden: ReadonlySet<string>): Item[] {
  const out: Item[] = refused.value
    .filter(s => isOffice(s) && !hidden.has(s.mid))
    .map(s => ({
      key: s.mid,
      what: s.type,
      of: nameOf(
        String(
          s.mutation.fields?.case ?? docs.value.assignments?.find(a => a.id === s.record)?.case ?? s.record,
        ),
      ),
      at: s.mutation.client_ts ?? '',
      state: 'refused' as const,
      code: String((s.result as { code?: string } | undefined)?.code || s.result?.status || ''),
    }))
  for (const f of files.value) {
    if (f.state !== 'refused' || hidden.has(f.id)) continue
    const what = f.filetype === 'image/png' ? 'signature' : 'photo'
    out.push({ key: f.id, what, of: nameOf(caseOf(f)), at: '', state: 'refused', code: f.code ?? '' })
  }
  return out
}
