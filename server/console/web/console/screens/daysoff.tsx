import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { CloseDayRequest, RoundTouched } from '../../shared/api'
import { call } from '../../shared/call'
import { localDate, longDate } from '../../shared/format'
import { Field, Loading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource } from '../live'
import { all, Choice, Outcome, useAct, word } from './act'
import { takenBack } from './people'

const reasons = ['holiday', 'inventory', 'strike', 'training', 'weather', 'other'] as const

const planAgain = (rounds: RoundTouched[] | null): string =>
  (rounds ?? []).length > 0 ? ` ${t('daysoff.replan', { n: rounds!.length })}` : ''

/** Agents' leaves, and the days on which the branch is closed. */
export function DaysOff(): JSX.Element {
  const b = branch.value!
  const today = localDate(now.value, b.time_zone ?? 'UTC')
  const read = useMemo(
    () =>
      resource(
        async () => {
          const [agents, leaves, closed] = await Promise.all([
            all(cursor => call('GET', '/v1/agents', { query: { branch: b.id, limit: 200, cursor } })),
            all(cursor => call('GET', '/v1/leaves', { query: { branch: b.id, from: today, cursor } })),
            all(cursor =>
              call('GET', '/v1/branches/{id}/closed-days', {
                path: { id: b.id },
                query: { from: today, cursor },
              }),
            ),
          ])
          return { agents, leaves, closed }
        },
        () => false,
      ),
    [b.id, today],
  )
  useEffect(() => read.stop, [read])
  const act = useAct()
  const agent = useSignal('')
  const from = useSignal(today)
  const to = useSignal(today)
  const day = useSignal(today)
  const reason = useSignal<CloseDayRequest['reason']>('holiday')
  const d = read.data.value
  const name = (id: string): string => d?.agents.find(a => a.id === id)?.name || id
  return (
    <>
      <Outcome act={act} />
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!d && !read.problem.value && <Loading what={t('app.loading')} />}
      {d && (
        <div class="pair">
          <section aria-labelledby="leave-h">
            <h2 id="leave-h">{t('daysoff.leaves')}</h2>
            <form
              class="card stack"
              onSubmit={e => {
                e.preventDefault()
                void act.run(async () => {
                  const x = await call('PUT', '/v1/agents/{id}/leaves/{leave}', {
                    path: { id: agent.value, leave: crypto.randomUUID?.() ?? `l-${Date.now()}` },
                    body: { from: from.value, to: to.value },
                  })
                  read.reload()
                  return (
                    t('daysoff.noted', { name: name(x.agent) }) +
                    takenBack(x.taken_back) +
                    planAgain(x.rounds)
                  )
                })
              }}
            >
              <Choice
                label={word('role.is', 'agent')}
                value={agent.value}
                required
                options={[
                  ['', t('office.choose')],
                  ...d.agents.filter(a => !a.disabled).map((a): [string, string] => [a.id, a.name || a.id]),
                ]}
                onChange={v => {
                  agent.value = v
                }}
              />
              <div class="fields">
                <Field
                  label={t('daysoff.from')}
                  type="date"
                  required
                  value={from.value}
                  onInput={e => {
                    from.value = e.currentTarget.value
                    if (to.value < from.value) to.value = from.value
                  }}
                />
                <Field
                  label={t('daysoff.to')}
                  type="date"
                  required
                  min={from.value}
                  value={to.value}
                  onInput={e => {
                    to.value = e.currentTarget.value
                  }}
                />
              </div>
              <p class="quiet">{t('daysoff.leave.what')}</p>
              <div class="buttons">
                <button type="submit" class="main" disabled={act.busy.value}>
                  {t('daysoff.leave.go')}
                </button>
              </div>
            </form>
            {d.leaves.length === 0 && <p class="card empty">{t('daysoff.noleave')}</p>}
            <ul class="card list rows">
              {d.leaves.map(l => (
                <li key={`${l.agent} ${l.id}`}>
                  <span>
                    <b>
                      <bdi>{name(l.agent)}</bdi>
                    </b>
                    <br />
                    {l.from === l.to ? longDate(l.from) : `${longDate(l.from)} – ${longDate(l.to)}`}
                  </span>
                  <button
                    type="button"
                    disabled={act.busy.value}
                    onClick={() =>
                      void act.run(async () => {
                        await call('DELETE', '/v1/agents/{id}/leaves/{leave}', {
                          path: { id: l.agent, leave: l.id },
                        })
                        read.reload()
                        return t('daysoff.ended', { name: name(l.agent) })
                      })
                    }
                  >
                    {t('daysoff.end')}
                  </button>
                </li>
              ))}
            </ul>
          </section>
          <section aria-labelledby="closed-h">
            <h2 id="closed-h">{t('daysoff.closed')}</h2>
            <form
              class="card stack"
              onSubmit={e => {
                e.preventDefault()
                void act.run(async () => {
                  const x = await call('PUT', '/v1/branches/{id}/closed-days/{date}', {
                    path: { id: b.id, date: day.value },
                    body: { reason: reason.value },
                  })
                  read.reload()
                  return (
                    t('daysoff.shut', { day: longDate(x.date) }) +
                    takenBack(x.taken_back) +
                    planAgain(x.rounds)
                  )
                })
              }}
            >
              <div class="fields">
                <Field
                  label={t('today.date')}
                  type="date"
                  required
                  value={day.value}
                  onInput={e => {
                    day.value = e.currentTarget.value
                  }}
                />
                <Choice
                  label={t('daysoff.why')}
                  value={reason.value}
                  options={reasons.map(r => [r, word('closed', r)])}
                  onChange={v => {
                    reason.value = v as CloseDayRequest['reason']
                  }}
                />
              </div>
              <p class="quiet">{t('daysoff.close.what')}</p>
              <div class="buttons">
                <button type="submit" class="main" disabled={act.busy.value}>
                  {t('daysoff.close.go')}
                </button>
              </div>
            </form>
            {d.closed.length === 0 && <p class="card empty">{t('daysoff.noclosed')}</p>}
            <ul class="card list rows">
              {d.closed.map(c => (
                <li key={c.date}>
                  <span>
                    <b>{longDate(c.date)}</b>
                    <br />
                    {word('closed', c.reason)}
                  </span>
                  <button
                    type="button"
                    disabled={act.busy.value}
                    onClick={() =>
                      void act.run(async () => {
                        await call('DELETE', '/v1/branches/{id}/closed-days/{date}', {
                          path: { id: b.id, date: c.date },
                        })
                        read.reload()
                        return t('daysoff.opened', { day: longDate(c.date) })
                      })
                    }
                  >
                    {t('daysoff.open')}
                  </button>
                </li>
              ))}
            </ul>
          </section>
        </div>
      )}
    </>
  )
}
