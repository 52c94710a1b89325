import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Round as RoundHead } from '../../shared/api'
import { call, type Refused } from '../../shared/call'
import { clock, distance, duration, longDate, number } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { type Key, say, t } from '../../shared/words'
import { branch } from '../branch'
import type { Round } from '../day'
import { resource } from '../live'
import { fallen, lastRound, type Sample, warningsOf } from '../plans'
import { address } from '../route'
import { refusalOf } from './plan'

const stages: Record<string, Key> = {
  reading: 'plan.stage.reading',
  judging: 'plan.stage.judging',
  measuring: 'plan.stage.measuring',
  searching: 'plan.stage.searching',
  writing: 'plan.stage.writing',
  issuing: 'plan.stage.issuing',
}

/** The states in which something is under way. */
const busyStates = ['queued', 'planning', 'publishing', 'replanning', 'cancelling']

interface Read {
  round: Round
  last: RoundHead | undefined
  /** Another round of the day that is on the phones. */
  out: RoundHead | undefined
}

async function readPlan(id: string, branchID: string): Promise<Read> {
  const round = await call('GET', '/v1/rounds/{id}', { path: { id } })
  if (busyStates.includes(round.status)) return { round, last: undefined, out: undefined }
  const [all, same] = await Promise.all([
    call('GET', '/v1/rounds', { query: { branch: branchID, limit: 200 } }),
    call('GET', '/v1/rounds', { query: { branch: branchID, date: round.date, limit: 50 } }),
  ])
  const of = (same.items ?? []).filter(r => r.id !== id)
  return {
    round,
    last: lastRound(all.items ?? [], round),
    out: of.find(r => ['published', 'replanning'].includes(r.status)),
  }
}

/** A round on its way: the search, the check before it is published, and its being issued. */
export function Planning({ id }: { id: string }): JSX.Element {
  const b = branch.value!
  const read = useMemo(
    () =>
      resource(
        () => readPlan(id, b.id),
        p => p.rounds.includes(id),
        60,
      ),
    [id, b.id],
  )
  useEffect(() => read.stop, [read])
  const samples = useSignal<Sample[]>([])
  const asking = useSignal('')
  const trouble = useSignal<Refused | undefined>(undefined)
  const said = useSignal('')
  const d = read.data.value
  const status = d?.round.status ?? ''
  // What a search has found is told to nobody: it is asked for while one is under way.
  useEffect(() => {
    if (!busyStates.includes(status)) return
    const timer = setInterval(read.reload, 500)
    return () => clearInterval(timer)
  }, [status, read])
  useEffect(() => {
    const p = d?.round.progress
    const was = samples.value.at(-1)
    if (p?.stage !== 'searching' || !p.cost || (was?.cost === p.cost && was.stops === p.stops)) return
    samples.value = [...samples.value, { cost: p.cost, stops: p.stops ?? 0, left: p.left_out ?? 0 }]
  }, [d])
  // Said once for each state, so that a screen reader hears the result and no figure in between.
  useEffect(() => {
    if (!d) return
    said.value =
      status === 'planned'
        ? t('plan.done', { stops: d.round.stops ?? 0, left: d.round.left_out ?? 0 })
        : say('state', status)
  }, [status])
  const act = async (what: 'stop' | 'cancel' | 'publish'): Promise<void> => {
    asking.value = what
    trouble.value = undefined
    try {
      await call('POST', `/v1/rounds/{id}/${what}` as '/v1/rounds/{id}/stop', {
        path: { id },
        key: crypto.randomUUID(),
      })
    } catch (e) {
      trouble.value = refusalOf(e)
    } finally {
      asking.value = ''
      read.reload()
    }
  }
  return (
    <div class="stack">
      <div class="top">
        <Heading>{d ? t('plan.of', { date: longDate(d.round.date) }) : t('plan.title')}</Heading>
        {d && (
          <p class="summary">
            <span class="badge">{say('state', status)}</span>
          </p>
        )}
      </div>
      <p class="hidden" role="status">
        {said.value}
      </p>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {trouble.value && <Trouble of={trouble.value} />}
      {!d && !read.problem.value && <Loading what={t('plan.loading')} />}
      {d && busyStates.includes(status) && (
        <Search round={d.round} samples={samples.value} asking={asking} act={act} />
      )}
      {d && !busyStates.includes(status) && <Outcome read={d} asking={asking} act={act} />}
    </div>
  )
}

type Act = (what: 'stop' | 'cancel' | 'publish') => Promise<void>

function Search(a: { round: Round; samples: Sample[]; asking: Signal<string>; act: Act }): JSX.Element {
  const p = a.round.progress
  const stage = stages[p?.stage ?? '']
  const last = a.samples.at(-1)
  const searches = ['queued', 'planning', 'replanning'].includes(a.round.status)
  return (
    <section class="card search" aria-labelledby="search-h">
      <h2 id="search-h">{stage ? t(stage) : t('plan.stage.waiting')}</h2>
      <progress max={1} value={p?.fraction ?? 0} aria-labelledby="search-h" />
      <p>
        {last
          ? t('plan.sofar', { stops: last.stops, left: last.left })
          : a.round.stopped_by
            ? t('plan.stopping')
            : t('plan.nothingyet')}
      </p>
      {last && (
        <>
          <p class="quiet">{t('plan.fallen', { percent: fallen(a.samples) })}</p>
          <Falling samples={a.samples} />
        </>
      )}
      {searches && (
        <div class="buttons">
          <button
            type="button"
            class="main"
            disabled={a.asking.value !== '' || !!a.round.stopped_by}
            onClick={() => void a.act('stop')}
          >
            {a.round.stopped_by ? t('plan.stopping') : t('plan.stop')}
          </button>
          {a.round.status !== 'replanning' && (
            <button type="button" disabled={a.asking.value !== ''} onClick={() => void a.act('cancel')}>
              {t('plan.calloff')}
            </button>
          )}
        </div>
      )}
      {searches && <p class="quiet">{t('plan.stop.about')}</p>}
    </section>
  )
}

/** The cost as it falls. The sentence above says the same. */
function Falling({ samples }: { samples: Sample[] }): JSX.Element | null {
  if (samples.length < 2) return null
  const costs = samples.map(s => s.cost)
  const top = Math.max(...costs)
  const low = Math.min(...costs)
  const points = costs
    .map((c, i) => `${(100 * i) / (costs.length - 1)},${2 + (36 * (top - c)) / Math.max(1, top - low)}`)
    .join(' ')
  return (
    <svg class="falling" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points} />
    </svg>
  )
}

function Outcome(a: { read: Read; asking: Signal<string>; act: Act }): JSX.Element {
  const { round } = a.read
  if (round.status === 'failed') {
    return (
      <div class="notice bad">
        <p>{t('plan.failed')}</p>
        {round.failure_text && (
          <p lang="en" dir="ltr">
            {round.failure_text}
          </p>
        )}
        <p>
          <a href={`${address.plan()}?date=${round.date}`}>{t('plan.again')}</a>
        </p>
      </div>
    )
  }
  if (['cancelled', 'replaced'].includes(round.status)) {
    return (
      <p class="card empty">
        {t('plan.over')} <a href={`${address.plan()}?date=${round.date}`}>{t('plan.again')}</a>
      </p>
    )
  }
  const draft = round.status === 'planned'
  return (
    <>
      {round.replan?.failure_text && !draft && (
        <div class="notice bad">
          <p>{t('plan.replanfailed')}</p>
          <p lang="en" dir="ltr">
            {round.replan.failure_text}
          </p>
        </div>
      )}
      <Warnings read={a.read} />
      <Figures read={a.read} />
      <TeamTable round={round} />
      <div class="buttons">
        {draft && (
          <button
            type="button"
            class="main"
            disabled={a.asking.value !== ''}
            onClick={() => void a.act('publish')}
          >
            {t('plan.publish')}
          </button>
        )}
        <a class="button" href={address.board(round.id)}>
          {t('plan.board')}
        </a>
        <a class="button" href={address.leftout(round.id)}>
          {t('plan.leftout', { n: round.unassigned.length })}
        </a>
        {draft && (
          <>
            <a class="button" href={`${address.plan()}?date=${round.date}`}>
              {t('plan.again')}
            </a>
            <button type="button" disabled={a.asking.value !== ''} onClick={() => void a.act('cancel')}>
              {t('plan.discard')}
            </button>
          </>
        )}
        {round.status === 'published' && (
          <a class="button" href={address.replan(round.id)}>
            {t('plan.anew')}
          </a>
        )}
      </div>
    </>
  )
}

const warningWords = {
  failed: 'plan.warn.failed',
  replaces: 'plan.warn.replaces',
  idle: 'plan.warn.idle',
  overtime: 'plan.warn.overtime',
  appointments: 'plan.warn.appointments',
  more: 'plan.warn.more',
  travel: 'plan.warn.travel',
  refused: 'plan.warn.refused',
} as const satisfies Record<string, Key>

function Warnings({ read }: { read: Read }): JSX.Element {
  const found = warningsOf(read.round, read.last, read.out)
  return (
    <section aria-labelledby="warn-h" class={found.length ? 'notice warn' : 'card'}>
      <h2 id="warn-h">{t('plan.warnings')}</h2>
      {found.length === 0 && <p>{t('plan.nowarnings')}</p>}
      {found.length > 0 && (
        <ul class="warnings">
          {found.map(w => (
            <li key={w.kind}>
              {t(warningWords[w.kind], { n: w.n })}
              {w.text && (
                <>
                  {' '}
                  <span lang="en" dir="ltr">
                    {w.text}
                  </span>
                </>
              )}
              {w.teams.length > 0 && (
                <>
                  {' '}
                  <bdi>{w.teams.join(', ')}</bdi>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** The difference of a figure, in words for who does not see the colour. */
function Difference(a: {
  is: number
  was: number | undefined
  less: boolean | undefined
  show: (n: number) => string
}): JSX.Element {
  if (a.was === undefined) return <td class="num quiet">–</td>
  const by = a.is - a.was
  if (by === 0) return <td class="num quiet">{t('plan.same')}</td>
  // A shorter way is no gain where fewer people are visited: such figures have no colour.
  const tone = a.less === undefined ? '' : (a.less ? by < 0 : by > 0) ? 'gain' : 'loss'
  return (
    <td class={`num ${tone}`}>
      {by > 0 ? '+' : '−'}
      {a.show(Math.abs(by))}
    </td>
  )
}

function Figures({ read }: { read: Read }): JSX.Element {
  const { round, last } = read
  const c = round.cost
  const w = last?.cost
  const rows: {
    name: Key
    is: number
    was: number | undefined
    less: boolean | undefined
    show: (n: number) => string
  }[] = [
    { name: 'plan.f.stops', is: round.stops ?? 0, was: last?.stops, less: false, show: number },
    { name: 'plan.f.left', is: round.unassigned.length, was: last?.left_out, less: true, show: number },
    { name: 'plan.f.teams', is: round.routes.length, was: last?.routes, less: undefined, show: number },
    { name: 'plan.f.travel', is: c?.travel_s ?? 0, was: w?.travel_s, less: undefined, show: duration },
    { name: 'plan.f.distance', is: c?.distance_m ?? 0, was: w?.distance_m, less: undefined, show: distance },
    { name: 'plan.f.wait', is: c?.wait_s ?? 0, was: w?.wait_s, less: undefined, show: duration },
    { name: 'plan.f.overtime', is: c?.overtime_s ?? 0, was: w?.overtime_s, less: true, show: duration },
    {
      name: 'plan.f.priority',
      is: c?.priority_served ?? 0,
      was: w?.priority_served,
      less: false,
      show: number,
    },
  ]
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-labelledby="figures-h">
      <h2 id="figures-h">{last ? t('plan.against', { date: longDate(last.date) }) : t('plan.figures')}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('plan.f')}</th>
            <th scope="col" class="num">
              {t('plan.f.is')}
            </th>
            <th scope="col" class="num">
              {t('plan.f.was')}
            </th>
            <th scope="col" class="num">
              {t('plan.f.by')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(r => (
            <tr key={r.name}>
              <th scope="row">{t(r.name)}</th>
              <td class="num">{r.show(r.is)}</td>
              <td class="num">{r.was === undefined ? '–' : r.show(r.was)}</td>
              <Difference is={r.is} was={r.was} less={r.less} show={r.show} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function TeamTable({ round }: { round: Round }): JSX.Element {
  const zone = branch.value?.time_zone ?? 'UTC'
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-labelledby="byteam-h">
      <h2 id="byteam-h">{t('plan.byteam')}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('team')}</th>
            <th scope="col" class="num">
              {t('plan.f.stops')}
            </th>
            <th scope="col" class="num">
              {t('plan.leaves')}
            </th>
            <th scope="col" class="num">
              {t('plan.returns')}
            </th>
            <th scope="col" class="num">
              {t('plan.f.travel')}
            </th>
          </tr>
        </thead>
        <tbody>
          {round.routes.map(r => (
            <tr key={r.team}>
              <th scope="row">
                <bdi>{r.team}</bdi>
              </th>
              <td class="num">{number(r.stops?.length ?? 0)}</td>
              <td class="num">{clock(r.leaves, zone)}</td>
              <td class="num">{clock(r.returns, zone)}</td>
              <td class="num">{duration(r.travel_s)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
