// Planning a round and planning it anew, in a real browser against the real program.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { compiled } from './compiled.mjs'
import { client, demo, password } from './demo.mjs'

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const en = JSON.parse(readFileSync(new URL('../words/en.json', import.meta.url), 'utf8'))
const shots = new URL('./shots/', import.meta.url).pathname
mkdirSync(shots, { recursive: true })
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

let town
let browser
const open = []
before(async () => {
  ;[town, browser] = await Promise.all([demo(), chromium.launch({ executablePath })])
})
after(async () => {
  await browser?.close()
  await town?.stop()
})
afterEach(async () => {
  for (const c of open.splice(0)) await c.close()
})

const allowed = [/GPU stall due to ReadPixels/]

/** A page of a supervisor, which is watched. */
async function signedIn(path = '', o = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en', ...o })
  open.push(context)
  const p = await context.newPage()
  const trouble = []
  p.on('console', m => {
    if (!allowed.some(a => a.test(m.text()))) trouble.push(`${m.type()}: ${m.text()}`)
  })
  p.on('pageerror', e => trouble.push(String(e.stack)))
  p.on('request', r => {
    const u = new URL(r.url())
    if (u.origin !== town.url && u.protocol !== 'data:' && u.protocol !== 'blob:')
      trouble.push(`asked ${u.href}`)
  })
  p.setDefaultTimeout(120_000)
  p.calm = () => assert.deepEqual(trouble.splice(0), [])
  await p.goto(`${town.url}/console/`)
  await p.locator('input[autocomplete=username]').fill('supervisor')
  await p.locator('input[autocomplete=current-password]').fill(password)
  await p.keyboard.press('Enter')
  await p.waitForSelector('table.teams')
  if (path) await p.goto(`${town.url}/console/${path}`)
  return p
}

async function until(is, what = 'it') {
  for (const end = Date.now() + 120_000; !(await is()); await new Promise(done => setTimeout(done, 50))) {
    assert.ok(Date.now() < end, `${what} did not come to be`)
  }
}

/** Goes to an element by Tab alone. */
async function tabTo(p, what) {
  for (let i = 0; i < 200; i++) {
    await p.keyboard.press('Tab')
    if (await p.evaluate(w => document.activeElement?.matches(w), what)) return
  }
  assert.fail(`Tab does not reach ${what}`)
}

const working = '2026-12-03'

test('warnings come gravest first, and a plan is compared with the newest earlier day that was published', async () => {
  const { warningsOf, lastRound, fallen } = await compiled('console/plans.ts')
  const round = {
    failure_text: 'no room',
    status: 'planned',
    routes: [
      { team: 'a', stops: [] },
      { team: 'b', stops: [{}] },
    ],
    unassigned: [{ code: 'APPOINTMENT' }, { code: 'NO_TIME' }, { code: 'NO_TIME' }],
    cost: { overtime_s: 61 },
    travel_note: 'as the crow flies',
  }
  const kinds = warningsOf(round, { left_out: 1 }, { id: 'x' }).map(w => `${w.kind} ${w.n}`)
  assert.deepEqual(kinds, [
    'failed 1',
    'replaces 1',
    'appointments 1',
    'idle 1',
    'overtime 2',
    'more 2',
    'travel 1',
  ])
  const calm = { status: 'planned', routes: [{ team: 'b', stops: [{}] }], unassigned: [] }
  assert.deepEqual(warningsOf(calm, { left_out: 1 }, undefined), [])
  const rounds = [
    { id: '1', date: '2026-12-01', status: 'published' },
    { id: '2', date: '2026-12-02', status: 'cancelled' },
    { id: '3', date: '2026-12-01', status: 'replaced' },
    { id: '5', date: '2026-12-05', status: 'published' },
  ]
  assert.equal(lastRound(rounds, { id: '9', date: '2026-12-03' }).id, '1')
  assert.equal(lastRound(rounds, { id: '9', date: '2026-12-01' }), undefined)
  assert.equal(fallen([{ cost: 200 }, { cost: 150 }]), 25)
  assert.equal(fallen([]), 0)
})

test('by keyboard alone: a round is planned, its search ended with the best so far, checked and published', async () => {
  const office = await client(town.url, 'supervisor')
  const { items: shifts } = await office('GET', '/v1/shifts?branch=RIBEIRA&date=2026-12-01')
  for (const s of shifts) {
    await office('PUT', `/v1/teams/${s.team}/shifts/${working}`, { from: s.from, to: s.to })
  }
  const p = await signedIn(`plan?date=${working}`)
  await p.waitForSelector('fieldset .checks')
  assert.equal(await p.locator('.checks input').count(), shifts.length)
  await tabTo(p, 'input[type=number]')
  await p.keyboard.press('Control+A')
  await p.keyboard.type('120')
  await tabTo(p, 'button[type=submit]')
  await p.keyboard.press('Enter')
  await p.waitForSelector('.search progress')
  assert.equal(await p.evaluate(() => document.activeElement.tagName), 'H1')
  // The figures of the search are shown while it goes on.
  await p.getByText(/^Best so far: \d+ visits/).waitFor()
  await p.screenshot({ path: `${shots}planning-en-light.png` })
  const began = Date.now()
  await tabTo(p, '.search button.main')
  await p.keyboard.press('Enter')
  await p.waitForSelector('#figures-h')
  assert.ok(Date.now() - began < 60_000, 'the search of two minutes was not ended')
  const id = /rounds\/([^/]+)\/plan/.exec(p.url())[1]
  const planned = await office('GET', `/v1/rounds/${id}`)
  assert.equal(planned.status, 'planned')
  assert.equal(planned.stopped_by, 'supervisor')
  assert.ok(planned.stops > 10)
  // The first row is the number of visits, beside that of the day before.
  const first = await p.locator('#figures-h ~ table tbody tr').first().innerText()
  assert.match(first, new RegExp(`^Visits\\s+${planned.stops}\\s+\\d+`))
  assert.match(await p.locator('[role=status].hidden').first().innerText(), /^Planned: \d+ visits/)
  const before = await p.evaluate(() => {
    const at = s => document.querySelector(s).getBoundingClientRect().top
    return at('#warn-h') < at('#figures-h')
  })
  assert.ok(before, 'warnings come first')
  await p.screenshot({ path: `${shots}check-en-light.png`, fullPage: true })
  await p.evaluate(() => document.querySelector('h1').focus())
  await tabTo(p, '.buttons button.main')
  await p.keyboard.press('Enter')
  await until(async () => (await office('GET', `/v1/rounds/${id}`)).status === 'published', 'the round')
  await p.getByRole('link', { name: en['plan.anew'] }).waitFor()
  p.calm()
})

test('a proposal is a table of what changes; leaving it changes nothing, accepting it sends what was shown', async () => {
  const office = await client(town.url, 'supervisor')
  const at = `/v1/rounds/${town.round}`
  const was = await office('GET', at)
  const routes = [...was.routes].sort((a, b) => (a.team < b.team ? -1 : 1)).filter(r => r.stops.length > 1)
  const [one, other] = routes
  const moved = one.stops.at(-1)
  const p = await signedIn(`rounds/${town.round}/replan`)
  await p.locator('details', { hasText: one.team }).first().locator('summary').focus()
  await p.keyboard.press('Enter')
  const wish = p.getByLabel(en['change.wishfor'].replace('{case}', moved.case))
  await wish.focus()
  await wish.selectOption(`to:${other.team}`)
  await tabTo(p, 'button[type=submit]')
  await p.keyboard.press('Enter')
  await p.waitForSelector('.proposal h2')
  await until(() => p.evaluate(() => document.activeElement.matches('.proposal h2')), 'the focus')
  const row = p.locator('table.changes tr', { hasText: moved.case })
  const text = await row.innerText()
  assert.ok(text.includes(one.team) && text.includes(other.team), text)
  await p.waitForSelector('.changemap .mapbox[data-ready=true]')
  await p.screenshot({ path: `${shots}replan-en-light.png`, fullPage: true })
  const now = await office('GET', at)
  assert.deepEqual(now.routes, was.routes, 'nobody has accepted')
  await p.getByRole('button', { name: en['change.leave'] }).click()
  await p.waitForSelector('form.planform')
  assert.equal((await office('GET', at)).version ?? 0, was.version ?? 0)
  // Again, and now it is taken.
  await p.locator('button[type=submit]').click()
  await p.waitForSelector('.proposal h2')
  await p.getByRole('button', { name: en['change.accept'] }).focus()
  await p.keyboard.press('Enter')
  await p.waitForSelector('#figures-h')
  await until(async () => (await office('GET', at)).status === 'published', 'the round')
  const then = await office('GET', at)
  assert.equal(then.version, (was.version ?? 0) + 1)
  assert.ok(then.routes.find(r => r.team === other.team).stops.some(s => s.case === moved.case))
  p.calm()
})

test('a proposal that the day has overtaken is refused in words, and can be asked for again', async () => {
  const office = await client(town.url, 'supervisor')
  const at = `/v1/rounds/${town.round}`
  const p = await signedIn(`rounds/${town.round}/replan`)
  await p.locator('button[type=submit]').click()
  await p.waitForSelector('.proposal h2')
  // Meanwhile somebody gives a case to another team.
  const now = await office('GET', at)
  const from = now.routes.find(r => r.stops.some(s => s.state === 'open'))
  const to = now.routes.find(r => r.team !== from.team)
  const given = from.stops.find(s => s.state === 'open')
  await office('POST', `/v1/cases/${given.case}/reassign`, { team: to.team })
  await p.getByRole('button', { name: en['change.accept'] }).click()
  await p.getByText(en['change.old']).waitFor()
  assert.equal((await office('GET', at)).version, now.version)
  await p.locator('.notice button').click()
  await p.waitForSelector('.proposal h2')
})

test('each screen passes axe and fits 320 pixels: light and dark, English and Arabic', async () => {
  const office = await client(town.url, 'supervisor')
  const { items } = await office('GET', `/v1/rounds?branch=RIBEIRA&date=${working}`)
  const p = await signedIn()
  const screens = {
    plan: [`plan?date=${working}`, 'fieldset .checks'],
    planempty: ['plan?date=2026-12-24', '.notice.warn'],
    check: [`rounds/${items[0].id}/plan`, '#figures-h'],
    planmissing: ['rounds/no-such-round/plan', '.notice.bad'],
    replan: [`rounds/${town.round}/replan`, 'form.planform'],
    proposal: [`rounds/${town.round}/replan`, 'form.planform'],
  }
  for (const [name, [path, ready]] of Object.entries(screens)) {
    for (const [lang, dir] of [
      ['en', 'ltr'],
      ['ar', 'rtl'],
    ]) {
      await p.goto(`${town.url}/console/${path}`)
      await p.waitForSelector(ready)
      await p.locator('select:has(option[lang=ar])').first().selectOption(lang)
      await p.waitForSelector(`:root[dir=${dir}]`)
      if (name === 'replan')
        await p
          .locator('details')
          .first()
          .evaluate(d => d.setAttribute('open', ''))
      if (name === 'proposal') {
        await p.locator('.checks input').first().check()
        await p.locator('button[type=submit]').click()
        await p.waitForSelector('.proposal h2')
      }
      for (const colorScheme of ['light', 'dark']) {
        await p.emulateMedia({ colorScheme })
        await p.waitForSelector(`:root[data-theme=${colorScheme}]`)
        if (name === 'proposal') await p.waitForSelector('.changemap .mapbox[data-ready=true]')
        await p.evaluate(axe)
        const { violations } = await p.evaluate(() => globalThis.axe.run())
        const found = violations.map(
          v => `${v.id}: ${v.nodes.map(n => `${n.html} ${n.failureSummary}`).join('\n')}`,
        )
        assert.deepEqual(found, [], `${name} ${lang} ${colorScheme}`)
        await p.screenshot({ path: `${shots}${name}-${lang}-${colorScheme}.png`, fullPage: true })
      }
      const text = await p.locator('main').innerText()
      const bare = text.match(/\b[A-Z]{2,}(_[A-Z]+)+\b|\b[a-z]+(_[a-z]+)+\b|\{\w+\}|undefined|NaN/g)
      assert.equal(bare, null, `${name} ${lang}: bare codes`)
      await p.setViewportSize({ width: 320, height: 640 })
      await until(() => p.evaluate(() => document.documentElement.clientWidth === 320))
      const wide = await p.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      await p.screenshot({ path: `${shots}${name}-${lang}-320.png`, fullPage: true })
      assert.ok(wide <= 0, `${name} ${lang}: ${wide} pixels wider than 320`)
      await p.setViewportSize({ width: 1440, height: 900 })
    }
    await p.locator('select:has(option[lang=ar])').first().selectOption('en')
  }
})
