import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compiled } from './compiled.mjs'

globalThis.location ??= { pathname: '/console/', search: '', href: 'http://127.0.0.1/console/' }
globalThis.localStorage ??= { getItem: () => null, setItem: () => {}, removeItem: () => {} }
const day = await compiled('console/day.ts')
const { routeOf, address } = await compiled('console/route.ts')
const { startable } = await compiled('console/trusted.ts')
const { wanted } = await compiled('shared/words.ts')

const at = time => `2026-12-01T${time}:00Z`
const stop = (n, time, more = {}) => ({
  seq: n,
  case: `LND-A.C-${n}`,
  assignment: `a${n}`,
  eta: at(time),
  service_s: 600,
  travel_s: 60,
  distance_m: 100,
  door: n,
  window: { from: at('08:00'), to: at('19:00') },
  state: 'open',
  ...more,
})
const round = (routes, status = 'published') => ({ status, routes, unassigned: [] })
const route = (team, stops) => ({ team, leaves: at('08:30'), returns: at('17:10'), stops })

test('teams keep their numbers whatever the order they come in', () => {
  const a = day.teamsOf(round([route('west', []), route('east', [])]), undefined, 0)
  assert.deepEqual(
    a.map(t => [t.id, t.number, t.colour]),
    [
      ['east', 1, 0],
      ['west', 2, 1],
    ],
  )
})

test('the eleventh team has the colour of the first and other dashes', () => {
  const routes = Array.from({ length: 41 }, (_, i) => route(`t${String(i).padStart(2, '0')}`, []))
  const teams = day.teamsOf(round(routes), undefined, 0)
  assert.equal(teams[10].colour, teams[0].colour)
  assert.notEqual(teams[10].dash, teams[0].dash)
  assert.equal(new Set(teams.slice(0, 40).map(t => `${t.colour} ${t.dash}`)).size, 40)
})

test('only a stop that waits in a published round is late', () => {
  const stops = [
    stop(1, '09:00'),
    stop(2, '09:00', { state: 'visited' }),
    stop(3, '09:00', { state: 'under_way' }),
    stop(4, '11:00'),
  ]
  const late = (status, now) =>
    day.teamsOf(round([route('a', stops)], status), undefined, Date.parse(at(now)))[0].stops.map(s => s.late)
  assert.deepEqual(late('published', '09:30'), [30, 0, 0, 0])
  assert.deepEqual(late('planned', '09:30'), [0, 0, 0, 0])
  assert.deepEqual(late('published', '09:00'), [0, 0, 0, 0])
})

test('the arrows move through all teams, and the page keys by team', () => {
  const teams = day.teamsOf(
    round([route('a', [stop(1, '09:00'), stop(2, '10:00')]), route('b', [stop(3, '09:00')])]),
    undefined,
    0,
  )
  const walk = (from, key) => day.move(teams, from, key)
  assert.equal(walk('', 'ArrowDown'), 'a1')
  assert.equal(walk('a2', 'ArrowDown'), 'a3')
  assert.equal(walk('a3', 'ArrowDown'), 'a3')
  assert.equal(walk('a1', 'ArrowUp'), 'a1')
  assert.equal(walk('a1', 'PageDown'), 'a3')
  assert.equal(walk('a3', 'PageUp'), 'a1')
  assert.equal(walk('a1', 'End'), 'a3')
  assert.equal(walk('a3', 'Home'), 'a1')
  assert.equal(walk('a1', 'x'), undefined)
  assert.equal(day.move([], '', 'ArrowDown'), undefined)
})

test('a search finds parts of cases without regard to case, within the chosen team', () => {
  const teams = day.teamsOf(
    round([route('a', [stop(1, '09:00'), stop(12, '10:00')]), route('b', [stop(2, '09:00')])]),
    undefined,
    0,
  )
  const ids = (team, text) => day.found(teams, team, text).flatMap(t => t.stops.map(s => s.seq))
  assert.deepEqual(ids('', ' c-1 '), [1, 12])
  assert.deepEqual(ids('b', 'c-1'), [])
  assert.deepEqual(ids('b', ''), [2])
})

test('a day lasts from the first departure to the last return, in whole hours', () => {
  const teams = day.teamsOf(round([route('a', [stop(1, '09:00')])]), undefined, 0)
  assert.deepEqual(day.spanOf(teams), { from: Date.parse(at('08:00')), to: Date.parse(at('18:00')) })
  assert.equal(day.spanOf([]), undefined)
})

test('cases without a visit are grouped by reason and rule, most cases first', () => {
  const left = [
    { case: 'x', code: 'HOLD', rule: 'house-hold', cite: ['house'] },
    { case: 'y', code: 'NO_TIME' },
    { case: 'z', code: 'NO_TIME' },
  ]
  assert.deepEqual(
    day.reasonsOf(left).map(r => [r.code, r.rule, r.cases.length]),
    [
      ['NO_TIME', '', 2],
      ['HOLD', 'house-hold', 1],
    ],
  )
  assert.equal(day.remedyOf('NO_TIME'), 'staff')
  assert.equal(day.remedyOf('CEASE_REQUEST'), 'respect')
  assert.equal(day.remedyOf('A_NEW_CODE'), 'respect')
})

test('the published round of a date counts before newer ones', () => {
  const rounds = [
    { id: 3, date: 'd', status: 'cancelled' },
    { id: 2, date: 'd', status: 'planned' },
    { id: 1, date: 'd', status: 'published' },
  ]
  assert.equal(day.roundOf(rounds, 'd').id, 1)
  assert.equal(day.roundOf(rounds.slice(0, 2), 'd').id, 2)
  assert.equal(day.roundOf(rounds.slice(0, 1), 'd'), undefined)
  assert.equal(day.roundOf(rounds, 'e'), undefined)
})

test('addresses lead to their screens and back', () => {
  const of = href => routeOf(...[new URL(href, 'http://x')].map(u => [u.pathname, u.search])[0])
  assert.deepEqual(of(address.today()), { screen: 'today' })
  assert.deepEqual(of(address.board('a/b c')), { screen: 'board', round: 'a/b c' })
  assert.deepEqual(of(address.leftout('r1')), { screen: 'leftout', round: 'r1' })
  assert.deepEqual(of(address.inbox('conflicts')), { screen: 'inbox', kind: 'conflicts' })
  assert.deepEqual(of('/console/elsewhere'), { screen: 'unknown' })
  assert.deepEqual(of('/console/rounds/r1/more/still'), { screen: 'unknown' })
  assert.deepEqual(of('/console/rounds/%E0%A4%A'), { screen: 'unknown' })
})

test('only the worker of MapLibre of this server is started', () => {
  const page = 'https://doorstep.example/console/'
  assert.ok(startable('/console/assets/maplibre-gl-worker-AB12CD34.mjs', page))
  for (const bad of [
    'https://elsewhere.example/console/assets/maplibre-gl-worker-AB12CD34.mjs',
    '/console/assets/other-AB12CD34.mjs',
    '/console/assets/../maplibre-gl-worker-AB12CD34.mjs',
    '/files/console/assets/maplibre-gl-worker-AB12CD34.mjs',
    'data:text/javascript,1',
  ]) {
    assert.equal(startable(bad, page), false, bad)
  }
})

test('the language is the chosen one, else the first of the browser that there is', () => {
  assert.equal(wanted('pt', ['en']).tag, 'pt')
  assert.equal(wanted(null, ['fr', 'pt-BR', 'en']).tag, 'pt')
  assert.equal(wanted(null, ['zh-Hans-CN']).tag, 'zh-CN')
  assert.equal(wanted('xx', []).tag, 'en')
})
