import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { ProposalBroken, ProposalView, ProposeBody } from '../../shared/api'
import { call, type Refused } from '../../shared/call'
import { clock, distance, duration, longDate, number } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { type Key, say, t } from '../../shared/words'
import { branch } from '../branch'
import { type Round, type Stop, type Team, teamsOf, waits } from '../day'
import { now, resource } from '../live'
import { ChangeGround } from '../map/changeground'
import { address, go } from '../route'
import { TeamMark } from '../team'
import { refusalOf, useFocus } from './plan'

/** What a supervisor wants of one visit: nothing, a lock, or another team ("to:" and its id). */
type Wish = '' | 'team' | 'time' | 'visit' | `to:${string}`

type Group = 'without' | 'back' | 'locked'
const asks: Record<Group, Key> = {
  without: 'change.without',
  back: 'change.back',
  locked: 'change.locked',
}

interface Wishes {
  without: Set<string>
  back: Set<string>
  locked: Set<string>
  visits: Map<string, Wish>
}

const none = (): Wishes => ({ without: new Set(), back: new Set(), locked: new Set(), visits: new Map() })

/** The body of a proposal that is asked for with some wishes. */
export function bodyOf(w: Wishes): ProposeBody {
  const locks: NonNullable<ProposeBody['locks']> = [...w.locked].map(team => ({ team }))
  const moves: NonNullable<ProposeBody['moves']> = []
  for (const [id, wish] of w.visits) {
    if (wish.startsWith('to:')) moves.push({ case: id, team: wish.slice(3) })
    else if (wish) locks.push({ case: id, keep: wish as 'team' | 'time' | 'visit' })
  }
  const body: ProposeBody = { time_limit_s: 3 }
  if (w.without.size) body.without = [...w.without]
  if (w.back.size) body.back = [...w.back]
  if (locks.length) body.locks = locks
  if (moves.length) body.moves = moves
  return body
}

/** Plans a day under way anew: what is wanted, what would change, and whether to take it. */
export function Replan({ id }: { id: string }): JSX.Element {
  const zone = branch.value?.time_zone ?? 'UTC'
  const read = useMemo(
    () =>
      resource(
        () => call('GET', '/v1/rounds/{id}', { path: { id } }),
        p => p.rounds.includes(id),
        60,
      ),
    [id],
  )
  useEffect(() => read.stop, [read])
  const wishes = useSignal<Wishes>(none())
  const proposal = useSignal<ProposalView | undefined>(undefined)
  const busy = useSignal<'' | 'search' | 'accept'>('')
  const trouble = useSignal<Refused | undefined>(undefined)
  const r = read.data.value
  const search = async (): Promise<void> => {
    busy.value = 'search'
    trouble.value = undefined
    proposal.value = undefined
    try {
      proposal.value = await call('POST', '/v1/rounds/{id}/proposals', {
        path: { id },
        body: bodyOf(wishes.value),
      })
    } catch (e) {
      trouble.value = refusalOf(e)
    } finally {
      busy.value = ''
    }
  }
  const accept = async (): Promise<void> => {
    busy.value = 'accept'
    trouble.value = undefined
    try {
      const path = { id, proposal: proposal.value!.id }
      await call('POST', '/v1/rounds/{id}/proposals/{proposal}/accept', { path, key: crypto.randomUUID() })
      go(address.planning(id))
    } catch (e) {
      trouble.value = refusalOf(e)
      if (trouble.value.code === 'round.proposal_old') {
        proposal.value = undefined
        read.reload()
      }
    } finally {
      busy.value = ''
    }
  }
  const p = proposal.value
  return (
    <div class="stack">
      <div class="top">
        <Heading>{r ? t('change.title', { date: longDate(r.date) }) : t('change.loading')}</Heading>
        {r && (
          <p class="summary">
            <span class="badge">{say('state', r.status)}</span>{' '}
            <a href={address.board(id)}>{t('leftout.board')}</a>
          </p>
        )}
      </div>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {trouble.value?.code === 'round.proposal_old' ? (
        <div class="notice warn" role="alert">
          <p>{t('change.old')}</p>
          <button type="button" onClick={() => void search()}>
            {t('change.search')}
          </button>
        </div>
      ) : (
        trouble.value && <Trouble of={trouble.value} />
      )}
      {!r && !read.problem.value && <Loading what={t('change.loading')} />}
      {r && r.status !== 'published' && <p class="card empty">{t('change.notnow')}</p>}
      {r && r.status === 'published' && !p && (
        <Ask round={r} wishes={wishes} busy={busy.value === 'search'} search={search} zone={zone} />
      )}
      {r && p && (
        <Shown
          round={r}
          proposal={p}
          zone={zone}
          busy={busy.value !== ''}
          accept={accept}
          leave={() => {
            proposal.value = undefined
          }}
        />
      )}
    </div>
  )
}

function Ask(a: {
  round: Round
  wishes: Signal<Wishes>
  busy: boolean
  search: () => Promise<void>
  zone: string
}): JSX.Element {
  const { round, wishes } = a
  const w = wishes.value
  const teams = teamsOf(round, undefined, now.value)
  const gone = round.replan?.without ?? []
  const toggle = (set: Group, team: string, on: boolean): void => {
    const next = new Set(w[set])
    if (on) next.add(team)
    else next.delete(team)
    wishes.value = { ...w, [set]: next }
  }
  const wish = (id: string, value: Wish): void => {
    const visits = new Map(w.visits)
    if (value) visits.set(id, value)
    else visits.delete(id)
    wishes.value = { ...w, visits }
  }
  const Checks = (c: { set: Group; of: string[] }): JSX.Element | null =>
    c.of.length === 0 ? null : (
      <fieldset>
        <legend>{t(asks[c.set])}</legend>
        <div class="checks">
          {c.of.map(team => (
            <label class="check" key={team}>
              <input
                type="checkbox"
                checked={w[c.set].has(team)}
                onChange={e => toggle(c.set, team, e.currentTarget.checked)}
              />
              <bdi>{team}</bdi>
            </label>
          ))}
        </div>
      </fieldset>
    )
  const all = teams.map(x => x.id)
  return (
    <form
      class="planform"
      onSubmit={e => {
        e.preventDefault()
        void a.search()
      }}
    >
      <p>{t('change.about')}</p>
      <Checks set="without" of={all.filter(x => !gone.includes(x))} />
      <Checks set="back" of={gone} />
      <Checks set="locked" of={all.filter(x => !gone.includes(x))} />
      <section aria-labelledby="visits-h">
        <h2 id="visits-h">{t('change.visits')}</h2>
        {teams.map(team => (
          <Visits key={team.id} team={team} teams={teams} wishes={w} wish={wish} zone={a.zone} />
        ))}
      </section>
      <p>
        <button type="submit" class="main" disabled={a.busy}>
          {a.busy ? t('change.searching') : t('change.search')}
        </button>
      </p>
      <p class="hidden" role="status">
        {a.busy ? t('change.searching') : ''}
      </p>
    </form>
  )
}

function Visits(a: {
  team: Team
  teams: Team[]
  wishes: Wishes
  wish: (id: string, value: Wish) => void
  zone: string
}): JSX.Element {
  const open = a.team.stops.filter((s: Stop) => waits(s) && s.state !== 'under_way')
  const wanted = open.filter(s => a.wishes.visits.has(s.case)).length
  return (
    <details class="card">
      <summary>
        <TeamMark team={a.team} /> <bdi>{a.team.id}</bdi>{' '}
        <span class="quiet">{t('change.open', { n: open.length })}</span>
        {wanted > 0 && <span class="badge">{t('change.wanted', { n: wanted })}</span>}
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label={t('change.visitsof', { team: a.team.id })}>
        <table class="visits">
          <thead>
            <tr>
              <th scope="col">{t('stop.eta')}</th>
              <th scope="col">{t('stop.case')}</th>
              <th scope="col">{t('change.wish')}</th>
            </tr>
          </thead>
          <tbody>
            {open.map(s => (
              <tr key={s.id}>
                <td>{clock(s.eta, a.zone)}</td>
                <td>
                  <bdi>{s.case}</bdi>
                </td>
                <td>
                  <select
                    aria-label={t('change.wishfor', { case: s.case })}
                    value={a.wishes.visits.get(s.case) ?? ''}
                    onChange={e => a.wish(s.case, e.currentTarget.value as Wish)}
                  >
                    <option value="">{t('change.free')}</option>
                    <option value="team">{t('change.keep.team')}</option>
                    <option value="time">{t('change.keep.time')}</option>
                    <option value="visit">{t('change.keep.visit')}</option>
                    {a.teams
                      .filter(x => x.id !== a.team.id && !a.wishes.without.has(x.id))
                      .map(x => (
                        <option key={x.id} value={`to:${x.id}`}>
                          {t('change.to', { team: x.id })}
                        </option>
                      ))}
                  </select>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  )
}

function Shown(a: {
  round: Round
  proposal: ProposalView
  zone: string
  busy: boolean
  accept: () => Promise<void>
  leave: () => void
}): JSX.Element {
  const { proposal: p } = a
  const at = useFocus<HTMLHeadingElement>(p.id)
  const changes = p.changes ?? []
  const broken = p.broken ?? []
  const gone = changes.filter(c => c.kind === 'gone').length
  return (
    <div class="stack proposal">
      <h2 ref={at} tabIndex={-1}>
        {changes.length === 0 ? t('change.nothing') : t('change.found', { n: changes.length })}
      </h2>
      {(broken.length > 0 || gone > 0) && (
        <div class="notice warn">
          <ul class="warnings">
            {gone > 0 && <li>{t('change.gone', { n: gone })}</li>}
            {broken.map(b => (
              <li key={`${b.case} ${b.lock?.keep ?? ''} ${b.lock?.team ?? ''} ${b.move?.team ?? ''}`}>
                <BrokenLine of={b} />
              </li>
            ))}
          </ul>
        </div>
      )}
      <p>
        {t('change.figures', {
          stops: p.after.stops,
          was: p.before.stops,
          travel: duration(p.after.travel_s),
          travelwas: duration(p.before.travel_s),
          way: distance(p.after.distance_m),
          waywas: distance(p.before.distance_m),
        })}
      </p>
      <div class="buttons">
        <button type="button" class="main" disabled={a.busy} onClick={() => void a.accept()}>
          {t('change.accept')}
        </button>
        <button type="button" disabled={a.busy} onClick={a.leave}>
          {t('change.leave')}
        </button>
        <span class="quiet">{t('change.until', { time: clock(p.until, a.zone) })}</span>
      </div>
      <TeamChanges proposal={p} zone={a.zone} />
      {changes.length > 0 && <Changes proposal={p} zone={a.zone} />}
      {changes.length > 0 && <ChangeGround round={a.round} proposal={p} />}
    </div>
  )
}

/** Why a lock or a move is not kept. */
function BrokenLine({ of: b }: { of: ProposalBroken }): JSX.Element {
  const why = b.code ? say('reason', b.code) : t('change.elsewhere')
  const what: Key = b.move
    ? 'change.broken.move'
    : b.lock?.keep === 'time'
      ? 'change.broken.time'
      : b.lock?.keep === 'visit'
        ? 'change.broken.visit'
        : 'change.broken.team'
  return <>{t(what, { case: b.case, team: b.move?.team ?? b.lock?.team ?? '', why })}</>
}

function TeamChanges({ proposal: p, zone }: { proposal: ProposalView; zone: string }): JSX.Element {
  const back = (at: string | undefined): string => (at && !at.startsWith('0001') ? clock(at, zone) : '–')
  const heads: Key[] = [
    'change.n.over',
    'change.n.kept',
    'change.n.moved',
    'change.n.new',
    'change.n.gone',
    'plan.returns',
  ]
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-labelledby="teamchange-h">
      <h3 id="teamchange-h">{t('change.byteam')}</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('team')}</th>
            {heads.map(h => (
              <th scope="col" class="num" key={h}>
                {t(h)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(p.teams ?? []).map(x => (
            <tr key={x.team}>
              <th scope="row">
                <bdi>{x.team}</bdi>
              </th>
              {[x.over, x.kept, x.moved, x.new, x.gone].map((n, i) => (
                <td class="num" key={i}>
                  {number(n)}
                </td>
              ))}
              <td class="num">
                {back(x.returns) === back(x.returns_after) ? (
                  back(x.returns)
                ) : (
                  <>
                    <del>{back(x.returns)}</del> <ins>{back(x.returns_after)}</ins>
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const kinds: Record<string, Key> = { moved: 'change.k.moved', new: 'change.k.new', gone: 'change.k.gone' }

function Changes({ proposal: p, zone }: { proposal: ProposalView; zone: string }): JSX.Element {
  const place = (x: { team: string; eta: string } | undefined): JSX.Element | string =>
    x ? (
      <>
        {clock(x.eta, zone)} <bdi>{x.team}</bdi>
      </>
    ) : (
      '–'
    )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll tablebox" tabIndex={0} aria-labelledby="changes-h">
      <h3 id="changes-h">{t('change.list')}</h3>
      <table class="changes">
        <thead>
          <tr>
            <th scope="col">{t('stop.case')}</th>
            <th scope="col">{t('change.kind')}</th>
            <th scope="col">{t('plan.f.was')}</th>
            <th scope="col">{t('change.then')}</th>
            <th scope="col">{t('leftout.reason')}</th>
          </tr>
        </thead>
        <tbody>
          {(p.changes ?? []).map(c => (
            <tr key={c.case}>
              <th scope="row">
                <bdi>{c.case}</bdi>
              </th>
              <td>{t(kinds[c.kind] ?? 'change.k.moved')}</td>
              <td class="quiet">{place(c.before)}</td>
              <td class="gain">{place(c.after)}</td>
              <td>{c.code ? say('reason', c.code) : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
