import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { RoundProgress } from '../../shared/api'
import { type Answer, call } from '../../shared/call'
import { ago, clock, distance, duration, localDate, longDate, number } from '../../shared/format'
import { Figure, Heading, Loading, Trouble } from '../../shared/ui'
import { say, t } from '../../shared/words'
import { branch } from '../branch'
import { lastCall, type Round, roundOf, type Team, teamsOf } from '../day'
import { now, resource, tellTime } from '../live'
import { address, keep, kept } from '../route'
import { TeamMark } from '../team'

interface Day {
  date: string
  round: Round | undefined
  progress: RoundProgress | undefined
  inbox: Answer<'GET /v1/inbox'>
  /** Another day's round that is near, where this day has none. */
  near: { id: string; date: string; status: string } | undefined
}

async function readDay(branchID: string, zone: string, wanted: string): Promise<Day> {
  const inbox = await call('GET', '/v1/inbox', { query: { branch: branchID } })
  tellTime(inbox.as_of)
  const date = wanted || localDate(now.value, zone)
  const rounds = (await call('GET', '/v1/rounds', { query: { branch: branchID, limit: 50 } })).items ?? []
  let found = roundOf(rounds, date)
  if (!found) {
    const of = (await call('GET', '/v1/rounds', { query: { branch: branchID, date, limit: 50 } })).items ?? []
    found = roundOf(of, date)
  }
  if (!found) {
    const open = rounds.filter(r => !['replaced', 'cancelled', 'failed'].includes(r.status))
    const near = open.sort(
      (a, b) => Math.abs(+new Date(a.date) - +new Date(date)) - Math.abs(+new Date(b.date) - +new Date(date)),
    )[0]
    return { date, inbox, round: undefined, progress: undefined, near }
  }
  const path = { id: found.id }
  const [round, progress] = await Promise.all([
    call('GET', '/v1/rounds/{id}', { path }),
    call('GET', '/v1/rounds/{id}/progress', { path }),
  ])
  return { date, inbox, round, progress, near: undefined }
}

/** The day of a branch: one line a team, and what waits for a supervisor. */
export function Today(): JSX.Element {
  const b = branch.value!
  const zone = b.time_zone ?? 'UTC'
  const date = useSignal(kept('date'))
  const day = useMemo(
    () =>
      resource(
        () => readDay(b.id, zone, date.value),
        p => p.changed.length > 0,
        60,
      ),
    [b.id, date.value],
  )
  useEffect(() => day.stop, [day])
  const d = day.data.value
  return (
    <>
      <div class="top">
        <Heading>{d ? longDate(d.date) : t('today.title')}</Heading>
        <label class="inline">
          {t('today.date')}
          <input
            type="date"
            value={date.value || d?.date || ''}
            onChange={e => {
              date.value = e.currentTarget.value
              keep('date', date.value)
            }}
          />
        </label>
      </div>
      {day.problem.value && <Trouble of={day.problem.value} retry={day.reload} />}
      {!d && !day.problem.value && <Loading what={t('today.loading')} />}
      <div class="columns">
        <section aria-labelledby="teams-h">
          <h2 id="teams-h">{t('today.teams')}</h2>
          {d && !d.round && <NoRound day={d} />}
          {d?.round && <Teams day={d} zone={zone} />}
        </section>
        {d && <Needs inbox={d.inbox} />}
      </div>
    </>
  )
}

function NoRound({ day }: { day: Day }): JSX.Element {
  return (
    <div class="card empty">
      <p>{t('today.none')}</p>
      <p>
        <a class="button main" href={`${address.plan()}?date=${day.date}`}>
          {t('plan.title')}
        </a>
      </p>
      {day.near && (
        <p>
          <a href={address.board(day.near.id)}>
            {t('today.near', { date: longDate(day.near.date), state: say('state', day.near.status) })}
          </a>
        </p>
      )}
    </div>
  )
}

function Teams({ day, zone }: { day: Day; zone: string }): JSX.Element {
  const round = day.round!
  const teams = teamsOf(round, day.progress, now.value)
  const p = day.progress
  const stops = p?.stops || round.routes.reduce((n, r) => n + (r.stops?.length ?? 0), 0)
  return (
    <>
      <dl class="figures">
        <Figure n={say('state', round.status)}>{t('round.state')}</Figure>
        <Figure n={number(p?.done ?? 0)} of={number(stops)}>
          {t('round.done')}
        </Figure>
        <Figure n={number(round.unassigned.length)}>
          <a href={address.leftout(round.id)}>{t('round.leftout')}</a>
        </Figure>
        {round.cost && (
          <Figure n={`${duration(round.cost.travel_s)}, ${distance(round.cost.distance_m)}`}>
            {t('round.travel')}
          </Figure>
        )}
      </dl>
      <p>
        <a class="button main" href={address.board(round.id)}>
          {t('today.board')}
        </a>
      </p>
      <div class="scroll">
        <table class="teams">
          <caption class="hidden">{t('today.caption')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('team')}</th>
              <th scope="col">{t('team.progress')}</th>
              <th scope="col">{t('team.next')}</th>
              <th scope="col">{t('team.late')}</th>
              <th scope="col">{t('team.heard')}</th>
            </tr>
          </thead>
          <tbody>
            {teams.map(team => (
              <TeamLine key={team.id} team={team} round={round} zone={zone} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

/** The late stop that has waited longest, in minutes. */
function lateOf(team: Team): number {
  return Math.max(0, ...team.stops.map(s => s.late))
}

function TeamLine({ team, round, zone }: { team: Team; round: Round; zone: string }): JSX.Element {
  const p = team.progress
  const total = p?.stops ?? team.stops.length
  const done = p?.done ?? 0
  const next = p?.next_eta && !p.next_eta.startsWith('0001') ? p.next_eta : undefined
  const heard = lastCall(p)
  const silent = (p?.phones ?? []).some(x => x.silent)
  const late = lateOf(team)
  return (
    <tr>
      <th scope="row">
        <a class="teamlink" href={`${address.board(round.id)}?team=${encodeURIComponent(team.id)}`}>
          <TeamMark team={team} /> <bdi>{team.id}</bdi>
        </a>
      </th>
      <td>
        <progress max={total || 1} value={done} aria-label={t('team.progress')} />{' '}
        <span class="figuretext">{t('team.done', { done, total })}</span>
        {(p?.declined ?? 0) > 0 && <span class="badge warn">{t('team.declined', { n: p!.declined })}</span>}
      </td>
      <td>{next ? clock(next, zone) : <span class="quiet">{t('team.nonext')}</span>}</td>
      <td>
        {late > 0 ? (
          <span class="badge warn">{duration(late * 60)}</span>
        ) : (
          <span class="quiet">{t('team.ontime')}</span>
        )}
      </td>
      <td>
        {silent && <span class="badge warn">{t('team.silent')}</span>}
        {heard ? ago(heard, now.value) : <span class="quiet">{t('team.never')}</span>}
      </td>
    </tr>
  )
}

/** What waits for a supervisor, by kind. */
function Needs({ inbox }: { inbox: Answer<'GET /v1/inbox'> }): JSX.Element {
  const counts = (inbox.counts ?? []).filter(c => c.count > 0)
  return (
    <section aria-labelledby="needs-h" class="needs">
      <h2 id="needs-h">{t('needs.title')}</h2>
      {counts.length === 0 && <p class="card empty">{t('needs.none')}</p>}
      {counts.length > 0 && (
        <ul class="card list">
          {counts.map(c => (
            <li key={c.kind}>
              <a href={address.inbox(c.kind)}>
                <span>{say('inbox', c.kind)}</span>
                <b>
                  {number(c.count)}
                  {c.more ? '+' : ''}
                </b>
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
