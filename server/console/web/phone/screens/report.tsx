import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Loading } from '../../shared/ui'
import { type Draft, useDraft } from '../draft'
import { picture } from '../ink'
import { useLazy } from '../lazy'
import { Choices, Page, SignHere, Text, useStrokes } from '../parts'
import { NoPhoto, photoOf } from '../photo'
import { go } from '../route'
import { add, broken, type Doc, docs, dropFile, keepFile, one } from '../store'
import { type Key, t, word } from '../words'
import { LeaveNow, visitOf } from './door'

/** A report under way, by its draft. */
export function Report({ id }: { id: string }): JSX.Element {
  const draft = useDraft(id)
  const doc = docs.value.drafts?.find(d => d.id === id)
  const card = doc && one('cases', doc.case)
  if (!draft || !doc || !card) {
    return (
      <Page title={t('report.gone.title')} back={[]}>
        <p class="card">{t('report.gone')}</p>
      </Page>
    )
  }
  const stop = one('assignments', String(doc.content?.stop ?? ''))
  const back = stop ? ['door', stop.id] : []
  const of = { draft, card, stop, back }
  switch (doc.of_type) {
    case 'visits':
      return <VisitReport {...of} doc={doc} />
    case 'visit_notes':
      return <NoteReport {...of} />
    case 'consents':
      return <ConsentReport {...of} />
    default:
      return <Plan {...of} />
  }
}

/** The plan's screen, with its arithmetic, which is loaded when it is needed. */
function Plan(of: Of): JSX.Element {
  const found = useLazy(() => import('./plan'))
  return found ? <found.PlanReport {...of} /> : <Loading what={t('app.loading')} />
}

/** What the parts of a report are given. */
export interface Of {
  draft: Draft
  card: Doc
  stop: Doc | undefined
  back: string[]
}

/** Ends a report: says so where the phone has no room. */
export function useFinish(): [boolean, (work: () => Promise<void>) => void] {
  const [busy, setBusy] = useState(false)
  const run = (work: () => Promise<void>): void => {
    setBusy(true)
    work()
      .catch(e => {
        if (e instanceof Error && /quota/i.test(`${e.name} ${e.message}`)) broken.value = 'full'
        else throw e
      })
      .finally(() => setBusy(false))
  }
  return [busy, run]
}

/** The ways a report may be left or thrown away. */
export function Foot({ draft, back }: { draft: Draft; back: string[] }): JSX.Element {
  return (
    <details class="throw">
      <summary>{t('report.drop')}</summary>
      <p>{t('report.drop.why')}</p>
      <button
        type="button"
        class="bad"
        onClick={() => {
          void draft.drop()
          go(...back)
        }}
      >
        {t('report.drop.go')}
      </button>
    </details>
  )
}

const people = [
  'debtor',
  'nobody',
  'spouse',
  'parent',
  'child',
  'sibling',
  'other_family',
  'house_mate',
  'neighbour',
  'guarantor',
  'security_guard',
  'debt_adviser',
  'guardian',
  'unknown',
]
const ends: Record<'debtor' | 'nobody' | 'other', string[]> = {
  debtor: [
    'MET_PTP',
    'MET_PLAN_SIGNED',
    'MET_HARDSHIP',
    'MET_PAID',
    'MET_DISPUTE',
    'MET_COMPLAINT',
    'MET_REFUSED_TALK',
    'MET_RESCHEDULE',
    'MET_ASKED_NO_VISITS',
    'MET_REPRESENTED',
    'MET_VULNERABLE_STOP',
    'RECORDING_FAILED_ABORT',
    'UNSAFE_ABORT',
  ],
  nobody: [
    'NOT_MET_NOBODY',
    'ADDR_WRONG',
    'ADDR_MOVED',
    'ADDR_NOT_FOUND',
    'UNSAFE_ABORT',
    'WEATHER_ABORT',
    'BLOCKED_BY_POLICY',
  ],
  other: ['NOT_MET_THIRD_PARTY', 'ADDR_WRONG', 'ADDR_MOVED', 'DECEASED_REPORTED', 'UNSAFE_ABORT'],
}
const reasons = [
  '002',
  '003',
  '006',
  '016',
  '027',
  'forgot',
  'salary_delayed',
  'technical_payment_failure',
  'scam_victim',
  'unwilling',
  'other',
]

type Step = 'who' | 'identity' | 'told' | 'end' | 'reason' | 'note' | 'photo' | 'check'

/** The questions of a visit, given the answers so far. */
function stepsOf(c: Record<string, unknown>): Step[] {
  const met = c.who && c.who !== 'nobody'
  const out: Step[] = ['who']
  if (c.who === 'debtor') out.push('identity')
  if (met) out.push('told')
  out.push('end')
  if (c.who === 'debtor') out.push('reason')
  return [...out, 'note', 'photo', 'check']
}

function VisitReport({ draft, card, stop, back, doc }: Of & { doc: Doc }): JSX.Element {
  const c = draft.content.value
  const steps = stepsOf(c)
  const step = (steps.includes(c.step as Step) ? c.step : 'who') as Step
  const n = steps.indexOf(step)
  const to = (s: Step | undefined): void => {
    if (s) void draft.set({ step: s })
  }
  const who = String(c.who ?? '')
  const kind = who === 'debtor' ? 'debtor' : who === 'nobody' || who === '' ? 'nobody' : 'other'
  const text = (name: string): string => String(c[name] ?? '')
  const yesNo: [string, string][] = [
    ['yes', t('yes')],
    ['no', t('no')],
  ]
  const flag = (name: string): string => (c[name] === undefined ? '' : c[name] ? 'yes' : 'no')
  const may: Record<Step, boolean> = {
    who: who !== '',
    identity: true,
    told: true,
    end: text('outcome') !== '' && ends[kind].includes(text('outcome')),
    reason: true,
    note: true,
    photo: true,
    check: true,
  }
  const [busy, run] = useFinish()
  const save = async (): Promise<void> => {
    const end = new Date().toISOString()
    const refs = (c.photos ?? []) as Photo[]
    const fields = {
      ...visitOf(stop!, c, end),
      outcome: c.outcome,
      ...(who === 'debtor' && c.reason ? { overdue_reason: c.reason } : {}),
      ...(refs.length > 0
        ? {
            photos: refs.map(p => ({ kind: p.kind, sha256: p.sha256 })),
            attachments: refs.map(p => ({ id: p.id, sha256: p.sha256, bytes: p.bytes, kind: 'photo' })),
          }
        : {}),
    }
    await draft.finish(fields)
    // The note has an id made of the visit's: whatever dies in between, it is written once.
    const note = text('note').trim()
    if (note)
      await add(
        'visit_notes',
        { case: card.id, visit: draft.id, at: end, kind: 'general', text: note },
        `${draft.id}.n`,
      )
    go()
  }
  return (
    <Page title={t(`visit.${step}` as Key)} back={back}>
      <p class="quiet">{`${card.debtor_name} · ${t('step', { i: n + 1, n: steps.length })}`}</p>
      {step === 'who' && (
        <Choices
          label={t('visit.who')}
          of={people.map(p => [p, word('person', p)])}
          chosen={who}
          choose={v => void draft.set({ who: v })}
        />
      )}
      {step === 'identity' && (
        <Choices
          label={t('visit.identity')}
          of={['verbal_two_facts', 'document', 'known_to_agent', 'none'].map(p => [p, word('identity', p)])}
          chosen={text('identity')}
          choose={v => void draft.set({ identity: v })}
        />
      )}
      {step === 'told' && (
        <>
          <Choices
            label={t('visit.announced')}
            of={yesNo}
            chosen={flag('announced')}
            choose={v => void draft.set({ announced: v === 'yes' })}
          />
          <Choices
            label={t('visit.disclosed')}
            of={yesNo}
            chosen={flag('told')}
            choose={v => void draft.set({ told: v === 'yes' })}
          />
          {who !== 'debtor' && <p class="notice warn">{t('visit.thirdparty')}</p>}
        </>
      )}
      {step === 'end' && (
        <Choices
          label={t('visit.end')}
          of={ends[kind].map(p => [p, word('outcome', p)])}
          chosen={text('outcome')}
          choose={v => void draft.set({ outcome: v })}
        />
      )}
      {step === 'reason' && (
        <Choices
          label={t('visit.reason')}
          of={reasons.map(p => [p, word('overdue', p)])}
          chosen={text('reason')}
          choose={v => void draft.set({ reason: v })}
        />
      )}
      {step === 'note' && (
        <Text
          key="note"
          label={t('visit.note')}
          hint={t('note.hint')}
          value={text('note')}
          set={v => draft.set({ note: v })}
          lines={6}
          most={1000}
        />
      )}
      {step === 'photo' && <Photos draft={draft} />}
      {step === 'check' && (
        <div class="card">
          <dl>
            <dt>{t('visit.who')}</dt>
            <dd>{word('person', who)}</dd>
            <dt>{t('visit.end')}</dt>
            <dd>{may.end ? word('outcome', text('outcome')) : t('visit.missing')}</dd>
            {text('note') && (
              <>
                <dt>{t('visit.note')}</dt>
                <dd>{text('note')}</dd>
              </>
            )}
            <dt>{t('visit.photo')}</dt>
            <dd>{((c.photos ?? []) as Photo[]).length}</dd>
            <dt>{t('visit.position')}</dt>
            <dd>
              {(c.check_in as { point?: unknown } | undefined)?.point ? t('yes') : t('visit.noposition')}
            </dd>
          </dl>
        </div>
      )}
      <div class="row steps">
        {n > 0 && (
          <button type="button" onClick={() => to(steps[n - 1])}>
            {t('previous')}
          </button>
        )}
        {step === 'check' ? (
          <button type="button" class="main" disabled={busy || !may.end || !stop} onClick={() => run(save)}>
            {t('visit.save')}
          </button>
        ) : (
          <button type="button" class="main" disabled={!may[step]} onClick={() => to(steps[n + 1])}>
            {t('next')}
          </button>
        )}
      </div>
      {stop && <LeaveNow stop={stop} card={card} draft={doc} />}
      <Foot draft={draft} back={back} />
    </Page>
  )
}

interface Photo {
  id: string
  sha256: string
  bytes: number
  kind: string
}

/** Photos, each with its purpose. Which one is being taken is kept before the camera opens: phones end pages then. */
function Photos({ draft }: { draft: Draft }): JSX.Element {
  const c = draft.content.value
  const photos = (c.photos ?? []) as Photo[]
  const kind = String(c.photo_kind ?? '')
  const why = useSignal('')
  const busy = useSignal(false)
  const take = async (file: File): Promise<void> => {
    busy.value = true
    why.value = ''
    try {
      const small = await photoOf(file)
      const kept = await keepFile(small, 'visits', draft.id)
      await draft.set({ photos: [...photos, { ...kept, kind }], photo_kind: undefined })
    } catch (e) {
      const code = e instanceof NoPhoto ? e.message : /quota/i.test(String(e)) ? 'full' : 'memory'
      why.value = word('nophoto', code)
    } finally {
      busy.value = false
    }
  }
  return (
    <>
      <p>{t('photo.only')}</p>
      {why.value && (
        <p class="notice bad" role="alert">
          {why.value}
        </p>
      )}
      <Choices
        label={t('photo.why')}
        of={['letter_left', 'door_number', 'document_shown'].map(p => [p, word('photo', p)])}
        chosen={kind}
        choose={v => void draft.set({ photo_kind: v })}
      />
      {kind && (
        <label class="button main wide">
          {busy.value ? t('photo.busy') : t('photo.take')}
          <input
            class="hidden"
            type="file"
            accept="image/jpeg,image/png,image/webp"
            capture="environment"
            onChange={e => {
              const file = e.currentTarget.files?.[0]
              e.currentTarget.value = ''
              if (file) void take(file)
            }}
          />
        </label>
      )}
      <ul class="files">
        {photos.map(p => (
          <li key={p.id}>
            {word('photo', p.kind)}{' '}
            <button
              type="button"
              onClick={() => {
                void dropFile(p.id)
                void draft.set({ photos: photos.filter(x => x.id !== p.id) })
              }}
            >
              {t('photo.drop')}
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}

/** The visit that a note or consent belongs to: one of the same stop that is on the phone. */
export function visitFor(stop: Doc | undefined, c: Record<string, unknown>): { visit?: string } {
  const visit = docs.value.visits?.find(v => v.id === c.visit || (stop && v.assignment === stop.id))
  return visit ? { visit: visit.id } : {}
}

function NoteReport({ draft, stop, back }: Of): JSX.Element {
  const c = draft.content.value
  const [busy, run] = useFinish()
  const save = async (): Promise<void> => {
    const text = String(draft.content.value.text ?? '').trim()
    const kind = String(draft.content.value.kind ?? 'general')
    await draft.finish({ ...visitFor(stop, c), at: new Date().toISOString(), kind, text })
    go(...back)
  }
  return (
    <Page title={t('note.title')} back={back}>
      <Choices
        label={t('note.kind')}
        of={['general', 'address', 'hardship', 'safety'].map(p => [p, word('note', p)])}
        chosen={String(c.kind ?? 'general')}
        choose={v => void draft.set({ kind: v })}
      />
      <Text
        label={t('note.text')}
        hint={t('note.hint')}
        value={String(c.text ?? '')}
        set={v => draft.set({ text: v })}
        lines={8}
        most={1000}
      />
      <button
        type="button"
        class="main wide"
        disabled={busy || !String(c.text ?? '').trim()}
        onClick={() => run(save)}
      >
        {t('note.save')}
      </button>
      <Foot draft={draft} back={back} />
    </Page>
  )
}

async function sha256(text: string): Promise<string> {
  const sum = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return [...new Uint8Array(sum)].map(b => b.toString(16).padStart(2, '0')).join('')
}

/** Keeps the picture of a signature and writes its record, with ids made of what was signed. */
export async function sign(
  of: { type: 'consents' | 'plans'; id: string; card: string },
  strokes: Parameters<typeof picture>[0],
  typed: string,
  visit: { visit?: string },
): Promise<string> {
  const png = await picture(strokes, typed)
  const id = `${of.id}.s`
  const kept = await keepFile(png, 'signatures', id)
  await add(
    'signatures',
    {
      case: of.card,
      ...visit,
      at: new Date().toISOString(),
      of_type: of.type,
      of: of.id,
      signer_role: 'debtor',
      sha256: kept.sha256,
      attachments: [{ ...kept, kind: 'signature' }],
    },
    id,
  )
  return kept.sha256
}

const scopes = [
  'recording_audio',
  'home_entry',
  'photo_document',
  'visit_time',
  'electronic_contact',
  'more_visits',
  'third_party_contact',
]

function ConsentReport({ draft, card, stop, back }: Of): JSX.Element {
  const c = draft.content.value
  const [strokes, setStrokes, inkNow] = useStrokes(draft.id)
  const why = useSignal('')
  const [busy, run] = useFinish()
  const scope = String(c.scope ?? '')
  const status = String(c.status ?? '')
  const typed = c.typed as string | undefined
  const text = scope ? word('consent.text', scope) : ''
  const save = async (): Promise<void> => {
    why.value = ''
    const now = draft.content.value
    const visit = visitFor(stop, c)
    const by = { type: 'consents' as const, id: draft.id, card: card.id }
    let signature = ''
    if (status === 'given') {
      try {
        signature = await sign(by, inkNow(), String(now.typed ?? ''), visit)
      } catch {
        why.value = t('sign.none')
        return
      }
    }
    await draft.finish({
      ...visit,
      at: new Date().toISOString(),
      principal: 'debtor',
      scope,
      status,
      method: 'on_screen_signature',
      language: document.documentElement.lang,
      text_shown_sha256: await sha256(text),
      ...(signature ? { evidence: { signature_sha256: signature } } : {}),
    })
    go(...back)
  }
  return (
    <Page title={t('consent.title')} back={back}>
      <Choices
        label={t('consent.scope')}
        of={scopes.map(s => [s, word('consent', s)])}
        chosen={scope}
        choose={v => void draft.set({ scope: v })}
      />
      {scope && (
        <>
          <blockquote class="card shown">{text}</blockquote>
          <Choices
            label={t('consent.status')}
            of={[
              ['given', t('consent.given')],
              ['refused', t('consent.refused')],
            ]}
            chosen={status}
            choose={v => void draft.set({ status: v })}
          />
        </>
      )}
      {status === 'given' && (
        <SignHere
          id={draft.id}
          strokes={strokes}
          setStrokes={setStrokes}
          typed={typed}
          setTyped={v => void draft.set({ typed: v })}
        />
      )}
      {why.value && (
        <p class="notice bad" role="alert">
          {why.value}
        </p>
      )}
      <button type="button" class="main wide" disabled={busy || !scope || !status} onClick={() => run(save)}>
        {t('consent.save')}
      </button>
      <Foot draft={draft} back={back} />
    </Page>
  )
}
