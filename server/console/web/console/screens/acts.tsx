import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import type { CaseChanged, CaseFile, OpenHoldRequest, Plan } from '../../shared/api'
import { type Answer, call, newKey, Refused } from '../../shared/call'
import { clock, localDate, moment } from '../../shared/format'
import { Field, Loading, Trouble } from '../../shared/ui'
import { say, t, word } from '../../shared/words'
import { branch } from '../branch'
import { type Change, changesOf, didOf } from '../changes'
import { now } from '../live'

/** The kinds of holds that a supervisor opens, as they are told to others. */
const holdKinds = [
  'stop',
  'cease_visit',
  'dispute',
  'complaint',
  'vulnerable',
  'breathing_space',
  'represented',
  'lacks_capacity',
  'sensitive_occasion',
  'bankrupt',
  'deceased',
] as const

type Act = 'hold' | 'reassign' | 'correct' | 'appoint' | 'note' | 'plan' | 'release'

/** What the office can do about a case. Each act says which version of the case was seen when its form was opened. */
export function Acts({
  file,
  reload,
  release,
}: {
  file: CaseFile
  reload: () => Promise<CaseFile | undefined>
  /** A hold whose end is asked for; undefined: none. */
  release: { value: string }
}): JSX.Element {
  const open = useSignal<Act | undefined>(undefined)
  const done = useSignal(false)
  const seen = useRef(file)
  const key = useRef('')
  const trouble = useSignal<Refused | undefined>(undefined)
  const changed = useSignal<{ by: CaseChanged; what: Change[] } | undefined>(undefined)
  const busy = useSignal(false)
  const begin = (act: Act): void => {
    seen.current = file
    key.current = newKey()
    trouble.value = undefined
    changed.value = undefined
    done.value = false
    open.value = act
  }
  useEffect(() => {
    if (release.value) begin('release')
  }, [release.value])
  const close = (): void => {
    open.value = undefined
    release.value = ''
  }
  /** Sends an act, and says what became of it. */
  const send = async (
    what: (o: { key: string; seen: number | undefined }) => Promise<unknown>,
  ): Promise<void> => {
    if (busy.value) return
    busy.value = true
    trouble.value = undefined
    try {
      await what({ key: key.current, seen: seen.current.rev })
      done.value = true
      close()
      await reload()
    } catch (e) {
      const no = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
      const by = no.problem?.changed
      const fresh = by && (await reload())
      if (by && fresh) {
        changed.value = { by, what: changesOf(seen.current, fresh) }
        close()
      } else {
        trouble.value = no
        // What was refused is another act when it is sent once more with other words.
        if (no.status > 0 && no.status < 500) key.current = newKey()
      }
    } finally {
      busy.value = false
    }
  }
  const path = { id: file.id }
  const pending = file.plans.filter(p => p.approval_state === 'pending')
  const button = (act: Act, text: string): JSX.Element => (
    <button type="button" aria-expanded={open.value === act} onClick={() => begin(act)}>
      {text}
    </button>
  )
  const form = { busy: busy.value, trouble: trouble.value, close }
  const closed = file.status !== 'open'
  return (
    <section class="card acts" aria-labelledby="acts-h">
      <h2 id="acts-h">{t('act.title')}</h2>
      {changed.value && (
        <ChangedSince
          of={changed.value}
          zone={file.time_zone}
          close={() => {
            changed.value = undefined
          }}
        />
      )}
      <p role="status">{done.value ? t('act.done') : ''}</p>
      <div class="buttons">
        {pending.length > 0 && button('plan', t('act.plan'))}
        {!closed && button('hold', t('act.hold'))}
        {!closed && button('appoint', t('act.appoint'))}
        {!closed && button('reassign', t('act.reassign'))}
        {button('correct', t('act.correct'))}
        {button('note', t('act.note'))}
      </div>
      {open.value === 'hold' && (
        <HoldForm
          {...form}
          send={body => send(o => call('POST', '/v1/cases/{id}/holds', { path, body, ...o }))}
        />
      )}
      {open.value === 'release' && (
        <ReasonForm
          {...form}
          title={t('holds.release')}
          send={reason =>
            send(o =>
              call('POST', '/v1/cases/{id}/holds/{hold}/release', {
                path: { ...path, hold: release.value },
                body: { reason },
                ...o,
              }),
            )
          }
        />
      )}
      {open.value === 'reassign' && (
        <ReassignForm
          {...form}
          team={file.team ?? ''}
          send={team => send(o => call('POST', '/v1/cases/{id}/reassign', { path, body: { team }, ...o }))}
        />
      )}
      {open.value === 'correct' && (
        <CorrectForm
          {...form}
          file={seen.current}
          send={body => send(o => call('POST', '/v1/cases/{id}/corrections', { path, body, ...o }))}
        />
      )}
      {open.value === 'appoint' && (
        <AppointForm
          {...form}
          file={file}
          send={body => send(o => call('POST', '/v1/cases/{id}/appointments', { path, body, ...o }))}
        />
      )}
      {open.value === 'note' && (
        <NoteForm
          {...form}
          send={body => send(o => call('POST', '/v1/cases/{id}/notes', { path, body, key: o.key }))}
        />
      )}
      {open.value === 'plan' && pending[0] && (
        <PlanForm
          {...form}
          plan={pending[0]}
          send={(yes, reason) => {
            const query = { branch: branch.value!.id }
            const at = { path: { id: pending[0]!.id ?? '' }, query, key: key.current }
            return send(() =>
              yes
                ? call('POST', '/v1/plans/{id}/approve', { ...at, body: {} })
                : call('POST', '/v1/plans/{id}/reject', { ...at, body: { reason } }),
            )
          }}
        />
      )}
    </section>
  )
}

/** That another was faster, and what they changed. */
function ChangedSince({
  of,
  zone,
  close,
}: {
  of: { by: CaseChanged; what: Change[] }
  zone: string
  close: () => void
}): JSX.Element {
  const at = useRef<HTMLDivElement>(null)
  useEffect(() => at.current?.focus(), [of])
  return (
    <div class="notice warn" role="alert" tabIndex={-1} ref={at}>
      <h3>{t('changed.title')}</h3>
      <p>{t('changed.by', { who: of.by.by, when: moment(of.by.at, zone), what: didOf(of.by.action) })}</p>
      {of.what.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('changed.member')}</th>
                <th scope="col">{t('changed.was')}</th>
                <th scope="col">{t('changed.now')}</th>
              </tr>
            </thead>
            <tbody>
              {of.what.map(c => (
                <tr key={c.member}>
                  <th scope="row">{word('member', c.member)}</th>
                  <td>{c.was || t('changed.empty')}</td>
                  <td>{c.now || t('changed.empty')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <button type="button" onClick={close}>
        {t('changed.again')}
      </button>
    </div>
  )
}

interface FormProps {
  busy: boolean
  trouble: Refused | undefined
  close: () => void
}

/** A form of an act, with what went wrong on top and the two buttons below. */
function Form({
  title,
  busy,
  trouble,
  close,
  submit,
  children,
  go,
}: FormProps & {
  title: string
  submit: () => void
  children: ComponentChildren
  go?: string
}): JSX.Element {
  const at = useRef<HTMLHeadingElement>(null)
  useEffect(() => at.current?.focus(), [])
  return (
    <form
      class="act"
      onSubmit={e => {
        e.preventDefault()
        submit()
      }}
      onKeyDown={e => {
        if (e.key === 'Escape') close()
      }}
    >
      <h3 tabIndex={-1} ref={at}>
        {title}
      </h3>
      {trouble && <Trouble of={trouble} />}
      {children}
      <div class="buttons">
        <button type="submit" class="main" disabled={busy}>
          {go ?? t('act.send')}
        </button>
        <button type="button" onClick={close}>
          {t('act.cancel')}
        </button>
      </div>
    </form>
  )
}

/** A choice from a list, with its label. */
export function Pick({
  label,
  value,
  set,
  of,
  empty,
}: {
  label: string
  value: string
  set: (v: string) => void
  of: readonly (readonly [string, string])[]
  /** What stands there before anything is chosen; undefined: a choice is always made. */
  empty?: string
}): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} required={empty !== undefined} onChange={e => set(e.currentTarget.value)}>
        {empty !== undefined && <option value="">{empty}</option>}
        {of.map(([v, text]) => (
          <option key={v} value={v}>
            {text}
          </option>
        ))}
      </select>
    </div>
  )
}

/** A text of several lines, with its label. */
export function Words({
  label,
  hint,
  value,
  set,
  most,
  required = true,
}: {
  label: string
  hint?: string
  value: string
  set: (v: string) => void
  most: number
  required?: boolean
}): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="quiet" id={`${id}h`}>
          {hint}
        </p>
      )}
      <textarea
        id={id}
        rows={3}
        maxLength={most}
        required={required}
        aria-describedby={hint ? `${id}h` : undefined}
        value={value}
        onInput={e => set(e.currentTarget.value)}
      />
    </div>
  )
}

function HoldForm({ send, ...form }: FormProps & { send: (body: OpenHoldRequest) => void }): JSX.Element {
  const kind = useSignal('')
  const until = useSignal('')
  return (
    <Form
      title={t('act.hold')}
      {...form}
      submit={() => {
        const chosen = kind.value as (typeof holdKinds)[number]
        send({ kind: chosen, ...(until.value ? { until: until.value } : {}) })
      }}
    >
      <Pick
        label={t('act.hold.kind')}
        value={kind.value}
        empty={t('act.choose')}
        set={v => {
          kind.value = v
        }}
        of={holdKinds.map(k => [k, word('code', k)] as const)}
      />
      <Field
        label={t('act.hold.until')}
        type="date"
        value={until.value}
        onInput={e => {
          until.value = e.currentTarget.value
        }}
      />
    </Form>
  )
}

/** A reason that others will read. */
function ReasonForm({
  title,
  send,
  ...form
}: FormProps & { title: string; send: (reason: string) => void }): JSX.Element {
  const reason = useSignal('')
  return (
    <Form title={title} {...form} submit={() => send(reason.value.trim())}>
      <Words
        label={t('act.reason')}
        hint={t('act.reason.need')}
        most={200}
        value={reason.value}
        set={v => {
          reason.value = v
        }}
      />
    </Form>
  )
}

function ReassignForm({
  team,
  send,
  ...form
}: FormProps & { team: string; send: (team: string) => void }): JSX.Element {
  const teams = useSignal<string[] | undefined>(undefined)
  const chosen = useSignal('')
  const trouble = useSignal<Refused | undefined>(undefined)
  useEffect(() => {
    call('GET', '/v1/teams', { query: { branch: branch.value!.id } }).then(
      x => {
        teams.value = (x.items ?? []).map(i => i.id)
      },
      (e: Refused) => {
        trouble.value = e
      },
    )
  }, [])
  const back = '-'
  return (
    <Form
      title={t('act.reassign')}
      {...form}
      trouble={form.trouble ?? trouble.value}
      submit={() => send(chosen.value === back ? '' : chosen.value)}
    >
      {!teams.value && !trouble.value && <Loading what={t('app.loading')} />}
      {teams.value && (
        <Pick
          label={t('cases.team')}
          value={chosen.value}
          empty={t('act.choose')}
          set={v => {
            chosen.value = v
          }}
          of={[
            ...(team ? [[back, t('act.reassign.back')] as const] : []),
            ...teams.value.filter(x => x !== team).map(x => [x, x] as const),
          ]}
        />
      )}
    </Form>
  )
}

function CorrectForm({
  file,
  send,
  ...form
}: FormProps & { file: CaseFile; send: (body: Record<string, string>) => void }): JSX.Element {
  const was: Record<string, string> = {
    debtor_name: file.debtor_name ?? '',
    phone: file.phone ?? '',
    address: file.address ?? '',
    postal_code: file.postal_code ?? '',
    city: file.city ?? '',
  }
  const is = useSignal(was)
  const none = useSignal(false)
  const labels: Record<string, string> = {
    debtor_name: t('case.name'),
    phone: t('case.phone'),
    address: t('case.address'),
    postal_code: t('act.postal'),
    city: t('act.city'),
  }
  return (
    <Form
      title={t('act.correct')}
      {...form}
      submit={() => {
        const other = Object.fromEntries(Object.entries(is.value).filter(([k, v]) => v.trim() !== was[k]))
        none.value = Object.keys(other).length === 0
        if (!none.value) send(other)
      }}
    >
      <p class="quiet">{t('act.correct.hint')}</p>
      {none.value && (
        <p class="error" role="alert">
          {t('act.correct.none')}
        </p>
      )}
      {Object.keys(was).map((k, i) => (
        <Field
          key={k}
          label={labels[k]!}
          name={`c${i}`}
          autocomplete="off"
          spellcheck={false}
          dir="auto"
          value={is.value[k]!}
          onInput={e => {
            is.value = { ...is.value, [k]: e.currentTarget.value }
          }}
        />
      ))}
    </Form>
  )
}

function AppointForm({
  file,
  send,
  ...form
}: FormProps & { file: CaseFile; send: (body: { from: string; to: string }) => void }): JSX.Element {
  const date = useSignal(localDate(now.value, file.time_zone))
  const slots = useSignal<Answer<'GET /v1/cases/{id}/appointment-slots'> | undefined>(undefined)
  const trouble = useSignal<Refused | undefined>(undefined)
  const chosen = useSignal('')
  useEffect(() => {
    let over = false
    slots.value = undefined
    trouble.value = undefined
    chosen.value = ''
    const query = { date: date.value }
    call('GET', '/v1/cases/{id}/appointment-slots', { path: { id: file.id }, query }).then(
      x => {
        if (!over) slots.value = x
      },
      (e: Refused) => {
        if (!over) trouble.value = e
      },
    )
    return () => {
      over = true
    }
  }, [date.value, file.rev])
  const lawful = (slots.value?.slots ?? []).filter(s => s.lawful)
  const room = { yes: t('act.appoint.room'), no: t('act.appoint.noroom'), unknown: t('act.appoint.unknown') }
  return (
    <Form
      title={t('act.appoint')}
      {...form}
      trouble={form.trouble ?? trouble.value}
      submit={() => {
        const s = lawful.find(x => x.from === chosen.value)
        if (s) send({ from: s.from, to: s.to })
      }}
    >
      <Field
        label={t('act.appoint.day')}
        type="date"
        required
        value={date.value}
        onInput={e => {
          if (e.currentTarget.value) date.value = e.currentTarget.value
        }}
      />
      {!slots.value && !trouble.value && <Loading what={t('app.loading')} />}
      {slots.value && lawful.length === 0 && (
        <p class="notice warn">
          {t('act.appoint.none')} {slots.value.code && say('reason', slots.value.code)}
        </p>
      )}
      {lawful.length > 0 && (
        <fieldset class="choices">
          <legend>{t('act.appoint.slots')}</legend>
          {lawful.map(s => (
            <label key={s.from}>
              <input
                type="radio"
                name="slot"
                required
                checked={chosen.value === s.from}
                onChange={() => {
                  chosen.value = s.from
                }}
              />
              <span>
                {clock(s.from, file.time_zone)}–{clock(s.to, file.time_zone)}{' '}
                <span class="quiet">{room[s.possible as keyof typeof room] ?? ''}</span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
    </Form>
  )
}

const noteKinds = ['general', 'safety', 'address', 'hardship'] as const

function NoteForm({
  send,
  ...form
}: FormProps & { send: (body: { kind: (typeof noteKinds)[number]; text: string }) => void }): JSX.Element {
  const kind = useSignal<string>('general')
  const text = useSignal('')
  return (
    <Form
      title={t('act.note')}
      {...form}
      submit={() => send({ kind: kind.value as (typeof noteKinds)[number], text: text.value.trim() })}
    >
      <Pick
        label={t('act.note.kind')}
        value={kind.value}
        set={v => {
          kind.value = v
        }}
        of={noteKinds.map(k => [k, word('code', k)] as const)}
      />
      <Words
        label={t('act.note.text')}
        most={4000}
        value={text.value}
        set={v => {
          text.value = v
        }}
      />
    </Form>
  )
}

function PlanForm({
  plan,
  send,
  ...form
}: FormProps & { plan: Plan; send: (yes: boolean, reason: string) => void }): JSX.Element {
  const yes = useSignal<boolean | undefined>(undefined)
  const reason = useSignal('')
  return (
    <Form
      title={`${t('act.plan')}: ${word('code', plan.kind)}`}
      {...form}
      submit={() => {
        if (yes.value !== undefined) send(yes.value, reason.value.trim())
      }}
    >
      <fieldset class="choices">
        <legend>{t('decide.title')}</legend>
        {[true, false].map(v => (
          <label key={String(v)}>
            <input
              type="radio"
              name="plan"
              required
              checked={yes.value === v}
              onChange={() => {
                yes.value = v
              }}
            />
            <span>{v ? t('act.approve') : t('act.reject')}</span>
          </label>
        ))}
      </fieldset>
      {yes.value === false && (
        <Words
          label={t('act.reason')}
          hint={t('act.reason.need')}
          most={200}
          value={reason.value}
          set={v => {
            reason.value = v
          }}
        />
      )}
    </Form>
  )
}
