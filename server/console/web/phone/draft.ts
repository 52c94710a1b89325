// Reports that were begun and not finished. Each answer is on the phone before the next question is shown. A draft has
// the id that its report will have: a draft whose report is there is over, wherever the phone died in between.

import { type Fields, newMid, type Type } from '@doorstep/wire'
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { add, answer, type Doc, docs, dropFile, files, forgetOwn, one, remove } from './store'

/** Draft is a report under way. */
export interface Draft {
  id: string
  content: Signal<Fields>
  /** Keeps answers. It is done when they are on the phone. */
  set: (answers: Fields) => Promise<void>
  /** Writes the report in the draft's place. */
  finish: (record: Fields) => Promise<void>
  /** Throws the draft away, with its files. */
  drop: () => Promise<void>
}

/** The drafts that are under way. */
export function drafts(): Doc[] {
  return (docs.value.drafts ?? []).filter(d => !one(d.of_type as Type, d.id))
}

/** The draft of a report of a case, if one was begun. */
export const draftOf = (type: Type, card: string, stop = ''): Doc | undefined =>
  drafts().find(d => d.of_type === type && d.case === card && (!stop || d.content?.stop === stop))

/** Begins a report, or takes up the one that was begun. */
export async function begin(type: Type, card: string, content: Fields): Promise<string> {
  const there = draftOf(type, card, String(content.stop ?? ''))
  if (there) return there.id
  return add('drafts', { case: card, of_type: type, content: { ...content } }, newMid())
}

/** Ends drafts whose reports are there: the phone died before it could. */
export async function sweep(): Promise<void> {
  for (const d of docs.value.drafts ?? []) if (one(d.of_type as Type, d.id)) await remove('drafts', d.id)
}

async function end(id: string): Promise<void> {
  await remove('drafts', id)
  await forgetOwn(`strokes.${id}`)
}

/** The draft of an id, for a screen. */
export function useDraft(id: string): Draft | undefined {
  const doc = docs.value.drafts?.find(d => d.id === id)
  const content = useSignal<Fields>({ ...(doc?.content ?? {}) })
  const last = useRef<Promise<void>>(Promise.resolve())
  const known = useRef(doc !== undefined)
  useEffect(() => {
    // The records may come a moment after the screen.
    if (known.current || !doc) return
    known.current = true
    content.value = { ...(doc.content ?? {}) }
  }, [doc])
  if (!doc) return undefined
  const { of_type: type, case: card } = doc
  return {
    id,
    content,
    set: answers => {
      content.value = { ...content.value, ...answers }
      last.current = last.current.catch(() => {}).then(() => answer(id, answers))
      return last.current
    },
    finish: async record => {
      await last.current
      await add(type as Type, { case: card, ...record }, id)
      await end(id)
    },
    drop: async () => {
      for (const f of files.value.filter(f => f.record === id)) await dropFile(f.id)
      await end(id)
    },
  }
}
