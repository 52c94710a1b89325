import { type Signal, useComputed, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { RoundProgress } from '../../shared/api'
import { call } from '../../shared/call'
import { clock, distance, duration, longDate, number } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { say, t } from '../../shared/words'
import { branch } from '../branch'
import { found, move, type Round, type Stop, type Team, teamsOf, waits } from '../day'
import { now, resource, tellTime } from '../live'
import { Ground } from '../map/ground'
import { address, keep, kept } from '../route'
import { TeamMark } from '../team'
import { Timeline } from '../timeline'

/** What is chosen on the board. The list, the map and the timeline share it. */
export interface Choice {
  /** A stop's id, or "". */
  stop: Signal<string>
  /** A team's id, or "" for all. */
  team: Signal<string>
  /** A stop under the pointer, or "". */
  under: Signal<string>
  /** Goes up by one when the map is to show the chosen stop in its middle. */
  centre: Signal<number>
}

interface Read {
  round: Round
  progress: RoundProgress
}

async function readRound(id: string): Promise<Read> {
  const path = { id }
  const [round, progress] = await Promise.all([
    call('GET', '/v1/rounds/{id}', { path }),
    call('GET', '/v1/rounds/{id}/progress', { path }),
  ])
  tellTime(progress.as_of)
  return { round, progress }
}

type View = 'list' | 'table' | 'map' | 'time'

/** A round's day: a list, a map and a timeline of the same stops. */
export function Board({ id }: { id: string }): JSX.Element {
  const zone = branch.value?.time_zone ?? 'UTC'
  const read = useMemo(
    () =>
      resource(
        () => readRound(id),
        p => p.rounds.includes(id) || p.changed.includes('rounds'),
        60,
      ),
    [id],
  )
  useEffect(() => read.stop, [read])
  const choice: Choice = {
    stop: useSignal(kept('stop')),
    team: useSignal(kept('team')),
    under: useSignal(''),
    centre: useSignal(0),
  }
  const text = useSignal('')
  const view = useSignal<View>('list')
  const all = useComputed(() => {
    const r = read.data.value
    return r ? teamsOf(r.round, r.progress, now.value) : []
  })
  const shown = useComputed(() => found(all.value, choice.team.value, text.value))
  const chosen = useComputed(() => all.value.flatMap(x => x.stops).find(s => s.id === choice.stop.value))
  useEffect(() => choice.stop.subscribe(v => keep('stop', v)), [choice.stop])
  useEffect(() => choice.team.subscribe(v => keep('team', v)), [choice.team])
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      const typing = (e.target as Element).closest?.('input, select, textarea')
      if (typing || e.metaKey || e.ctrlKey || e.altKey || e.key !== 't') return
      view.value = view.value === 'table' ? 'list' : 'table'
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [view])
  const r = read.data.value
  const views: View[] = ['list', 'table', 'map', 'time']
  return (
    <div class="board">
      <div class="top">
        <Heading>{r ? t('board.title', { date: longDate(r.round.date) }) : t('board.loading')}</Heading>
        {r && <Summary read={r} />}
      </div>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!r && !read.problem.value && <Loading what={t('board.loading')} />}
      {r && all.value.length === 0 && <p class="card empty">{t('board.noroutes')}</p>}
      {r && all.value.length > 0 && (
        <>
          <div class="tools">
            <label class="inline">
              {t('team')}
              <select
                value={choice.team.value}
                onChange={e => {
                  choice.team.value = e.currentTarget.value
                }}
              >
                <option value="">{t('board.allteams')}</option>
                {all.value.map(x => (
                  <option key={x.id} value={x.id}>
                    {`${x.number} · ${x.id}`}
                  </option>
                ))}
              </select>
            </label>
            <label class="inline">
              {t('board.search')}
              <input
                type="search"
                value={text.value}
                onInput={e => {
                  text.value = e.currentTarget.value
                }}
              />
            </label>
            <fieldset class="views" aria-label={t('board.views')}>
              {views.map(v => (
                <button
                  key={v}
                  type="button"
                  class={`view-${v}`}
                  aria-pressed={view.value === v}
                  onClick={() => {
                    view.value = v
                  }}
                >
                  {t(`board.view.${v}`)}
                </button>
              ))}
            </fieldset>
          </div>
          <div class={`panes show-${view.value}`}>
            <div class="pane-list">
              {view.value === 'table' ? (
                <Table teams={shown.value} choice={choice} zone={zone} />
              ) : (
                <List teams={shown.value} choice={choice} zone={zone} />
              )}
            </div>
            <div class="pane-map">
              <Ground round={r.round} teams={all} choice={choice} />
            </div>
            <div class="pane-card">
              <Card stop={chosen.value} teams={all.value} choice={choice} zone={zone} />
            </div>
            <div class="pane-time">
              <Timeline teams={all.value} choice={choice} zone={zone} />
            </div>
          </div>
        </>
      )}
    </div>
  )
}

function Summary({ read }: { read: Read }): JSX.Element {
  const { round, progress } = read
  return (
    <p class="summary">
      <span class="badge">{say('state', round.status)}</span>{' '}
      {t('board.summary', { done: progress.done, total: progress.stops || (round.cases ?? 0) })}
      {' · '}
      <a href={address.leftout(round.id)}>{t('board.leftout', { n: round.unassigned.length })}</a>
      {' · '}
      {round.status === 'published' ? (
        <a href={address.replan(round.id)}>{t('plan.anew')}</a>
      ) : (
        <a href={address.planning(round.id)}>{t('plan.check')}</a>
      )}
    </p>
  )
}

/** The state of a stop in words, with a sign that does not rest on colour. */
function State({ stop }: { stop: Stop }): JSX.Element {
  const state = stop.state || 'planned'
  const done = state === 'visited' || state === 'done'
  const late = stop.late >= 15
  return (
    <span class={`state ${late ? 'late' : state}`}>
      <span aria-hidden="true">
        {done ? '✓' : late ? '!' : state === 'under_way' ? '▸' : waits(stop) ? '○' : '×'}
      </span>{' '}
      {late ? t('stop.late', { time: duration(stop.late * 60) }) : say('state', state)}
    </span>
  )
}

const optionID = (stop: string): string => `o-${stop.replace(/[^A-Za-z0-9_-]/g, '_')}`

/** The stops as one list, in which the arrows move. The map and the timeline follow it. */
function List({ teams, choice, zone }: { teams: Team[]; choice: Choice; zone: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const stop = choice.stop.value
  // A choice made on the map or in the timeline comes into view here.
  useEffect(() => {
    document.getElementById(optionID(stop))?.scrollIntoView({ block: 'nearest' })
  }, [stop])
  const onKey = (e: KeyboardEvent): void => {
    if (e.key === 'Enter' && stop) {
      choice.centre.value++
      e.preventDefault()
      return
    }
    if (e.key === 'Escape') {
      choice.stop.value = ''
      return
    }
    const to = move(teams, stop, e.key)
    if (to === undefined) return
    e.preventDefault()
    choice.stop.value = to
  }
  if (teams.length === 0) return <p class="card empty">{t('board.notfound')}</p>
  return (
    <div
      ref={box}
      class="stops"
      role="listbox"
      tabIndex={0}
      aria-label={t('board.list')}
      aria-activedescendant={stop ? optionID(stop) : undefined}
      onKeyDown={onKey}
    >
      {teams.map(team => (
        // biome-ignore lint/a11y/useSemanticElements: a group of options within a list box, which fieldset is not
        <div
          key={team.id}
          role="group"
          aria-label={t('board.group', { n: team.number, team: team.id })}
          class="group"
        >
          <div class="grouphead" aria-hidden="true">
            <TeamMark team={team} /> <bdi>{team.id}</bdi>
            <span class="quiet">
              {t('team.done', {
                done: team.progress?.done ?? 0,
                total: team.progress?.stops ?? team.stops.length,
              })}
            </span>
          </div>
          {team.stops.map(s => (
            <Option key={s.id} stop={s} team={team} choice={choice} zone={zone} />
          ))}
        </div>
      ))}
    </div>
  )
}

function Option(a: { stop: Stop; team: Team; choice: Choice; zone: string }): JSX.Element {
  const { stop: s, team, choice } = a
  const on = choice.stop.value === s.id
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list box has the focus, and names the option that is active
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list box hears the keys
    <div
      id={optionID(s.id)}
      role="option"
      aria-selected={on}
      class={`option${choice.under.value === s.id ? ' under' : ''}`}
      onClick={() => {
        choice.stop.value = s.id
      }}
      onDblClick={() => {
        choice.centre.value++
      }}
      onMouseEnter={() => {
        choice.under.value = s.id
      }}
      onMouseLeave={() => {
        choice.under.value = ''
      }}
    >
      <span class={`seq c${team.colour}`}>{s.seq}</span>
      <span class="time">{clock(s.eta, a.zone)}</span>
      <bdi class="case">{s.case}</bdi>
      <State stop={s} />
    </div>
  )
}

/** All stops as a table, for who wants columns, or to copy them. */
function Table({ teams, choice, zone }: { teams: Team[]; choice: Choice; zone: string }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll tablebox" tabIndex={0} aria-label={t('board.view.table')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('team')}</th>
            <th scope="col">{t('stop.seq')}</th>
            <th scope="col">{t('stop.case')}</th>
            <th scope="col">{t('stop.eta')}</th>
            <th scope="col">{t('stop.window')}</th>
            <th scope="col">{t('stop.state')}</th>
          </tr>
        </thead>
        <tbody>
          {teams.flatMap(team =>
            team.stops.map(s => (
              <tr key={s.id} class={choice.stop.value === s.id ? 'on' : ''}>
                <td>
                  <TeamMark team={team} /> <bdi>{team.id}</bdi>
                </td>
                <td>{number(s.seq)}</td>
                <td>
                  <button
                    type="button"
                    class="link"
                    aria-pressed={choice.stop.value === s.id}
                    onClick={() => {
                      choice.stop.value = s.id
                    }}
                  >
                    <bdi>{s.case}</bdi>
                  </button>
                </td>
                <td>{clock(s.eta, zone)}</td>
                <td>{windowOf(s, zone)}</td>
                <td>
                  <State stop={s} />
                </td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </section>
  )
}

function windowOf(s: Stop, zone: string): string {
  return `${clock(s.window.from, zone)}–${clock(s.window.to, zone)}`
}

/** All about the chosen stop. */
function Card(a: { stop: Stop | undefined; teams: Team[]; choice: Choice; zone: string }): JSX.Element {
  const { stop: s, choice, zone } = a
  const team = a.teams.find(x => x.id === s?.team)
  if (!s || !team) return <p class="card empty stopcard">{t('stop.none')}</p>
  const step = (key: string): void => {
    const to = move(a.teams, s.id, key)
    if (to) choice.stop.value = to
  }
  const lawful = s.begins >= Date.parse(s.window.from) && s.begins < Date.parse(s.window.to)
  return (
    <section class="card stopcard" aria-label={t('stop.title')}>
      <header>
        <h2>
          <TeamMark team={team} /> {t('stop.heading', { n: s.seq })} · <bdi>{s.case}</bdi>
        </h2>
        <State stop={s} />
      </header>
      <dl>
        <dt>{t('stop.eta')}</dt>
        <dd>
          {clock(s.eta, zone)} <span class="quiet">{t('stop.service', { time: duration(s.service_s) })}</span>
        </dd>
        <dt>{t('stop.window')}</dt>
        <dd>
          {windowOf(s, zone)} <span class="quiet">{lawful ? t('stop.lawful') : t('stop.unlawful')}</span>
        </dd>
        <dt>{t('stop.way')}</dt>
        <dd>
          {duration(s.travel_s)}, {distance(s.distance_m)}
        </dd>
        {s.visited_at && !s.visited_at.startsWith('0001') && (
          <>
            <dt>{t('stop.visited')}</dt>
            <dd>{clock(s.visited_at, zone)}</dd>
          </>
        )}
        {s.appointment && (
          <>
            <dt>{t('stop.appointment')}</dt>
            <dd>{t('stop.promised')}</dd>
          </>
        )}
        <dt>{t('team')}</dt>
        <dd>
          <bdi>{team.id}</bdi>
        </dd>
      </dl>
      <div class="buttons">
        <button type="button" onClick={() => step('ArrowUp')}>
          {t('stop.previous')}
        </button>
        <button type="button" onClick={() => step('ArrowDown')}>
          {t('stop.next')}
        </button>
        <button
          type="button"
          onClick={() => {
            choice.centre.value++
          }}
        >
          {t('stop.centre')}
        </button>
      </div>
    </section>
  )
}
