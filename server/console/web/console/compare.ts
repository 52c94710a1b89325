import type { CaseFile, Quarantined } from '../shared/api'
import { moment } from '../shared/format'
import { knows, t, word } from '../shared/words'

type Value = unknown
type Members = Record<string, Value>

/** A member of a report of which the phone and the office have different values. */
export interface Side {
  member: string
  phone: Value
  office: Value
}

/** What a phone sent, as members; undefined when it cannot be read. */
export function sentOf(q: Quarantined): Members | undefined {
  try {
    const v: unknown = JSON.parse(q.fields ?? '')
    return v && typeof v === 'object' && !Array.isArray(v) ? (v as Members) : undefined
  } catch {
    return undefined
  }
}

/** The case that an item is about: as the server found it, else as the phone says. */
export function caseOf(q: Quarantined): string | undefined {
  const said = sentOf(q)?.case
  return q.case ?? (typeof said === 'string' ? said : undefined)
}

/** The record here that an item is about; undefined for none. */
export function hereOf(q: Quarantined, file: CaseFile | undefined): Members | undefined {
  const list = file?.[(q.of_type ?? '') as keyof CaseFile]
  if (!Array.isArray(list)) return undefined
  return (list as Members[]).find(r => r.id === q.record)
}

/** A value with its members by name, so that two of the same content are the same text. */
export function sameText(v: Value): string {
  if (Array.isArray(v)) return `[${v.map(sameText).join()}]`
  if (v && typeof v === 'object') {
    const m = v as Members
    return `{${Object.keys(m)
      .sort()
      .map(k => `${k}:${sameText(m[k])}`)
      .join()}}`
  }
  return JSON.stringify(v ?? null)
}

/** The members that the phone sent and that differ here, and how many do not. */
export function sidesOf(sent: Members, here: Members | undefined): { differ: Side[]; same: number } {
  const differ: Side[] = []
  let same = 0
  for (const member of Object.keys(sent).sort()) {
    const office = here?.[member]
    if (here && sameText(office) === sameText(sent[member])) same++
    else differ.push({ member, phone: sent[member], office })
  }
  return { differ, same }
}

/** What the office corrects when it takes these sides: members that stay as they are here, null for those that are not
 * here. */
export function correctedOf(
  sides: readonly Side[],
  chosen: ReadonlyMap<string, 'phone' | 'office'>,
): Members {
  const out: Members = {}
  for (const s of sides) if (chosen.get(s.member) === 'office') out[s.member] = s.office ?? null
  return out
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/

/** A value of a record in words. */
export function inWords(v: Value, zone: string): string {
  if (v === null || v === undefined || v === '') return t('changed.empty')
  if (typeof v === 'string') {
    if (instant.test(v) && !Number.isNaN(Date.parse(v))) return moment(v, zone)
    return knows(`code.${v}`) ? word('code', v) : v.replaceAll('_', ' ')
  }
  if (typeof v === 'boolean') return v ? '✓' : '✗'
  if (Array.isArray(v)) return v.map(x => inWords(x, zone)).join(', ')
  if (typeof v === 'object') {
    return Object.entries(v as Members)
      .map(([k, x]) => {
        const name = knows(`member.${k}`) ? word('member', k) : k.replaceAll('_', ' ')
        return `${name}: ${inWords(x, zone)}`
      })
      .join('; ')
  }
  return String(v)
}

/** The name of a member in words. */
export function memberWord(name: string): string {
  return knows(`member.${name}`) ? word('member', name) : word('member', name.replaceAll('_', ' '))
}
