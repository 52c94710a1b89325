import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { ProposeBody, Round as RoundHead } from '../../shared/api'
import { call, Refused } from '../../shared/call'
import { distance, duration, localDate, longDate, number } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { type Key, say, t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource } from '../live'
import { address, go, keep, kept } from '../route'

export type { ProposeBody }

type Objective = 'value' | 'priority' | 'cost'
const objectives: { value: Objective; name: Key; about: Key }[] = [
  { value: 'value', name: 'plan.value', about: 'plan.value.about' },
  { value: 'priority', name: 'plan.priority', about: 'plan.priority.about' },
  { value: 'cost', name: 'plan.cost', about: 'plan.cost.about' },
]
const balances: { value: '' | 'stops' | 'work'; name: Key }[] = [
  { value: '', name: 'plan.balance.none' },
  { value: 'stops', name: 'plan.balance.stops' },
  { value: 'work', name: 'plan.balance.work' },
]

/** Whatever was thrown as a refusal that can be shown. */
export const refusalOf = (e: unknown): Refused =>
  e instanceof Refused ? e : new Refused('unreadable', String(e), 0)

interface Ahead {
  shifts: { team: string; from: string; to: string }[]
  rounds: RoundHead[]
}

async function readAhead(branchID: string, date: string): Promise<Ahead> {
  const query = { branch: branchID, date }
  const [shifts, rounds] = await Promise.all([
    call('GET', '/v1/shifts', { query }),
    call('GET', '/v1/rounds', { query: { ...query, limit: 50 } }),
  ])
  return { shifts: shifts.items ?? [], rounds: rounds.items ?? [] }
}

/** Asks for a round: the day, who goes out, and what counts. */
export function PlanRound(): JSX.Element {
  const b = branch.value!
  const date = useSignal(kept('date') || localDate(now.value, b.time_zone ?? 'UTC'))
  const read = useMemo(
    () =>
      resource(
        () => readAhead(b.id, date.value),
        p => p.changed.includes('rounds') || p.changed.includes('shifts'),
      ),
    [b.id, date.value],
  )
  useEffect(() => read.stop, [read])
  const out = useSignal<Set<string>>(new Set())
  const objective = useSignal<Objective>('value')
  const balance = useSignal<'' | 'stops' | 'work'>('')
  const seconds = useSignal(10)
  const busy = useSignal(false)
  const trouble = useSignal<Refused | undefined>(undefined)
  const a = read.data.value
  const teams = (a?.shifts ?? []).filter(s => !out.value.has(s.team))
  const start = async (): Promise<void> => {
    busy.value = true
    trouble.value = undefined
    try {
      const body: Parameters<typeof ask>[0] = {
        branch: b.id,
        date: date.value,
        objective: objective.value,
        time_limit_s: seconds.value,
      }
      if (out.value.size > 0) body.teams = teams.map(s => s.team)
      if (balance.value) body.balance = balance.value
      const round = await ask(body)
      go(address.planning(round.id))
    } catch (e) {
      trouble.value = refusalOf(e)
    } finally {
      busy.value = false
    }
  }
  return (
    <>
      <div class="top">
        <Heading>{t('plan.title')}</Heading>
      </div>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {trouble.value && <Trouble of={trouble.value} />}
      <form
        class="planform"
        onSubmit={e => {
          e.preventDefault()
          void start()
        }}
      >
        <div class="row">
          <label class="inline">
            {t('plan.date')}
            <input
              type="date"
              required
              value={date.value}
              onChange={e => {
                date.value = e.currentTarget.value
                keep('date', date.value)
              }}
            />
          </label>
          <span class="quiet">{date.value && longDate(date.value)}</span>
        </div>
        {!a && !read.problem.value && <Loading what={t('plan.loading')} />}
        {a && a.rounds.length > 0 && <Drafts rounds={a.rounds} />}
        {a && a.shifts.length === 0 && <p class="notice warn">{t('plan.noshifts')}</p>}
        {a && a.shifts.length > 0 && (
          <fieldset>
            <legend>{t('plan.teams', { n: teams.length })}</legend>
            <div class="checks">
              {a.shifts.map(s => (
                <label class="check" key={s.team}>
                  <input
                    type="checkbox"
                    checked={!out.value.has(s.team)}
                    onChange={e => {
                      const next = new Set(out.value)
                      if (e.currentTarget.checked) next.delete(s.team)
                      else next.add(s.team)
                      out.value = next
                    }}
                  />
                  <span>
                    <bdi>{s.team}</bdi>
                    <span class="quiet">{t('plan.hours', { from: s.from, to: s.to })}</span>
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
        )}
        <fieldset>
          <legend>{t('plan.objective')}</legend>
          {objectives.map(o => (
            <label class="check" key={o.value}>
              <input
                type="radio"
                name="objective"
                checked={objective.value === o.value}
                onChange={() => {
                  objective.value = o.value
                }}
              />
              <span>
                {t(o.name)}
                <span class="quiet">{t(o.about)}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="row">
          <label class="inline">
            {t('plan.balance')}
            <select
              value={balance.value}
              onChange={e => {
                balance.value = e.currentTarget.value as '' | 'stops' | 'work'
              }}
            >
              {balances.map(x => (
                <option key={x.value} value={x.value}>
                  {t(x.name)}
                </option>
              ))}
            </select>
          </label>
          <label class="inline">
            {t('plan.seconds')}
            <input
              type="number"
              min={1}
              max={120}
              required
              value={seconds.value}
              onChange={e => {
                seconds.value = Number(e.currentTarget.value)
              }}
            />
          </label>
        </div>
        <p>
          <button type="submit" class="main" disabled={busy.value || teams.length === 0}>
            {busy.value ? t('plan.asking') : t('plan.start')}
          </button>
        </p>
      </form>
    </>
  )
}

function ask(body: {
  branch: string
  date: string
  objective: Objective
  time_limit_s: number
  teams?: string[]
  balance?: 'stops' | 'work'
}): Promise<RoundHead> {
  return call('POST', '/v1/rounds', { body, key: crypto.randomUUID() })
}

/** The rounds of the day that there are already. */
function Drafts({ rounds }: { rounds: RoundHead[] }): JSX.Element {
  return (
    <section aria-label={t('plan.there')}>
      <p>{t('plan.there')}</p>
      <ul class="card list">
        {rounds.map(r => (
          <li key={r.id}>
            <a href={address.planning(r.id)}>
              <span>{say('state', r.status)}</span>
              <span class="quiet">
                {t('plan.draft', { stops: r.stops, left: r.left_out })}
                {r.cost ? ` · ${duration(r.cost.travel_s)}, ${distance(r.cost.distance_m)}` : ''}
              </span>
              <b>{number(r.stops)}</b>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Has the focus go to a part of the screen when it appears. */
export function useFocus<T extends HTMLElement>(when: unknown): { current: T | null } {
  const at = useRef<T>(null)
  useEffect(() => {
    if (when) at.current?.focus()
  }, [when])
  return at
}
