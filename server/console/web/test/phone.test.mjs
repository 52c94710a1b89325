// The agents' app in a real browser against the real program, behind a line that can be cut, held and made to lose
// answers. Every page is watched: a request to another host, a violation of the policy, an error of the page or a
// message in the browser's console makes its test fail.
import assert from 'node:assert/strict'
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
  self.cookieKept = () =>
    ['Default/Cookies', 'Default/Network/Cookies'].some(n => {
      try {
        return readFileSync(join(profile, n)).includes('doorstep_phone')
      } catch {
        return false
      }
    })
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

/** Takes down a consent, with a typed name in the place of a signature. */
async function consent(p) {
  await press(p, w['door.consent'])
  await pick(p, w['consent.recording_audio'])
  await pick(p, w['consent.given'])
  await press(p, w['sign.type'])
  await p.getByLabel(w['sign.name']).fill('A. Person')
  await press(p, w['consent.save'])
  await p.locator('.verdict').first().waitFor()
}

const supervisor = () => client(town.target, 'supervisor')

test('a day without network: what was written survives the end of the browser, and is sent once', async () => {
  const f = await phone()
  const { line } = f
  await signIn(f, 'RIB-WEST-team1-agent1')
  await until(() =>
    f.page.evaluate(() => navigator.serviceWorker.controller || navigator.serviceWorker.ready.then(Boolean)),
  )
  // Browsers write cookies to the disk within half a minute; before that an end of the browser costs a password.
  await until(() => f.cookieKept(), 'the cookie on the disk')
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
  assert.deepEqual([...kinds].sort(), ['Note', 'Visit'])
  f.calm()
  const before = line.pushed().length
  line.mend()
  await press(f.page, w['queue.send'])
  await f.page.getByText(w['queue.none']).waitFor()
  const sent = line.pushed().slice(before)
  const of = type => sent.filter(m => m.type === type)
  // The app may send again what it has no answer for yet, by the same mid: the server takes it once.
  const mids = type => [...new Set(of(type).map(m => m.mid))]
  assert.equal(mids('visits').length, 1)
  assert.equal(mids('visit_notes').length, 1)
  const [v] = of('visits')
  assert.deepEqual(of('visit_notes')[0].requires, [v.mid])
  const office = await supervisor()
  const file = await office('GET', `/v1/cases/${encodeURIComponent(v.fields.case)}`)
  assert.equal(file.visits.filter(x => x.id === v.id).length, 1)
  const there = JSON.stringify(file)
  assert.equal(there.split(v.id).length > 1, true, 'the case file has the visit')
  assert.match(there, /The bell is broken: knock\./)
  f.calm()
})

test('the cache holds exactly the app’s files, and nothing of the API is ever answered from it', async () => {
  const f = await phone()
  await signIn(f, 'RIB-WEST-team1-agent2')
  await f.page.evaluate(() => navigator.serviceWorker.ready)
  const sw = await (await fetch(`${f.line.url}/app/sw.js`)).text()
  const listed = [
    ...new Set([...sw.matchAll(/"(\/app\/(?:assets\/)?[^"/]*[^"/]|\/app\/)"/g)].map(m => m[1])),
  ].filter(u => u !== '/app/sw.js')
  const cached = () =>
    f.page.evaluate(async () => {
      const out = []
      for (const name of await caches.keys()) {
        for (const r of await (await caches.open(name)).keys()) out.push(new URL(r.url).pathname)
      }
      return out.sort()
    })
  await until(async () => (await cached()).length > 5, 'the cache')
  assert.deepEqual(await cached(), listed.sort())
  assert.ok(listed.length > 10)
  // What is in the cache is what the page gets, and what is not in it is asked of the server.
  await f.page.reload()
  await f.page.locator('input[inputmode=numeric]').waitFor()
  await f.page.evaluate(async () => {
    const c = await caches.open((await caches.keys()).find(n => n.startsWith('app-')))
    for (const r of await c.keys()) await c.put(r, new Response('from the cache'))
  })
  const asked = await f.page.evaluate(
    async paths => Promise.all(paths.map(async p => [p, await (await fetch(p)).text()])),
    [
      ...listed.filter(u => u !== '/app/'),
      '/app/sw.js',
      '/console/',
      '/v1/codes',
      '/sync/v1/manifest?type=cases',
      '/files/x',
    ],
  )
  const kept = asked.filter(([, text]) => text === 'from the cache').map(([p]) => p)
  assert.deepEqual(
    kept.sort(),
    listed.filter(u => u !== '/app/'),
  )
  assert.ok((await cached()).every(u => u.startsWith('/app/')))
})

test('an answer that is lost on its way: the same is sent again, and has one effect; the session goes on', async () => {
  const f = await phone()
  await signIn(f, 'RIB-WEST-team2-agent1')
  let lost = 0
  f.line.rule = x => {
    if (x.path !== '/sync/v1/push' || !x.body.includes('"type":"visits"') || lost > 0) return undefined
    lost++
    return 'lose'
  }
  await openDoor(f.page, 0)
  await visit(f.page)
  await f.page.getByRole('button', { name: w['nav.waiting'] }).click()
  await until(() => lost === 1, 'the push')
  await press(f.page, w['queue.send'])
  await f.page.getByText(w['queue.none']).waitFor()
  const visits = f.line.pushed().filter(m => m.type === 'visits')
  assert.ok(visits.length >= 2, 'it was sent again')
  assert.equal(new Set(visits.map(m => m.mid)).size, 1, 'under one mid')
  const office = await supervisor()
  const file = await office('GET', `/v1/cases/${encodeURIComponent(visits[0].fields.case)}`)
  assert.equal(file.visits.filter(v => v.assignment === visits[0].fields.assignment).length, 1)
  // The answer of a refresh is lost, and the phone is off for long: the cookie still opens the session.
  let refreshed = 0
  f.line.rule = x => {
    if (x.path !== '/v1/sessions/refresh') return undefined
    return refreshed++ === 0 ? 'lose' : undefined
  }
  await f.page.reload()
  await typeCode(f.page)
  await until(() => refreshed > 1, 'another refresh')
  await until(
    async () => (await f.page.locator('header.bar').innerText()).includes(w['line.live']),
    'the line',
  )
  assert.equal(await f.page.getByText(w['ended.why']).count(), 0)
})

test('a case that was given away while offline leaves the phone, and what was written of it is with the office', async () => {
  const f = await phone()
  await signIn(f, 'RIB-WEST-team2-agent2')
  f.line.cut()
  await openDoor(f.page, 0)
  const name = await f.page.locator('.stop h2').first().innerText()
  await consent(f.page)
  const [mine] = await stored(f.page, 'consents')
  const office = await supervisor()
  await office('POST', `/v1/cases/${encodeURIComponent(mine.case)}/reassign`, { team: 'RIB-EAST-team1' })
  f.line.mend()
  await f.page.getByRole('button', { name: w['nav.waiting'] }).click()
  await press(f.page, w['queue.send'])
  await f.page.getByRole('heading', { name: w['office.title'] }).waitFor()
  await until(async () => (await stored(f.page, 'cases')).every(c => c.id !== mine.case), 'the card’s end')
  assert.ok(
    (await f.page.locator('[data-state=refused]').allInnerTexts()).join().includes(w['refused.revoked']),
  )
  await until(async () => !(await everything(f.page)).includes(name), 'the end of the name')
})

/** The records of a type that the phone has. */
const stored = (p, type) =>
  p.evaluate(
    t =>
      new Promise((done, failed) => {
        void indexedDB.databases().then(all => {
          const found = all.find(
            d => d.name.includes(`-${t}-`) || d.name.endsWith(`--${t}`) || d.name.includes(`--${t}`),
          )
          if (!found) return done([])
          const asked = indexedDB.open(found.name)
          asked.onerror = () => failed(asked.error)
          asked.onsuccess = () => {
            const db = asked.result
            const names = [...db.objectStoreNames]
            const docs = db.transaction(names).objectStore('docs').getAll()
            docs.onsuccess = () => {
              db.close()
              done(docs.result.filter(d => d._deleted !== '1'))
            }
          }
        })
      }),
    type,
  )

/** All that is stored on the phone, as one text. */
const everything = p =>
  p.evaluate(async () => {
    let out = JSON.stringify({ ...localStorage, ...sessionStorage })
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise(done => {
        indexedDB.open(name).onsuccess = e => done(e.target.result)
      })
      for (const s of db.objectStoreNames) {
        out += await new Promise(done => {
          db.transaction(s).objectStore(s).getAll().onsuccess = e => done(JSON.stringify(e.target.result))
        })
      }
      db.close()
    }
    for (const name of await caches.keys()) {
      for (const r of await (await caches.open(name)).keys()) out += r.url
    }
    return out
  })

test('a blocked phone deletes all, and two agents of one phone see nothing of each other', async () => {
  const f = await phone()
  await signIn(f, 'RIB-EAST-team1-agent1')
  f.line.cut()
  await openDoor(f.page, 0)
  const hers = await f.page.locator('.stop h2').first().innerText()
  await visit(f.page)
  await f.page.getByRole('button', { name: w['nav.me'] }).click()
  await press(f.page, w['me.leave'])
  await f.page.locator('input[autocomplete=username]').waitFor()
  f.line.mend()
  await enterPassword(f, 'RIB-EAST-team2-agent1')
  assert.ok(!(await f.page.locator('main').innerText()).includes(hers))
  await f.page.getByRole('button', { name: w['nav.waiting'] }).click()
  await f.page.getByText(w['queue.none']).waitFor()
  assert.equal(
    f.line.pushed().filter(m => m.type === 'visits').length,
    0,
    'hers is not sent in another’s name',
  )
  await f.page.getByRole('button', { name: w['nav.me'] }).click()
  await press(f.page, w['me.leave'])
  await f.page.locator('input[autocomplete=username]').waitFor()
  await f.page.locator('input[autocomplete=username]').fill('RIB-EAST-team1-agent1')
  await f.page.locator('input[autocomplete=current-password]').fill(password)
  await f.page.keyboard.press('Enter')
  await until(() => f.line.pushed().some(m => m.type === 'visits'), 'her visit')
  await until(async () => (await stored(f.page, 'visits')).length >= 0, 'the records')
  // The office blocks her phone.
  const admin = await client(town.target, 'admin')
  const me = await admin('GET', '/v1/devices?user=RIB-EAST-team1-agent1').catch(() =>
    admin('GET', '/v1/devices'),
  )
  const device = me.items.find(d => d.name === 'Doorstep app' && d.user === 'RIB-EAST-team1-agent1')
  await admin('DELETE', `/v1/devices/${device.id}?wipe=true`)
  await f.page.evaluate(() => window.dispatchEvent(new Event('online')))
  await f.page.getByText(w['wiped.title']).waitFor()
  await until(async () => !(await everything(f.page)).includes(hers), 'the end of the name')
})

test('an update waits until it is taken, keeps the draft, and reloads once', async () => {
  const f = await phone()
  await signIn(f, 'RIB-EAST-team1-agent2')
  await f.page.evaluate(() => navigator.serviceWorker.ready)
  // The first page was loaded before there was a worker; from the next one on the worker serves it.
  await f.page.reload()
  await typeCode(f.page)
  await f.page.getByText(w['today.next']).waitFor()
  await openDoor(f.page, 0)
  await press(f.page, w['door.note'])
  await f.page.getByLabel(w['note.text'], { exact: true }).fill('Half a note')
  await f.page.getByLabel(w['note.address'], { exact: true }).check()
  // Another build is served.
  f.line.change = x => (x.path === '/app/sw.js' ? `${x.text}\n// another build` : undefined)
  await f.page.evaluate(async () => (await navigator.serviceWorker.ready).update())
  let loads = 0
  f.page.on('load', () => loads++)
  await until(
    () => f.page.evaluate(async () => (await navigator.serviceWorker.ready).waiting !== null),
    'the build that waits',
  )
  assert.equal(loads, 0, 'no reload by itself')
  await f.page.getByRole('img', { name: w['update.waits'] }).waitFor()
  await f.page.getByRole('button', { name: w['nav.me'] }).click()
  await press(f.page, w['update.take'])
  await f.page.locator('input[inputmode=numeric]').waitFor()
  await typeCode(f.page)
  await press(f.page, w['nav.today'])
  await f.page.getByRole('region', { name: w['today.begun'] }).getByRole('button').click()
  assert.equal(await f.page.getByLabel(w['note.text'], { exact: true }).inputValue(), 'Half a note')
  assert.equal(loads, 1, 'one reload')
  // The worker of last resort takes itself away, and the records stay.
  const kill = readFileSync(new URL('../phone/kill.js', import.meta.url), 'utf8')
  f.line.change = x => (x.path === '/app/sw.js' ? kill : undefined)
  await f.page.evaluate(async () => (await navigator.serviceWorker.ready).update())
  await until(() => f.page.evaluate(async () => (await caches.keys()).length === 0), 'the caches’ end')
  await f.page.reload()
  await typeCode(f.page)
  await f.page.getByLabel(w['note.text'], { exact: true }).waitFor()
})

test('signed out, busy, and behind a network’s own page: nothing is lost, and nothing is asked in a hot loop', async () => {
  const f = await phone()
  await signIn(f, 'RIB-EAST-team2-agent2')
  const bar = f.page.locator('header.bar')
  const portal = {
    status: 200,
    headers: { 'Content-Type': 'text/html' },
    body: '<h1>Welcome to the café</h1>',
  }
  const busy = {
    status: 503,
    headers: { 'Retry-After': '3', 'Content-Type': 'application/problem+json' },
    body: '{"code":"busy"}',
  }
  const many = {
    status: 429,
    headers: { 'Retry-After': '3', 'Content-Type': 'application/problem+json' },
    body: '{"code":"limited"}',
  }
  await openDoor(f.page, 0)
  for (const [answer, said] of [
    [portal, w['line.portal']],
    [busy, w['line.busy']],
    [many, w['line.busy']],
  ]) {
    f.line.rule = x => (x.path.startsWith('/sync/v1/') ? answer : undefined)
    f.line.cut()
    f.line.mend()
    const from = f.line.seen.length
    const began = Date.now()
    await press(f.page, w['door.note'])
    await f.page.getByLabel(w['note.text'], { exact: true }).fill(`Said while it was ${answer.status}.`)
    await press(f.page, w['note.save'])
    await f.page.evaluate(() => window.dispatchEvent(new Event('online')))
    await until(async () => (await bar.innerText()).includes(said), said)
    await until(() => Date.now() - began > 4000)
    const asked = f.line.seen.slice(from).filter(x => x.path.startsWith('/sync/v1/')).length
    assert.ok(asked < 60, `${asked} requests in four seconds`)
  }
  f.line.rule = x => {
    if (x.path === '/v1/sessions/refresh') {
      const body = '{"code":"auth.refresh_invalid","title":"no","status":401}'
      return { status: 401, headers: { 'Content-Type': 'application/problem+json' }, body }
    }
    if (!x.path.startsWith('/sync/v1/')) return undefined
    return {
      status: 401,
      headers: { 'Content-Type': 'application/problem+json' },
      body: '{"code":"auth.token"}',
    }
  }
  await f.page.evaluate(() => window.dispatchEvent(new Event('online')))
  await until(async () => (await bar.innerText()).includes(w['line.signin']), 'signed out')
  await f.page.getByRole('button', { name: w['nav.waiting'] }).click()
  await until(async () => (await f.page.locator('[data-state]').count()) === 3, 'three notes that wait')
  f.line.rule = () => undefined
  await f.page.locator('input[autocomplete=current-password]').fill(password)
  await press(f.page, w['signin.go'])
  await f.page.getByText(w['queue.none']).waitFor()
  const notes = f.line.seen
    .filter(x => x.path === '/sync/v1/push' && x.status === 200)
    .flatMap(x => JSON.parse(x.body).mutations)
    .filter(m => m.type === 'visit_notes')
  assert.equal(new Set(notes.map(m => m.id)).size, 3)
})

test('the app opens at most 13 collections, and its screens have no faults of accessibility', async () => {
  const f = await phone()
  await signIn(f, 'RIB-WEST-team1-agent1')
  const collections = await f.page.evaluate(async () =>
    (await indexedDB.databases())
      .map(d => d.name)
      .filter(n => n.startsWith('rxdb-dexie-') && !n.includes('_rxdb_internal')),
  )
  const own = collections.filter(n => !/rx-replication-meta|rxdb-meta/.test(n))
  assert.ok(own.length >= 10 && own.length <= 13, own.join('\n'))
  const faults = async name => {
    await f.page.screenshot({ path: join(shots, `phone-${name}.png`) })
    await f.page.evaluate(axe)
    const { violations } = await f.page.evaluate(() =>
      axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
    )
    assert.deepEqual(
      violations.map(v => `${name}: ${v.id}: ${v.nodes.map(n => n.html.slice(0, 120)).join(' ')}`),
      [],
    )
    const wide = await f.page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
    assert.ok(!wide, `${name} is wider than the screen`)
  }
  for (const [tag, words_] of Object.entries(words)) {
    await press(f.page, w['nav.me'])
    await f.page.locator('#lang').selectOption(tag)
    for (const colorScheme of ['light', 'dark']) {
      await f.page.emulateMedia({ colorScheme })
      const at = `${tag}-${colorScheme}`
      await f.page.getByRole('button', { name: words_['nav.me'], exact: true }).click()
      await faults(`me-${at}`)
      await f.page.getByRole('button', { name: words_['nav.today'], exact: true }).click()
      await faults(`today-${at}`)
      await press(f.page, words_['today.open'])
      await faults(`door-${at}`)
      await press(f.page, words_['door.plan'])
      await f.page.getByLabel('3', { exact: true }).check()
      await f.page.getByLabel(words_['frequency.monthly']).check()
      await f.page.getByRole('table').waitFor()
      await faults(`plan-${at}`)
      await f.page.getByText(words_['report.drop'], { exact: true }).click()
      await press(f.page, words_['report.drop.go'])
      await press(f.page, words_['door.consent'])
      await f.page.getByLabel(words_['consent.recording_audio']).check()
      await f.page.getByLabel(words_['consent.given']).check()
      await faults(`consent-${at}`)
      await f.page.getByText(words_['report.drop'], { exact: true }).click()
      await press(f.page, words_['report.drop.go'])
      await f.page.getByRole('button', { name: words_['nav.waiting'], exact: true }).click()
      await f.page.getByRole('heading', { name: words_['queue.title'] }).waitFor()
      await faults(`waiting-${at}`)
    }
    await f.page.getByRole('button', { name: words_['nav.me'], exact: true }).click()
    await f.page.locator('#lang').selectOption('en')
  }
  f.calm()
})
