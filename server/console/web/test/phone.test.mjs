// The agents' app in a real browser against the real program, behind a line that can be cut, held and made to lose
// answers. Every page is watched: a request to another host, a violation of the policy, an error of the page or a
// message in the browser's console makes its test fail.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { client, demo, password } from './demo.mjs'
import { lineTo } from './line.mjs'

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const words = Object.fromEntries(
  ['en', 'ar'].map(l => [
    l,
    JSON.parse(readFileSync(new URL(`../phone/words/${l}.json`, import.meta.url), 'utf8')),
  ]),
)
const w = words.en
const shots = new URL('./shots/', import.meta.url).pathname
mkdirSync(shots, { recursive: true })
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const digits = '482915'

let town
let port
const open = []
before(async () => {
  town = await demo()
  port = Number(new URL(town.target).port)
})
after(() => town?.stop())
afterEach(async () => {
  for (const f of open.splice(0).reverse()) await f()
})

/** What a page may say: RxDB's advertisement, and what the browser notes of a line that is cut. */
const allowed = [/RxDB Open Core/, /Failed to load resource/, /net::ERR_/]

/** Waits until something is so. */
async function until(is, what = 'it') {
  for (const end = Date.now() + 60_000; !(await is()); await new Promise(done => setTimeout(done, 50))) {
    assert.ok(Date.now() < end, `${what} did not come to be`)
  }
}

/** A phone: a line, and a browser with a profile of its own that can be killed and started again. */
async function phone(o = {}) {
  const line = await lineTo(port)
  const profile = mkdtempSync(join(tmpdir(), 'doorstep-phone-'))
  const trouble = []
  const self = { line, profile, trouble, o }
  const watch = p => {
    p.on('console', m => {
      if (!allowed.some(a => a.test(m.text()))) trouble.push(`${m.type()}: ${m.text()}`)
    })
    p.on('pageerror', e => trouble.push(String(e.stack)))
    p.on('request', r => {
      const u = new URL(r.url())
      if (u.origin !== line.url && u.protocol !== 'data:' && u.protocol !== 'blob:')
        trouble.push(`asked ${u.href}`)
    })
    p.setDefaultTimeout(30_000)
    return p
  }
  self.start = async () => {
    self.context = await chromium.launchPersistentContext(profile, {
      executablePath,
      viewport: { width: 390, height: 844 },
      locale: 'en',
      hasTouch: true,
      ...o,
    })
    self.page = watch(self.context.pages()[0])
    return self.page
  }
  self.another = async () => watch(await self.context.newPage())
  self.home = () => self.page.goto(`${line.url}/app/`)
  /** Ends the browser as a phone ends an app: at once. */
  self.kill = async () => {
    const gone = new Promise(done => self.context.once('close', done))
    const { readdirSync } = await import('node:fs')
    for (const pid of readdirSync('/proc').filter(n => /^\d+$/.test(n))) {
      let said = ''
      try {
        said = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        continue
      }
      if (said.includes(profile) && !said.includes('--type=')) process.kill(Number(pid), 'SIGKILL')
    }
    await gone
    rmSync(join(profile, 'SingletonLock'), { force: true })
  }
  self.calm = () => assert.deepEqual(trouble.splice(0), [])
  await self.start()
  open.push(async () => {
    line.letGo()
    await self.context.close().catch(() => {})
    line.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  })
  return self
}

async function signIn(f, login) {
  await f.home()
  await enterPassword(f, login)
}

async function enterPassword(f, login) {
  await f.page.locator('input[autocomplete=username]').fill(login)
  await f.page.locator('input[autocomplete=current-password]').fill(password)
  await f.page.keyboard.press('Enter')
  await f.page.getByText(w['code.title']).or(f.page.getByText(w['today.next'])).first().waitFor()
  if (await f.page.getByText(w['code.title']).count()) await typeCode(f.page)
  await f.page.getByText(w['today.next']).waitFor()
}

async function typeCode(p) {
  await p.locator('input[inputmode=numeric]').fill(digits)
  await p.keyboard.press('Enter')
}

/** Starts the app again, and opens its lock. */
async function back(f) {
  await f.start()
  await f.home()
  await typeCode(f.page)
}

const press = (p, name) => p.getByRole('button', { name, exact: true }).click()
const pick = (p, name) => p.getByLabel(name, { exact: true }).check()

/** Opens the card of the n-th door that is left. */
async function openDoor(p, n) {
  await p.getByRole('button', { name: w['nav.today'], exact: true }).click()
  if (n === 0) await press(p, w['today.open'])
  else
    await p
      .locator('section', { hasText: w['today.then'] })
      .locator('button.door')
      .nth(n - 1)
      .click()
  await p.locator('.verdict').first().waitFor()
}

/** Fills in a visit and saves it. */
async function visit(p, note = 'Nobody answered. The bell works.') {
  await press(p, w['door.begin'])
  await pick(p, w['person.nobody'])
  await press(p, w.next)
  await pick(p, w['outcome.NOT_MET_NOBODY'])
  await press(p, w.next)
  await p.getByLabel(w['visit.note']).fill(note)
  await press(p, w.next)
  await press(p, w.next)
  await press(p, w['visit.save'])
  await p.getByText(w['today.next']).waitFor()
}

const supervisor = () => client(town.target, 'supervisor')

test('a day without network: what was written survives the end of the browser, and is sent once', async () => {
  const f = await phone()
  const { line } = f
  await signIn(f, 'RIB-WEST-team1-agent1')
  await until(() =>
    f.page.evaluate(() => navigator.serviceWorker.controller || navigator.serviceWorker.ready.then(Boolean)),
  )
  line.cut()
  await f.page.reload()
  await typeCode(f.page)
  await f.page.getByText(w['today.next']).waitFor()
  for (let i = 0; i < 10; i++) await openDoor(f.page, i)
  await openDoor(f.page, 0)
  await visit(f.page, 'The bell is broken: knock.')
  await f.kill()
  await back(f)
  await f.page.getByRole('button', { name: w['nav.waiting'] }).click()
  await f.page.locator('[data-state]').first().waitFor()
  const kinds = await f.page.locator('[data-state] strong').allInnerTexts()
  assert.deepEqual([...kinds].sort(), ['Note', 'State of a stop', 'Visit'])
  f.calm()
  const before = line.pushed().length
  line.mend()
  await press(f.page, w['queue.send'])
  await f.page.getByText(w['queue.none']).waitFor()
  const sent = line.pushed().slice(before)
  const of = type => sent.filter(m => m.type === type)
  assert.equal(of('visits').length, 1)
  assert.equal(of('visit_notes').length, 1)
  const [v] = of('visits')
  assert.deepEqual(of('visit_notes')[0].requires, [v.mid])
  const office = await supervisor()
  const file = await office('GET', `/v1/cases/${encodeURIComponent(v.fields.case)}`)
  const there = JSON.stringify(file)
  assert.equal(there.split(v.id).length > 1, true, 'the case file has the visit')
  assert.match(there, /The bell is broken: knock\./)
  f.calm()
})
