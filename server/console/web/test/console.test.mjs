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
  p.setDefaultTimeout(30_000)
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
const leftOut = () => `${board()}/left-out`
const drawn = p => p.waitForSelector('.mapbox[data-ready=true]')
/** Waits until something is so. */
async function until(is) {
  for (const end = Date.now() + 30_000; !(await is()); await new Promise(done => setTimeout(done, 50))) {
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

  // On the map: the chosen stop is brought to the middle, another is chosen, and the middle is clicked.
  const middle = () => p.locator('.mapbox').getAttribute('data-middle')
  const was = await middle()
  await p.getByRole('button', { name: words.en['stop.centre'] }).click()
  await until(async () => (await middle()) !== was)
  const box = await p.locator('.mapbox canvas').boundingBox()
  await p.locator('.stops').focus()
  await p.keyboard.press('Escape')
  assert.equal(await p.locator('.stopcard dl').count(), 0)
  await p.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
  await p.waitForSelector('.stopcard dl')
  assert.match(await p.locator('.stopcard').innerText(), new RegExp(first.stops[4].case))

  await p.reload()
  await drawn(p)
  assert.match(await p.locator('.stopcard').innerText(), new RegExp(first.stops[4].case))
  p.calm()
})
