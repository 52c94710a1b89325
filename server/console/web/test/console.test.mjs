// The console in a real browser against the real program. Every page is watched: a message in the browser's console, a
// request to another host, a violation of the policy or an answer that failed makes its test fail.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { client, demo, password } from './demo.mjs'

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const words = Object.fromEntries(
  ['en', 'ar'].map(l => [
    l,
    JSON.parse(readFileSync(new URL(`../words/${l}.json`, import.meta.url), 'utf8')),
  ]),
)
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

/** What a page may say: a drawn map that is photographed without a graphics card. */
const allowed = [/GPU stall due to ReadPixels/]

/** A page that is watched. */
async function page(o = {}, from = browser) {
  const context = await from.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en', ...o })
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
  p.forget = () => trouble.splice(0)
  return p
}

async function signedIn(o = {}, from = browser) {
  const p = await page(o, from)
  await p.goto(`${town.url}/console/`)
  await signIn(p)
  return p
}

async function signIn(p, login = 'supervisor', secret = password) {
  await p.locator('input[autocomplete=username]').fill(login)
  await p.locator('input[autocomplete=current-password]').fill(secret)
  await p.keyboard.press('Enter')
  await p.waitForSelector('table.teams, .notice.bad')
}

const board = () => `${town.url}/console/rounds/${town.round}`
const drawn = p => p.waitForSelector('.mapbox[data-ready=true]')
/** Waits until something is so. */
async function until(is) {
  for (const end = Date.now() + 120_000; !(await is()); await new Promise(done => setTimeout(done, 50))) {
    assert.ok(Date.now() < end, 'it did not come to be')
  }
}
const active = p => p.evaluate(() => document.activeElement?.tagName)

test('a wrong password is said in words, and the right one signs in for good', async () => {
  const p = await page()
  await p.goto(`${town.url}/console/`)
  await p.waitForSelector('form')
  p.calm()
  await signIn(p, 'supervisor', 'not the password')
  assert.equal(await p.locator('.notice.bad').innerText(), words.en['problem.auth.bad_credentials'])
  p.forget() // The browser notes the answer 401.
  await signIn(p)
  await p.reload()
  await p.waitForSelector('table.teams')
  p.calm()
  const kept = await p.evaluate(() =>
    JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie }),
  )
  assert.doesNotMatch(kept, /eyJ|refresh/, 'a script can read a token')
  await p.getByRole('button', { name: words.en.signout }).click()
  await p.waitForSelector('form')
  await p.reload()
  await p.waitForSelector('form')
  assert.deepEqual(await p.context().cookies(`${town.url}/v1/sessions`), [])
  p.calm()
})

test('two pages of one browser share its session, and refresh one after the other', async () => {
  const p = await signedIn()
  const q = await p.context().newPage()
  await Promise.all([p.reload(), q.goto(board())])
  await Promise.all([p.waitForSelector('table.teams'), q.waitForSelector('.stops')])
  await Promise.all([p.reload(), q.reload()])
  await Promise.all([p.waitForSelector('table.teams'), q.waitForSelector('.stops')])
  p.calm()
})

test('the board shows the planned day, and list, map and timeline share what is chosen', async () => {
  const office = await client(town.url, 'supervisor')
  const round = await office('GET', `/v1/rounds/${town.round}`)
  const stops = round.routes.flatMap(r => r.stops)
  const p = await signedIn()
  await p.goto(board())
  await drawn(p)
  assert.equal(await p.locator('.option').count(), stops.length)
  assert.equal(await p.locator('rect.visit').count(), stops.length)
  const first = [...round.routes].sort((a, b) => (a.team < b.team ? -1 : 1))[0]
  const third = first.stops[2]

  await p.locator('.option', { hasText: third.case }).click()
  assert.match(await p.locator('.stopcard').innerText(), new RegExp(third.case))
  assert.equal(await p.locator('rect.visit.on').getAttribute('data-stop'), third.assignment)
  assert.ok(p.url().includes(`stop=${third.assignment}`), 'the address keeps the choice')

  const fourth = first.stops[3]
  await p.locator(`rect[data-stop="${fourth.assignment}"]`).click()
  assert.match(await p.locator('.option[aria-selected=true]').innerText(), new RegExp(fourth.case))

  await p.getByRole('button', { name: words.en['stop.next'] }).click()
  assert.match(await p.locator('.stopcard').innerText(), new RegExp(first.stops[4].case))

  await p.reload()
  await drawn(p)
  assert.match(await p.locator('.stopcard').innerText(), new RegExp(first.stops[4].case))
  p.calm()
})

test('a whole path by keyboard alone: sign in, board, a stop, the table, the cases without a visit', async () => {
  const p = await page()
  await p.goto(`${town.url}/console/`)
  await p.waitForSelector('form')
  const tabTo = async what => {
    for (let i = 0; i < 40; i++) {
      await p.keyboard.press('Tab')
      if (await p.evaluate(w => document.activeElement?.matches(w), what)) return
    }
    assert.fail(`Tab does not reach ${what}`)
  }
  await tabTo('input[autocomplete=username]')
  await p.keyboard.type('supervisor')
  await tabTo('input[type=password]')
  await p.keyboard.type(password)
  await p.keyboard.press('Enter')
  await p.waitForSelector('table.teams')
  await tabTo('a.button.main')
  await p.keyboard.press('Enter')
  await p.waitForSelector('.stops')
  assert.equal(await active(p), 'H1', 'the focus goes to the heading of a new screen')
  await tabTo('.stops')
  const chosen = () => p.locator('.option[aria-selected=true]').getAttribute('id')
  const at = () => p.locator('.stops').getAttribute('aria-activedescendant')
  for (const key of [
    'ArrowDown',
    'ArrowDown',
    'ArrowDown',
    'PageDown',
    'ArrowUp',
    'End',
    'Home',
    'ArrowDown',
  ]) {
    const was = await p.locator('.stops').getAttribute('aria-activedescendant')
    await p.keyboard.press(key)
    await until(async () => (await at()) !== was)
    assert.equal(await chosen(), await at())
    assert.ok(await p.locator('.option[aria-selected=true]').isVisible())
  }
  assert.match(
    await p.locator('.stopcard').innerText(),
    new RegExp(words.en['stop.heading'].replace('{n}', '2')),
  )
  await p.keyboard.press('Escape')
  assert.equal(await p.locator('.option[aria-selected=true]').count(), 0)
  await p.keyboard.press('t')
  await p.waitForSelector('.tablebox')
  await tabTo('.tablebox button.link')
  await p.keyboard.press('Enter')
  await p.waitForSelector('.stopcard dl')
  await p.keyboard.press('t')
  await p.waitForSelector('.stops')
  await p.evaluate(() => document.querySelector('h1').focus())
  await tabTo('.summary a')
  await p.keyboard.press('Enter')
  await p.waitForSelector('.reason')
  await tabTo('.reason summary')
  const open = () => p.locator('.reason').first().getAttribute('open')
  const was = await open()
  await p.keyboard.press('Enter')
  await until(async () => (await open()) !== was)
  p.calm()
})

test('a visit that a phone reports is on the board without a reload', async () => {
  const office = await client(town.url, 'supervisor')
  const round = await office('GET', `/v1/rounds/${town.round}`)
  const route = [...round.routes].sort((a, b) => (a.team < b.team ? -1 : 1))[0]
  const stop = route.stops[0]
  const agent = route.agents[0]
  const p = await signedIn()
  await p.goto(board())
  await drawn(p)
  const option = p.locator('.option', { hasText: stop.case })
  assert.match(await option.innerText(), new RegExp(words.en['state.open']))
  const phone = await client(town.url, agent, { id: `${agent}-phone`, platform: 'android' })
  const { as_of: now } = await office('GET', `/v1/rounds/${town.round}/progress`)
  const sent = Date.now()
  const pushed = await phone('POST', '/sync/v1/push', {
    schema: 1,
    mutations: [
      {
        mid: '0193a6f2-7c1e-7000-8000-0000000000aa',
        op: 'put',
        base: 0,
        type: 'visits',
        id: 'seen-on-the-board',
        client_ts: now,
        fields: { case: stop.case, assignment: stop.assignment, at: now, outcome: 'NOT_MET_NOBODY' },
      },
    ],
  })
  assert.equal(pushed.results?.[0]?.status, 'applied', JSON.stringify(pushed))
  await until(async () => new RegExp(words.en['state.done']).test(await option.innerText()))
  console.log(`# on the board after ${Date.now() - sent} ms`)
  assert.match(await p.locator('.summary').innerText(), /^\S+ 1 of /)
  await p.waitForSelector(`rect.visit.over[data-stop="${stop.assignment}"]`)
  p.calm()
})

test('a lost line is said after 45 seconds, and afterwards the board is as if it were loaded anew', async () => {
  const p = await page()
  await p.clock.install()
  await p.goto(`${town.url}/console/`)
  await signIn(p)
  await p.goto(`${town.url}/console/inbox`)
  await p.waitForSelector('.items')
  p.calm()
  town.line.cut()
  try {
    await p.clock.fastForward(30_000)
    assert.equal(await p.locator('.lost.on').count(), 0, 'not stale yet')
    await p.clock.fastForward(17_000)
    await p.waitForSelector('.lost.on')
    assert.match(await p.locator('.lost').innerText(), /Connection lost/)
    assert.equal(await p.locator('main.stale').count(), 1)
    assert.ok((await p.locator('.item').count()) > 0, 'what was read stays')
  } finally {
    town.line.mend()
  }
  // Meanwhile something has changed, of which no poke will tell.
  const office = await client(town.url, 'supervisor')
  const before = await p.locator('.item').count()
  const { items } = await office('GET', '/v1/inbox?branch=RIBEIRA&kind=unassigned')
  await office('POST', `/v1/cases/${items[0].case}/reassign`, { territory: 'RIB-EAST' })
  for (let i = 0; i < 60 && (await p.locator('.lost.on').count()) > 0; i++) {
    await p.clock.fastForward(5_000)
    await new Promise(done => setTimeout(done, 100))
  }
  await p.waitForFunction(() => !document.querySelector('.lost.on'))
  await until(async () => (await p.locator('.item').count()) === before - 1)
  const shown = await p.locator('.items').innerText()
  p.forget()
  await p.reload()
  await p.waitForSelector('.items')
  assert.equal(await p.locator('.items').innerText(), shown)
})

test('without WebGL the list, the table and the times have everything', async () => {
  const plain = await chromium.launch({
    executablePath,
    args: ['--disable-gpu', '--disable-software-rasterizer'],
  })
  try {
    const p = await signedIn({}, plain)
    await p.goto(board())
    await p.waitForSelector('.stops')
    await p.getByText(words.en['map.nowebgl']).waitFor()
    await p.locator('.option').nth(4).click()
    await p.waitForSelector('.stopcard dl')
    assert.equal(await p.locator('rect.visit.on').count(), 1)
    await p.context().close()
  } finally {
    await plain.close()
  }
})

test('an auditor has the audit alone', async () => {
  const p = await page()
  await p.goto(`${town.url}/console/`)
  await p.waitForSelector('form')
  await p.locator('input[autocomplete=username]').fill('auditor')
  await p.locator('input[type=password]').fill(password)
  await p.keyboard.press('Enter')
  await p.getByRole('link', { name: words.en['nav.audit'] }).waitFor()
  assert.equal(await p.locator('header nav a').count(), 1)
  p.calm()
})

test('every reason of the law in force has a sentence', async () => {
  const office = await client(town.url, 'supervisor')
  const { lists } = await office('GET', '/v1/codes')
  assert.ok(lists.conduct_reasons.length > 40)
  assert.deepEqual(
    lists.conduct_reasons.filter(c => !words.en[`reason.${c}`]),
    [],
  )
})

test('each screen passes axe, fits 320 pixels, and shows no bare code: light and dark, English and Arabic', async () => {
  const p = await page()
  await p.goto(`${town.url}/console/`)
  const screens = {
    signin: ['', 'form'],
    today: ['', 'table.teams'],
    board: [`rounds/${town.round}`, '.mapbox[data-ready=true]'],
    leftout: [`rounds/${town.round}/left-out`, '.reason'],
    inbox: ['inbox', '.items'],
    none: ['?date=2026-12-24', '.empty'],
    trouble: ['rounds/no-such-round', '.notice.bad'],
    unknown: ['nowhere', 'h1'],
  }
  const speak = async (lang, dir) => {
    await p.locator('select:has(option[lang=ar])').selectOption(lang)
    await p.waitForSelector(`:root[dir=${dir}]`)
  }
  for (const [name, [path, ready]] of Object.entries(screens)) {
    if (name === 'today') await signIn(p)
    else await p.goto(`${town.url}/console/${path}`)
    await p.waitForSelector(ready)
    for (const [lang, dir] of [
      ['en', 'ltr'],
      ['ar', 'rtl'],
    ]) {
      await speak(lang, dir)
      if (name === 'board') await p.locator('.option').nth(3).click()
      for (const colorScheme of ['light', 'dark']) {
        await p.emulateMedia({ colorScheme })
        await p.waitForSelector(`:root[data-theme=${colorScheme}]`)
        if (name === 'board') await drawn(p)
        await p.evaluate(axe)
        const { violations } = await p.evaluate(() => globalThis.axe.run())
        const found = violations.map(
          v => `${v.id}: ${v.nodes.map(n => `${n.html} ${n.failureSummary}`).join('\n')}`,
        )
        assert.deepEqual(found, [], `${name} ${lang} ${colorScheme}`)
        await p.screenshot({ path: `${shots}${name}-${lang}-${colorScheme}.png` })
      }
      const text = await p.locator('main').innerText()
      const bare = text.match(/\b[A-Z]{2,}(_[A-Z]+)+\b|\b[a-z]+(_[a-z]+)+\b|\{\w+\}|undefined|NaN/g)
      assert.equal(bare, null, `${name} ${lang}: bare codes`)
      await p.emulateMedia({ colorScheme: 'light' })
      await p.setViewportSize({ width: 320, height: 640 })
      await until(() => p.evaluate(() => document.documentElement.clientWidth === 320))
      const wide = await p.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      await p.screenshot({ path: `${shots}${name}-${lang}-320.png` })
      assert.ok(wide <= 0, `${name} ${lang}: ${wide} pixels wider than 320`)
      await p.setViewportSize({ width: 1440, height: 900 })
    }
    await speak('en', 'ltr')
    // A round that does not exist is answered 404, which the browser notes.
    if (name === 'trouble') p.forget()
    p.calm()
  }
})

test('the screenshot of README', { skip: !process.env.README_SHOT && 'README_SHOT is not set' }, async () => {
  const p = await signedIn({ viewport: { width: 1280, height: 760 } })
  await p.goto(board())
  await drawn(p)
  await p.locator('.option').nth(3).click()
  await p.mouse.move(0, 0)
  await p.screenshot({ path: process.env.README_SHOT })
})
