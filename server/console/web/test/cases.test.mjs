// Cases, the case file, the inbox's decisions, reports to decide, and audit, in a real browser against the real program.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { compiled } from './compiled.mjs'
import { client, demo, password } from './demo.mjs'

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const words = JSON.parse(readFileSync(new URL('../words/en.json', import.meta.url), 'utf8'))
const shots = new URL('./shots/', import.meta.url).pathname
mkdirSync(shots, { recursive: true })
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const program = process.env.DOORSTEP ?? '/tmp/doorstep'

let town
let browser
let office
let stops
let pushed = 0
let phone
let agent
let nowAt
const open = []
before(async () => {
  ;[town, browser] = await Promise.all([demo(), chromium.launch({ executablePath })])
  office = await client(town.url, 'supervisor')
  const round = await office('GET', `/v1/rounds/${town.round}`)
  const route = [...round.routes].sort((a, b) => (a.team < b.team ? -1 : 1))[0]
  stops = route.stops
  agent = route.agents[0]
  phone = await client(town.url, agent, { id: `${agent}-phone`, platform: 'android' })
  nowAt = (await office('GET', `/v1/rounds/${town.round}/progress`)).as_of
  const [a, b, c, d] = stops
  const visit = s => ({ case: s.case, assignment: s.assignment, at: nowAt })
  const plan = { kind: 'instalments', start_on: '2027-01-07', frequency: 'monthly', count: 30 }
  await push('visits', 'v-1', { ...visit(a), outcome: 'NOT_MET_NOBODY' })
  await push('visits', 'v-1', { ...visit(a), outcome: 'MET_HARDSHIP', outcome_detail: 'She lost her work.' })
  await push('visits', 'v-2', { ...visit(b), outcome: 'NO_SUCH_THING' })
  await push('visit_notes', 'n-1', { case: c.case, at: nowAt, kind: 'safety', text: 'There is a dog.' })
  await push('plans', 'p-1', { case: c.case, at: nowAt, state: 'accepted', request: plan })
  await push('plans', 'p-2', { case: d.case, at: nowAt, state: 'accepted', request: plan })
})
after(async () => {
  await browser?.close()
  await town?.stop()
})
afterEach(async () => {
  for (const c of open.splice(0)) await c.close()
})

/** Sends a record from the phone. */
async function push(type, id, fields) {
  const mid = `0193a6f2-7c1e-7000-8000-${String(++pushed).padStart(12, '0')}`
  const m = { mid, op: 'put', base: 0, type, id, client_ts: nowAt, fields }
  return (await phone('POST', '/sync/v1/push', { schema: 1, mutations: [m] })).results[0]
}

/** A page that is watched, signed in. */
async function signedIn(path, ready, login = 'supervisor') {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en' })
  open.push(context)
  const p = await context.newPage()
  const trouble = []
  p.on('console', m => trouble.push(`${m.type()}: ${m.text()}`))
  p.on('pageerror', e => trouble.push(String(e.stack)))
  p.on('request', r => {
    const u = new URL(r.url())
    if (u.origin !== town.url && u.protocol !== 'data:' && u.protocol !== 'blob:')
      trouble.push(`asked ${u.href}`)
  })
  p.setDefaultTimeout(60_000)
  p.calm = () => assert.deepEqual(trouble.splice(0), [])
  p.forget = () => trouble.splice(0)
  await p.goto(`${town.url}/console/${path}`)
  await p.locator('input[autocomplete=username]').fill(login)
  await p
    .locator('input[autocomplete=current-password]')
    .fill(login === 'admin' ? 'demo-administrator' : password)
  await p.keyboard.press('Enter')
  await p.waitForSelector(ready)
  return p
}

/** Waits until something is so. */
async function until(is) {
  for (const end = Date.now() + 60_000; !(await is()); await new Promise(done => setTimeout(done, 50))) {
    assert.ok(Date.now() < end, 'it did not come to be')
  }
}
const button = (p, key, values = {}) => {
  const name = words[key].replace(/\{(\w+)\}/g, (_, n) => values[n])
  return p.getByRole('button', { name, exact: true })
}

test('a case is found by name, and neither the address nor the history tells of it', async () => {
  const p = await signedIn('cases', '.caselist')
  const file = await office('GET', `/v1/cases/${stops[0].case}`)
  await p.getByLabel(words['cases.name']).fill(file.debtor_name)
  const asked = p.waitForRequest(r => r.url().includes('/v1/cases/search') && r.postDataJSON().name)
  await p.keyboard.press('Enter')
  assert.equal(new URL((await asked).url()).search, '')
  await until(async () => (await p.locator('.caselist tbody tr').count()) === 1)
  assert.match(await p.locator('.caselist tbody').innerText(), new RegExp(file.id))
  assert.equal(new URL(p.url()).search, '')
  assert.doesNotMatch(await p.title(), new RegExp(file.debtor_name))
  await button(p, 'cases.clear').click()
  await p.getByLabel(words['cases.territory']).selectOption('-')
  await until(async () => (await p.locator('.caselist tbody tr').count()) === 3)
  assert.equal(new URL(p.url()).search, '?territory=-', 'the filter is in the address')
  await p.reload()
  await until(async () => (await p.locator('.caselist tbody tr').count()) === 3)
  await p.locator('.caselist a').first().click()
  await p.waitForSelector('.happenings')
  p.calm()
})

test('pages of the list come from the server, each case once', async () => {
  const p = await signedIn('cases', '.caselist')
  while ((await button(p, 'cases.more').count()) > 0) {
    const before = await p.locator('.caselist tbody tr').count()
    await button(p, 'cases.more').click()
    await until(async () => (await p.locator('.caselist tbody tr').count()) > before)
  }
  const ids = await p.locator('.caselist tbody th').allInnerTexts()
  assert.equal(ids.length, 150)
  assert.equal(new Set(ids).size, 150)
  p.calm()
})

test('the case file tells the story in time order, the law, and opens and ends a hold', async () => {
  const id = stops[2].case
  const p = await signedIn(`cases/${id}`, '.law .big')
  const law = await office('GET', `/v1/cases/${id}/law`)
  assert.equal(law.allowed, false, 'the demo stands before lawful hours')
  assert.match(await p.locator('.law').innerText(), /May be visited from Tue, Dec 1, 2026, 08:00/)
  assert.match(await p.locator('.law').innerText(), new RegExp(words['reason.OUTSIDE_HOURS']))
  const times = await p.locator('.happenings time').evaluateAll(all => all.map(x => Date.parse(x.dateTime)))
  assert.deepEqual(
    times,
    [...times].sort((x, y) => y - x),
  )
  assert.match(await p.locator('.happenings').innerText(), /There is a dog\./)
  await button(p, 'act.hold').click()
  await p.getByLabel(words['act.hold.kind']).selectOption('vulnerable')
  await button(p, 'act.send').click()
  await p.waitForSelector('.holds')
  assert.match(await p.locator('.holds').innerText(), new RegExp(words['code.vulnerable']))
  await until(async () => (await p.locator('.law').innerText()).includes(words['reason.HOLD']))
  await button(p, 'holds.release').click()
  await p.getByLabel(words['act.reason']).fill('It was the neighbour who is ill.')
  await button(p, 'act.send').click()
  await until(async () => (await p.locator('.holds').count()) === 0)
  assert.match(await p.locator('.happenings').innerText(), /It was the neighbour who is ill\./)
  await button(p, 'act.note').click()
  await p.getByLabel(words['act.note.text']).fill('Ring twice.')
  await button(p, 'act.send').click()
  await until(async () => (await p.locator('.happenings').innerText()).includes('Ring twice.'))
  const { appointments: none } = await office('GET', `/v1/cases/${id}`)
  assert.ok(!none?.length)
  await button(p, 'act.appoint').click()
  await p.locator('.choices input').first().check()
  await button(p, 'act.send').click()
  await until(async () => (await p.locator('.happenings').innerText()).includes(words['story.appointment']))
  p.calm()
})

test('a photo of a visit is in the story, small and in its size', async () => {
  const p = await signedIn(`cases/${stops[6].case}`, '.happenings')
  const photo = await p.screenshot({ type: 'jpeg' })
  const sha256 = createHash('sha256').update(photo).digest('hex')
  const { case: of, assignment } = stops[6]
  const named = { id: 'photo-1', sha256, bytes: photo.length, kind: 'photo' }
  const visit = { case: of, assignment, at: nowAt, outcome: 'NOT_MET_NOBODY', attachments: [named] }
  assert.equal((await push('visits', 'v-photo', visit)).status, 'applied')
  await upload('photo-1', photo, {
    sha256,
    record_type: 'visits',
    record_id: 'v-photo',
    filetype: 'image/jpeg',
  })
  await p.reload()
  const small = p.locator('.picture > img')
  await small.waitFor()
  await until(() => small.evaluate(i => i.naturalWidth > 0))
  assert.ok((await small.evaluate(i => i.naturalWidth)) < 1440, 'the story shows it small')
  await button(p, 'story.see').click()
  await p.waitForSelector('dialog[open] img')
  await until(() => p.locator('dialog img').evaluate(i => i.naturalWidth === 1440))
  await p.keyboard.press('Escape')
  await until(async () => (await p.locator('dialog[open]').count()) === 0)
  p.calm()
})

/** Sends bytes from the phone, as tus has it. */
async function upload(id, data, about) {
  const device = `${agent}-phone`
  const r = await fetch(`${town.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Device-Id': device },
    body: JSON.stringify({ login: agent, password, device: { id: device, platform: 'android' } }),
  })
  const { access_token: token } = await r.json()
  const headers = { Authorization: `Bearer ${token}`, 'X-Device-Id': device, 'Tus-Resumable': '1.0.0' }
  const metadata = Object.entries({ attachment_id: id, ...about })
    .map(([k, v]) => `${k} ${Buffer.from(v).toString('base64')}`)
    .join(',')
  const begun = await fetch(`${town.url}/files/`, {
    method: 'POST',
    headers: { ...headers, 'Upload-Length': String(data.length), 'Upload-Metadata': metadata },
  })
  assert.equal(begun.status, 201, await begun.text())
  const sent = await fetch(`${town.url}/files/${id}`, {
    method: 'PATCH',
    headers: { ...headers, 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' },
    body: data,
  })
  assert.equal(sent.status, 204, await sent.text())
}

test('of two supervisors the second is told who changed what, and nothing of theirs is saved', async () => {
  const id = stops[5].case
  const p = await signedIn(`cases/${id}`, '.happenings')
  await button(p, 'act.correct').click()
  await p.getByLabel(words['act.city']).fill('Porto')
  const other = await client(town.url, 'admin')
  await other('POST', `/v1/cases/${id}/holds`, { kind: 'dispute' })
  await button(p, 'act.send').click()
  await p.waitForSelector('.acts .notice.warn')
  const told = await p.locator('.acts .notice.warn').innerText()
  assert.match(told, /admin changed this case/)
  assert.match(told, new RegExp(words['did.hold']))
  assert.match(told, new RegExp(words['code.dispute']))
  assert.equal((await office('GET', `/v1/cases/${id}`)).city, 'Ribeira')
  p.forget() // The browser notes the answer 409.
  await p.screenshot({ path: `${shots}case-changed.png` })
  await button(p, 'changed.again').click()
  await button(p, 'act.correct').click()
  await p.getByLabel(words['act.city']).fill('Porto')
  await button(p, 'act.send').click()
  await until(async () => (await office('GET', `/v1/cases/${id}`)).city === 'Porto')
  p.calm()
})

test('the inbox is decided by keyboard: confirmed, undone within ten seconds, and sent', async () => {
  const p = await signedIn('inbox?kind=plans_to_approve', '.item')
  const state = async id => (await office('GET', `/v1/plans/${id}?branch=RIBEIRA`)).approval_state
  const first = p.locator('.item.on')
  await p.keyboard.press('n')
  await p.waitForSelector('.item.on .detail h3')
  const which = async () => ((await first.innerText()).includes(stops[2].case) ? 'p-1' : 'p-2')
  const one = await which()
  const two = one === 'p-1' ? 'p-2' : 'p-1'
  await p.keyboard.press('r')
  await p.waitForSelector('.item.on .confirm textarea')
  assert.equal(
    await p.evaluate(() => document.activeElement?.tagName),
    'TEXTAREA',
    'the reason has the focus',
  )
  await p.keyboard.type('a reason with r, n and a')
  assert.equal(await p.locator('.confirm textarea').inputValue(), 'a reason with r, n and a')
  await p.keyboard.press('Tab')
  await p.keyboard.press('Enter')
  await p.waitForSelector('.waiting .card')
  // The next comes by itself, and the one that is decided is gone from the list.
  await until(async () => (await p.locator('.item').count()) === 1)
  assert.equal(await which(), two)
  assert.equal(await state(one), 'pending', 'nothing is sent within ten seconds')
  await button(p, 'undo.go').click()
  await until(async () => (await p.locator('.item').count()) === 2)
  assert.equal(await state(one), 'pending')
  // A key alone decides nothing.
  await p.locator('.item.on h2').focus()
  await p.keyboard.press('a')
  await p.waitForSelector('.confirm')
  await p.keyboard.press('Escape')
  await until(async () => (await p.locator('.confirm').count()) === 0)
  assert.equal(await p.locator('.waiting .card').count(), 0)
  await p.locator('.item.on h2').focus()
  await p.keyboard.press('a')
  await p.waitForSelector('.confirm')
  await p.keyboard.press('Enter')
  await p.waitForSelector('.waiting .card')
  const due = Date.now()
  await until(async () => (await state(two)) === 'approved')
  assert.ok(Date.now() - due > 5_000, 'it waits before it is sent')
  await until(async () => (await p.locator('.waiting .card').count()) === 0)
  await until(async () => (await p.locator('.item').count()) === 1)
  p.calm()
})

test('a report that was not accepted is decided part by part, and nothing is chosen beforehand', async () => {
  const { items } = await office('GET', '/v1/quarantine?branch=RIBEIRA&state=open')
  const q = items.find(i => i.code === 'append_only')
  const p = await signedIn('inbox?kind=quarantine', '.item')
  await p.locator(`a[href$="${q.id}"]`).click()
  await p.waitForSelector('.sides')
  assert.equal(await p.locator('.sides input:checked').count(), 0)
  const text = await p.locator('.sides').innerText()
  assert.match(text, new RegExp(words['code.NOT_MET_NOBODY']))
  assert.match(text, new RegExp(words['code.MET_HARDSHIP']))
  await p.getByLabel(words['conflict.note']).fill('The neighbour told us.')
  await button(p, 'conflict.accept').click()
  await p.waitForSelector('.decision .error')
  const rows = p.locator('.sides tbody tr')
  for (let i = 0; i < (await rows.count()); i++) {
    const detail = (await rows.nth(i).innerText()).includes('She lost her work.')
    await rows
      .nth(i)
      .locator('input')
      .nth(detail ? 1 : 0)
      .check()
  }
  await button(p, 'conflict.accept').click()
  await p.waitForSelector('.waiting .card')
  await button(p, 'undo.now').click()
  await until(async () => (await p.locator('.waiting .card').count()) === 0)
  const done = await office('GET', `/v1/quarantine/${q.id}?branch=RIBEIRA`)
  assert.equal(done.state, 'accepted')
  assert.deepEqual(Object.keys(done.corrected), ['outcome_detail'])
  const file = await office('GET', `/v1/cases/${stops[0].case}`)
  const made = file.visits.find(v => v.id === done.recorded_as)
  assert.equal(made.outcome, 'MET_HARDSHIP')
  assert.equal(made.outcome_detail, undefined)
  p.calm()
})

test('a decision that the server refuses is said, and the item comes back', async () => {
  const { items } = await office('GET', '/v1/quarantine?branch=RIBEIRA&state=open')
  const q = items.find(i => i.code?.startsWith('validation'))
  const p = await signedIn(`reports/${q.id}`, '.decision')
  await p.getByLabel(words['conflict.note']).fill('There is no such outcome.')
  await button(p, 'conflict.accept').click()
  await p.waitForSelector('.waiting .card')
  await button(p, 'undo.now').click()
  await p.waitForSelector('.waiting .notice.bad')
  p.forget() // The browser notes the refusal.
  await p.waitForSelector('.item')
  assert.ok((await p.locator(`.item a[href$="${q.id}"]`).count()) > 0)
  await button(p, 'undo.close').click()
  await until(async () => (await p.locator('.waiting .card').count()) === 0)
  p.calm()
})

test('an auditor exports, sees what is proved, and verifies in the page', async () => {
  const p = await signedIn('', '.audit', 'auditor')
  assert.equal(await p.locator('nav a').count(), 1, 'an auditor has the screen of audit alone')
  assert.match(await p.locator('.audit .notice').innerText(), /Complete: every visit of branch RIBEIRA/)
  const saved = p.waitForEvent('download')
  await button(p, 'audit.download').click()
  const file = await (await saved).path()
  await p.waitForSelector('.result .notice.good')
  assert.match(await p.locator('.result .notice.good').innerText(), new RegExp(words['audit.good.all']))
  await p.screenshot({ path: `${shots}audit-verified.png`, fullPage: true })
  await p.getByLabel(words['audit.from']).fill('2026-12-01')
  assert.match(await p.locator('.audit .notice').first().innerText(), /Filtered/)
  const folder = mkdtempSync(join(tmpdir(), 'doorstep-web-'))
  try {
    const altered = join(folder, 'altered.ndjson')
    writeFileSync(altered, readFileSync(file, 'utf8').replace('NOT_MET_NOBODY', 'MET_PAID'))
    await p.locator('input[type=file]').setInputFiles(altered)
    await button(p, 'audit.check').click()
    await p.waitForSelector('.result .notice.bad')
    const said = await p.locator('.result .notice.bad').innerText()
    assert.match(said, /Line 1:/)
    assert.match(said, new RegExp(words['fault.altered'].slice(0, 30)))
    await p.locator('input[type=file]').setInputFiles(file)
    await button(p, 'audit.check').click()
    await p.waitForSelector('.result .notice.good')
  } finally {
    rmSync(folder, { recursive: true })
  }
  // Other screens are closed to an auditor, and ask nothing that would be refused.
  await p.goto(`${town.url}/console/cases/${stops[0].case}`)
  await p.waitForSelector('.audit')
  p.calm()
})

test('the verifier of the page agrees with doorstep verify on good and altered exports', async () => {
  const { verify } = await compiled('console/audit/verify.ts')
  const auditor = await fetchAs('auditor')
  const { key } = JSON.parse(await auditor('/v1/conduct/key'))
  const folder = mkdtempSync(join(tmpdir(), 'doorstep-web-'))
  const both = async (name, data, publicKey = key) => {
    const file = join(folder, 'export')
    writeFileSync(file, data)
    const go = spawnSync(program, ['verify', '--key', publicKey, file], { encoding: 'utf8' })
    const own = await verify(new Uint8Array(readFileSync(file)), publicKey)
    assert.equal(
      own.good,
      go.status === 0,
      `${name}: ${JSON.stringify(own)} against ${go.stdout}${go.stderr}`,
    )
    const line = Number(/line (\d+):/.exec(go.stderr)?.[1] ?? 0)
    if (!own.good) assert.equal(own.line, line, `${name}: ${JSON.stringify(own)} against ${go.stderr}`)
    return own
  }
  try {
    for (const query of [
      '',
      '?format=csv',
      '?from=2026-12-01',
      '?lender=LND-A&format=csv',
      '?to=2026-11-01',
    ]) {
      const text = await auditor(`/v1/audit/visits${query}`)
      const good = await both(`export${query}`, text)
      assert.equal(good.good, true, query)
      assert.equal(good.complete, query === '' || query === '?format=csv')
      const lines = text.trimEnd().split('\n')
      const last = lines.length - 1
      await both('no end of line', text.trimEnd())
      await both('CR LF', text.replaceAll('\n', '\r\n'))
      await both('a mark before it', `\ufeff${text}`)
      await both('cut short', lines.slice(0, -1).join('\n'))
      await both('empty', '')
      await both(
        'a key of another',
        text,
        key.replace(/.$/, c => (c === 'A' ? 'B' : 'A')),
      )
      await both('a line after the manifest', `${text}{}\n`)
      await both('the manifest twice', `${text}${lines[last]}\n`)
      await both('packed', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]))
      await both('UTF-16', Buffer.from(text, 'utf16le'))
      const without = [...lines]
      without.splice(0, 1)
      await both('the first line dropped', without.join('\n'))
      if (last > 1) {
        await both('two lines changed places', [lines[1], lines[0], ...lines.slice(2)].join('\n'))
        await both('a line twice', [lines[0], ...lines].join('\n'))
        await both('a line added', [lines[0], `${lines[1]} `, ...lines.slice(1)].join('\n'))
      }
      // One byte at many places of the file: of the lines, the manifest and the signature.
      const data = Buffer.from(text)
      let seed = createHash('sha256').update(query).digest().readUInt32BE(0)
      for (let i = 0; i < 40; i++) {
        seed = (seed * 1103515245 + 12345) >>> 0
        const at = i < 10 ? data.length - 2 - i * 29 : seed % data.length
        const altered = Buffer.from(data)
        altered[at] ^= 1
        await both(`byte ${at} of ${query}`, altered)
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** Reads texts of the API as a user. */
async function fetchAs(login) {
  const r = await fetch(`${town.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ login, password }),
  })
  const { access_token: token } = await r.json()
  return async path => {
    const got = await fetch(town.url + path, { headers: { Authorization: `Bearer ${token}` } })
    assert.equal(got.status, 200, path)
    return got.text()
  }
}

test('each screen passes axe, fits 320 pixels, and shows no bare code: light and dark, English and Arabic', async () => {
  const { items } = await office('GET', '/v1/quarantine?branch=RIBEIRA&state=open')
  const p = await signedIn('cases', '.caselist', 'admin')
  const file = `cases/${stops[2].case}`
  const screens = {
    cases: ['cases', '.caselist'],
    'cases-none': ['cases?late=30000', '.empty'],
    case: [file, '.law .big'],
    'case-act': [file, '.law .big', () => p.locator('.acts button').nth(1).click()],
    'case-trouble': ['cases/no-such-case', '.notice.bad'],
    decide: ['inbox', '.items', () => p.keyboard.press('n')],
    confirm: [
      'inbox?kind=plans_to_approve',
      '.items',
      async () => {
        await p.keyboard.press('n')
        await p.keyboard.press('r')
        await p.waitForSelector('.confirm')
      },
    ],
    report: [`reports/${items[0].id}`, '.sides'],
    audit: ['audit', '.audit'],
  }
  const speak = async (lang, dir) => {
    await p.locator('select:has(option[lang=ar])').selectOption(lang)
    await p.waitForSelector(`:root[dir=${dir}]`)
  }
  for (const [name, [path, ready, act]] of Object.entries(screens)) {
    await p.goto(`${town.url}/console/${path}`)
    await p.waitForSelector(ready)
    if (act) await act()
    for (const [lang, dir] of [
      ['en', 'ltr'],
      ['ar', 'rtl'],
    ]) {
      await speak(lang, dir)
      for (const colorScheme of ['light', 'dark']) {
        await p.emulateMedia({ colorScheme })
        await p.waitForSelector(`:root[data-theme=${colorScheme}]`)
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
      await p.emulateMedia({ colorScheme: 'light' })
      await p.setViewportSize({ width: 320, height: 640 })
      await until(() => p.evaluate(() => document.documentElement.clientWidth === 320))
      const wide = await p.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      await p.screenshot({ path: `${shots}${name}-${lang}-320.png`, fullPage: true })
      assert.ok(wide <= 0, `${name} ${lang}: ${wide} pixels wider than 320`)
      await p.setViewportSize({ width: 1440, height: 900 })
    }
    await speak('en', 'ltr')
    if (name === 'case-trouble') p.forget() // The browser notes the answer 404.
    p.calm()
  }
})
