import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { CaseFile, InboxItem, Plan } from '../../shared/api'
import { call, Refused } from '../../shared/call'
import { ago, localDate, longDate } from '../../shared/format'
import { Trouble } from '../../shared/ui'
import { say, t, word } from '../../shared/words'
import { branch } from '../branch'
import { type Choice, choicesOf, keyOf, type Said } from '../choices'
import { now } from '../live'
import { address } from '../route'
import { planLines, storyOf } from '../story'
import { Pick, Words } from './acts'
import { Happened } from './story'

/** The kinds whose codes are words of the left-out list, and not of records. */
const reasonKinds = ['conflicts', 'quarantine', 'dead_alerts', 'silent_phones', 'unassigned']

/** An item of the inbox: what it is, and, when it is opened, what there is to read and to decide. */
export function Item({
  item: x,
  open,
  asking,
  show,
  ask,
  settle,
  next,
}: {
  item: InboxItem
  open: boolean
  asking: 'yes' | 'no' | undefined
  show: (key: string) => void
  ask: (side: 'yes' | 'no' | undefined) => void
  settle: (x: InboxItem, choice: Choice, said: Said) => void
  next: () => void
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (!open) return
    heading.current?.focus({ preventScroll: true })
    heading.current?.closest('li')?.scrollIntoView({ block: 'nearest' })
  }, [open])
  const choices = choicesOf(x)
  const codes = reasonKinds.includes(x.kind) ? [] : (x.codes ?? [])
  const facts: [string, string | undefined][] = [
    [t('inbox.case'), x.case],
    [t('inbox.team'), x.team],
    [t('inbox.who'), x.who],
    [t('inbox.device'), x.device],
  ]
  const today = localDate(now.value, branch.value?.time_zone ?? 'UTC')
  const choice = asking && choices[asking]
  const report = x.kind === 'conflicts' || x.kind === 'quarantine'
  return (
    <li class={open ? 'card item on' : 'card item'}>
      <header>
        <h2 tabIndex={-1} ref={heading}>
          {say('inbox', x.kind)}
        </h2>
        {x.until && (
          <span class={x.until < today ? 'badge bad' : 'badge warn'}>
            {t('inbox.until')} {longDate(x.until)}
            {x.until < today && ` (${t('decide.overdue')})`}
          </span>
        )}
      </header>
      <dl>
        {facts
          .filter(([, v]) => v)
          .map(([name, v]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <bdi>{v}</bdi>
              </dd>
            </div>
          ))}
        <div>
          <dt>{t('inbox.since')}</dt>
          <dd>{ago(x.since, now.value)}</dd>
        </div>
      </dl>
      {codes.length > 0 && <p>{codes.map(c => word('code', c)).join(', ')}</p>}
      {open && <Detail item={x} />}
      <div class="buttons">
        {!open && (choices.yes || choices.no) && (
          <button type="button" class="main" onClick={() => show(keyOf(x))}>
            {t('decide.title')}
          </button>
        )}
        {open && choices.yes && (
          <button type="button" class="main" aria-keyshortcuts="a" onClick={() => ask('yes')}>
            {choices.yes.word}
          </button>
        )}
        {open && choices.no && (
          <button type="button" aria-keyshortcuts="r" onClick={() => ask('no')}>
            {choices.no.word}
          </button>
        )}
        {report && (
          <a class="button main" href={address.conflict(x.id)}>
            {t('decide.both')}
          </a>
        )}
        {x.case && (
          <a class="button" href={address.case(x.case)}>
            {t('decide.file')}
          </a>
        )}
        {x.round && (
          <a
            class="button"
            href={`${address.board(x.round)}${x.team ? `?team=${encodeURIComponent(x.team)}` : ''}`}
          >
            {t('today.board')}
          </a>
        )}
        {open && (
          <button type="button" aria-keyshortcuts="n" onClick={next}>
            {t('decide.next')}
          </button>
        )}
      </div>
      {open && choice && (
        <Confirm
          key={asking}
          choice={choice}
          cancel={() => {
            ask(undefined)
            heading.current?.focus()
          }}
          go={said => settle(x, choice, said)}
        />
      )}
    </li>
  )
}

const outcomes = ['upheld', 'partly_upheld', 'rejected', 'withdrawn'] as const
const ways = ['letter', 'email', 'call', 'sms', 'in_person', 'web'] as const

/** The second step of a decision: what must be said with it, and the confirmation. */
function Confirm({
  choice,
  cancel,
  go,
}: {
  choice: Choice
  cancel: () => void
  go: (said: Said) => void
}): JSX.Element {
  const said = useSignal<Said>({ reason: '', outcome: '', channel: '', at: '' })
  const form = useRef<HTMLFormElement>(null)
  useLayoutEffect(() => {
    const first = form.current?.querySelector<HTMLElement>('select, textarea, button')
    first?.focus()
    const press = (e: KeyboardEvent): void => {
      if (e.key === 'Escape') cancel()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
  const set = (part: Partial<Said>): void => {
    said.value = { ...said.value, ...part }
  }
  const answer = choice.needs === 'answer'
  return (
    <form
      class="confirm"
      ref={form}
      onSubmit={e => {
        e.preventDefault()
        const s = said.value
        go({ ...s, reason: s.reason.trim(), at: new Date(now.value).toISOString().replace(/\.\d+Z/, 'Z') })
      }}
    >
      {answer && (
        <>
          <Pick
            label={t('decide.outcome')}
            empty={t('act.choose')}
            value={said.value.outcome}
            set={outcome => set({ outcome })}
            of={outcomes.map(o => [o, word('code', o)] as const)}
          />
          <Pick
            label={t('decide.how')}
            empty={t('act.choose')}
            value={said.value.channel}
            set={channel => set({ channel })}
            of={ways.map(o => [o, word('code', o)] as const)}
          />
        </>
      )}
      {choice.needs !== 'nothing' && (
        <Words
          label={answer ? t('decide.answer') : t('act.reason')}
          hint={t('act.reason.need')}
          most={answer ? 2000 : 200}
          value={said.value.reason}
          set={reason => set({ reason })}
        />
      )}
      <div class="buttons">
        <button type="submit" class="main">
          {t('decide.confirm', { what: choice.word })}
        </button>
        <button type="button" onClick={cancel}>
          {t('act.cancel')}
        </button>
      </div>
    </form>
  )
}

/** The kinds of which the case file has what is to be decided on. */
const fromFile = [
  'vulnerable_replies',
  'replies',
  'complaints',
  'complaint_holds',
  'hold_releases',
  'flagged_visits',
  'corrections',
]

/** What there is to read before one decides. */
function Detail({ item: x }: { item: InboxItem }): JSX.Element | null {
  const plan = useSignal<Plan | undefined>(undefined)
  const file = useSignal<CaseFile | undefined>(undefined)
  const trouble = useSignal<Refused | undefined>(undefined)
  useEffect(() => {
    const failed = (e: unknown): void => {
      trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
    }
    if (x.kind === 'plans_to_approve') {
      const query = { branch: branch.value!.id }
      call('GET', '/v1/plans/{id}', { path: { id: x.id }, query }).then(p => {
        plan.value = p
      }, failed)
    } else if (x.case && fromFile.includes(x.kind)) {
      call('GET', '/v1/cases/{id}', { path: { id: x.case } }).then(f => {
        file.value = f
      }, failed)
    }
  }, [x.id, x.kind])
  const f = file.value
  const entry = f && storyOf(f).find(e => e.id === x.id)
  const ending = f?.holds?.find(h => h.hold_id === x.id)?.ending
  return (
    <div class="detail" aria-live="polite">
      {trouble.value && <Trouble of={trouble.value} />}
      {plan.value && (
        <>
          <h3>{t('story.plan', { what: word('code', plan.value.kind) })}</h3>
          {planLines(plan.value).map(l => (
            <p key={l}>{l}</p>
          ))}
        </>
      )}
      {f && entry && <Happened of={entry} zone={f.time_zone} id={f.id} />}
      {ending && <p>{t('holds.ending', { who: ending.by, why: ending.reason })}</p>}
    </div>
  )
}
