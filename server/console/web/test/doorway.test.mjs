// The page of the person visited in a real browser without script, against the real program.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { client, demo } from './demo.mjs'

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

/** A phone of 320 pixels without script; what it asks of other hosts is an error. */
async function phone(locale = 'en') {
  const context = await browser.newContext({
    viewport: { width: 320, height: 640 },
    javaScriptEnabled: false,
    locale,
  })
  open.push(context)
  const p = await context.newPage()
  p.strange = []
  p.referers = []
  p.on('request', r => {
    if (new URL(r.url()).origin !== town.url) p.strange.push(r.url())
    if (r.headers().referer) p.referers.push(r.headers().referer)
  })
  p.setDefaultTimeout(60_000)
  return p
}

/** A case with a stop on a phone today, with what its person knows, and a link for it. */
async function visited(office, n) {
  const round = await office('GET', `/v1/rounds/${town.round}`)
  const stop = round.routes.flatMap(r => r.stops)[n]
  const file = await office('GET', `/v1/cases/${stop.case}`)
  const link = await office('POST', `/v1/cases/${stop.case}/links`, {})
  return { case: stop.case, file, path: link.path }
}

async function enter(p, who) {
  await p.goto(town.url + who.path)
  await p.getByLabel('The postal code of your home').fill(who.file.postal_code)
  await p.getByLabel('The last four digits of your phone number').fill(who.file.phone.slice(-4))
  await p.getByRole('button', { name: 'Continue' }).last().click()
  await p.getByRole('heading', { name: 'What would you like?' }).waitFor()
}

/** No page is wider than the phone. */
async function fits(p) {
  const box = await p.locator('html').boundingBox()
  assert.ok(box.width <= 320, `the page is ${box.width} pixels wide`)
  for (const b of await p.locator('button, a.way').all()) {
    const at = await b.boundingBox()
    assert.ok(at.height >= 44, 'a button is as tall as a finger')
    assert.ok(at.x >= 0 && at.x + at.width <= 320, 'a button is within the page')
  }
}

test('a person asks for no visits, and the card leaves the phone at its next sync', async () => {
  const office = await client(town.url, 'admin')
  const who = await visited(office, 0)
  const agent = who.file.assignments.find(a => a.status === 'open').agents[0]
  const device = { id: `${agent}-phone`, platform: 'android', name: 'phone' }
  const sync = await client(town.url, agent, device)
  const pulled = async after => {
    const changes = []
    for (let from = after; ; ) {
      const r = await sync('GET', `/sync/v1/pull?limit=500${from}`)
      changes.push(...r.changes)
      from = `&epoch=${r.epoch}&after=${r.cursor}`
      if (!r.more) return { changes, from }
    }
  }
  const first = await pulled('')
  const p = await phone()
  await p.goto(town.url + who.path)
  await fits(p)
  await p.screenshot({ path: `${shots}doorway-first.png`, fullPage: true })
  assert.ok(!(await p.content()).includes(who.file.debtor_name))
  await enter(p, who)
  assert.equal(p.url(), `${town.url}/door`, 'the token has left the address')
  assert.equal(await p.title(), 'A message for you')
  await fits(p)
  await p.screenshot({ path: `${shots}doorway-home.png`, fullPage: true })
  const cookies = await p.context().cookies()
  assert.deepEqual(
    cookies.map(c => [c.name, c.httpOnly, c.sameSite]),
    [['doorstep_door', true, 'Strict']],
  )
  for (const name of ['time', 'talk', 'wrong', 'complain', 'figures', 'yours', 'agreed', 'rights']) {
    await p.goto(`${town.url}/door/${name}`)
    assert.equal(await p.title(), 'A message for you')
    await fits(p)
    await p.screenshot({ path: `${shots}doorway-${name}.png`, fullPage: true })
  }
  await p.goto(`${town.url}/door`)
  // By keyboard alone.
  await p.getByRole('link', { name: 'Ask for no visits' }).focus()
  await p.keyboard.press('Enter')
  await p.getByRole('button', { name: 'Yes, no visits' }).focus()
  await p.keyboard.press('Enter')
  await p.getByText('Nobody will visit you.').waitFor()
  await p.screenshot({ path: `${shots}doorway-done.png`, fullPage: true })
  assert.deepEqual(p.strange, [])
  assert.deepEqual(p.referers, [])
  const then = await pulled(first.from)
  assert.ok(
    first.changes.some(c => c.type === 'cases' && c.id === who.case && c.op === 'put'),
    'the phone had the card',
  )
  assert.ok(
    then.changes.some(c => c.type === 'cases' && c.id === who.case && c.op === 'revoke'),
    `the next sync takes the card away: ${JSON.stringify(then.changes.map(c => [c.type, c.id, c.op]))}`,
  )
})

test('a person complains in Arabic, and leaves', async () => {
  const office = await client(town.url, 'admin')
  const who = await visited(office, 1)
  const p = await phone()
  await enter(p, who)
  await p.goto(`${town.url}/door?lang=ar`)
  assert.equal(await p.locator('html').getAttribute('dir'), 'rtl')
  await fits(p)
  await p.screenshot({ path: `${shots}doorway-ar.png`, fullPage: true })
  await p.goto(`${town.url}/door/complain?lang=ar`)
  await p.locator('textarea').fill('They came at night.')
  await p.locator('main form button').last().click()
  await p.locator('main form button').last().click()
  await p.getByText('وصلتنا إجابتك').waitFor()
  const { items } = await office('GET', '/v1/complaints?branch=RIBEIRA')
  assert.ok(items.some(c => c.case === who.case && c.channel === 'web'))
  await p.route('https://www.wikipedia.org/**', r => r.fulfill({ body: 'elsewhere' }))
  await p.goto(`${town.url}/door`)
  await p.locator('button.leave').click()
  await p.waitForURL('https://www.wikipedia.org/')
  await p.goto(`${town.url}/door`)
  await p.getByText('Your time on this page is over').waitFor()
})
