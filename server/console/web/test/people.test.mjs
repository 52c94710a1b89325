// The office of the console in a real browser against the real program: people, teams, shifts, days off, phones, law,
// texts, imports, first steps, sessions.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { client, demo, password } from './demo.mjs'

const here = name => new URL(name, import.meta.url)
const axe = readFileSync(here('../node_modules/axe-core/axe.min.js'), 'utf8')
const en = {
  ...JSON.parse(readFileSync(here('../words/en.json'), 'utf8')),
  ...JSON.parse(readFileSync(here('../words/office/en.json'), 'utf8')),
}
const shots = here('./shots/').pathname
mkdirSync(shots, { recursive: true })
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const adminPassword = 'demo-administrator'
const pages = [
  'people',
  'teams',
  'shifts',
  'daysoff',
  'devices',
  'law',
  'messages',
  'imports',
  'start',
  'sessions',
]

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

/** A page that is watched: messages, errors, requests elsewhere, and reports of the policy. */
async function page(o = {}, from = browser) {
  const context = await from.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en', ...o })
  open.push(context)
  await context.addInitScript(() => {
    globalThis.reports = []
    document.addEventListener('securitypolicyviolation', e => {
      globalThis.reports.push(`${e.violatedDirective} ${e.blockedURI}`)
    })
  })
  const p = await context.newPage()
  const trouble = []
  p.on('console', m => {
    if (!allowed.some(a => a.test(m.text()))) trouble.push(`${m.type()}: ${m.text()}`)
  })
  p.on('pageerror', e => trouble.push(String(e.stack)))
  p.on('request', r => {
    if (!r.url().startsWith(o.origin ?? town.url) && !/^(data|blob):/.test(r.url()))
      trouble.push(`asked ${r.url()}`)
  })
  p.setDefaultTimeout(120_000)
  p.calm = async () => {
    assert.deepEqual(trouble.splice(0), [])
    assert.deepEqual(await p.evaluate(() => globalThis.reports), [], 'reports of the policy')
  }
  p.forget = () => trouble.splice(0)
  return p
}

async function signIn(p, login = 'admin', secret = login === 'admin' ? adminPassword : password) {
  await p.locator('input[autocomplete=username]').fill(login)
  await p.locator('input[autocomplete=current-password]').fill(secret)
  await p.keyboard.press('Enter')
}

async function office(name, login, o) {
  const p = await page(o)
  await p.goto(`${town.url}/console/office/${name}`)
  await signIn(p, login)
  await p.waitForSelector('.office .page h1')
  await p.waitForFunction(() => !document.querySelector('.loading'))
  return p
}

/** Waits until something is so. */
async function until(is) {
  for (const end = Date.now() + 120_000; !(await is()); await new Promise(done => setTimeout(done, 50))) {
    assert.ok(Date.now() < end, 'it did not come to be')
  }
}
const done = p => p.locator('.notice.good').innerText()
const section = (p, name) => p.locator(`section[aria-labelledby=${name}]`)

test('an administrator adds a person, whose password is shown once, and shuts them out', async () => {
  const p = await office('people')
  await p.getByRole('button', { name: en['people.add'] }).click()
  await p.getByLabel(en['people.name'], { exact: true }).fill('Rui Prates')
  await p.getByLabel(en['signin.login'], { exact: true }).fill('rui')
  await p.getByLabel(en['people.badge'], { exact: true }).fill('B-77')
  await p.getByRole('button', { name: en['people.add.go'], exact: true }).click()
  const secret = await p.locator('.once .secret').innerText()
  assert.ok(secret.length >= 10)
  await p.getByRole('button', { name: en['people.once.go'] }).click()
  assert.equal(await p.locator('.once').count(), 0)
  await p.reload()
  await p.getByRole('button', { name: 'Rui Prates' }).waitFor()
  assert.ok(!(await p.content()).includes(secret), 'it is not shown again')
  const signed = await fetch(`${town.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      login: 'rui',
      password: secret,
      device: { id: 'rui-phone', platform: 'android' },
    }),
  })
  assert.ok(signed.ok, await signed.text())

  await p.getByRole('button', { name: 'Rui Prates' }).click()
  await p.getByRole('button', { name: en['people.disable'], exact: true }).click()
  const dialog = p.getByRole('dialog')
  assert.match(await dialog.innerText(), /All sessions end now[\s\S]*Open stops are taken back/)
  const go = dialog.getByRole('button', { name: en['people.disable'], exact: true })
  assert.ok(await go.isDisabled(), 'the login has not been typed')
  await dialog.getByRole('textbox').fill('RUI')
  assert.ok(await go.isDisabled(), 'another login has been typed')
  await dialog.getByRole('textbox').fill('rui')
  await go.click()
  await until(async () => /may not sign in any more/.test(await done(p)))
  const admin = await client(town.url, 'admin')
  const users = await admin('GET', '/v1/users?limit=200')
  assert.equal(users.items.find(u => u.login === 'rui').disabled, true)
  await p.calm()
})

test('supervisors see the agents of their branch and no form to add people', async () => {
  const p = await office('people', 'supervisor')
  assert.equal(await p.locator('tbody tr').count(), 9, 'eight played agents and the one that was added')
  assert.equal(await p.getByRole('button', { name: en['people.add'] }).count(), 0)
  assert.equal(await p.getByRole('link', { name: en['office.start'] }).count(), 0)
  await p.calm()
})

test('a bad login is refused in words at its place, and what was typed stays', async () => {
  const p = await office('people')
  await p.getByRole('button', { name: en['people.add'] }).click()
  await p.getByLabel(en['people.name'], { exact: true }).fill('Somebody')
  await p.getByLabel(en['signin.login'], { exact: true }).fill('supervisor')
  await p.getByRole('button', { name: en['people.add.go'], exact: true }).click()
  await p.waitForSelector('form .notice.bad')
  assert.equal(await p.getByLabel(en['people.name'], { exact: true }).inputValue(), 'Somebody')
  assert.ok(
    await p.evaluate(() => document.activeElement?.matches('.notice.bad')),
    'the focus is at what is wrong',
  )
  p.forget()
})

test('what a team lacks of what the law asks for is said', async () => {
  const boss = await client(town.url, 'admin')
  const { items } = await boss('GET', '/v1/teams?branch=RIBEIRA')
  const branch = (await boss('GET', '/v1/branches')).items[0]
  const { id: _, ...here } = branch
  // The rules of India ask for a certificate; the teams stay where they are, in Portugal.
  await boss('PUT', '/v1/branches/RIBEIRA', { ...here, profiles: ['in'] })
  try {
    const p = await office('teams', 'supervisor')
    const row = p.locator('tbody tr', { hasText: items[0].name })
    assert.match(await row.innerText(), /collector’s certificate/)
    await row.getByRole('button', { name: `Change ${items[0].name}` }).click()
    const form = p.locator('form')
    await form.getByLabel(en['paper.iibf_certificate']).check()
    await form.getByRole('button', { name: en['office.save'] }).click()
    await until(async () => (await row.locator('.badge.warn').count()) === 0)
    const saved = await boss('GET', `/v1/teams/${items[0].id}?branch=RIBEIRA`)
    assert.deepEqual([saved.start, saved.end, saved.agents], [items[0].start, items[0].end, items[0].agents])
    await p.calm()
  } finally {
    await boss('PUT', `/v1/teams/${items[0].id}`, items[0])
    await boss('PUT', '/v1/branches/RIBEIRA', here)
  }
})

test('a week of shifts by keyboard alone: arrows, typed times, what cannot be read, away and back', async () => {
  const boss = await client(town.url, 'supervisor')
  const p = await office('shifts', 'supervisor')
  const cell = () => p.evaluate(() => document.activeElement?.innerText)
  const at = () =>
    p.evaluate(() => [document.activeElement.parentElement.rowIndex, document.activeElement.cellIndex])
  for (let i = 0; i < 60; i++) {
    if (await p.evaluate(() => document.activeElement?.matches('[role=gridcell]'))) break
    await p.keyboard.press('Tab')
  }
  assert.deepEqual(await at(), [1, 1])
  const key = async (k, want) => {
    await p.keyboard.press(k)
    await until(async () => JSON.stringify(await at()) === JSON.stringify(want))
  }
  await key('ArrowUp', [1, 1])
  await key('ArrowRight', [1, 2])
  await key('ArrowDown', [2, 2])
  await key('End', [2, 7])
  await key('PageDown', [4, 7])
  await key('Home', [4, 1])
  await key('PageUp', [1, 1])
  await key('ArrowRight', [1, 2])
  await key('ArrowRight', [1, 3])
  // The demo's date is a Tuesday: Wednesday is free.
  assert.equal(await cell(), en['shifts.no'])
  await p.keyboard.type('9-25')
  await p.keyboard.press('Enter')
  await p.getByText(en['shifts.unreadable']).waitFor()
  assert.equal(await p.locator('input.times').inputValue(), '9-25', 'what was typed stays')
  await p.locator('input.times').press('Control+a')
  await p.keyboard.type('9.30 - 17')
  await p.keyboard.press('Enter')
  await until(async () => (await cell()) === '09:30–17:00')
  const of = async () => (await boss('GET', '/v1/shifts?branch=RIBEIRA&date=2026-12-02')).items
  assert.deepEqual(
    (await of()).map(s => [s.team, s.from, s.to]),
    [['RIB-EAST-team1', '09:30', '17:00']],
  )
  await p.keyboard.press('Delete')
  await until(async () => (await of()).length === 0)
  await p.getByRole('button', { name: en['office.undo'] }).focus()
  await p.keyboard.press('Enter')
  await until(async () => (await of()).length === 1)
  // Escape leaves a cell as it was.
  await until(async () => (await p.locator('td.works').filter({ hasText: '09:30' }).count()) === 1)
  await p.locator('td[tabindex="0"]').focus()
  await p.keyboard.press('Enter')
  await p.locator('input.times').fill('1-2')
  await p.keyboard.press('Escape')
  await until(async () => (await cell()) === '09:30–17:00')
  // A shift that is changed keeps its breaks.
  const breaks = (await boss('GET', '/v1/shifts?branch=RIBEIRA&date=2026-12-01')).items[0].breaks
  await p.keyboard.press('ArrowLeft')
  await p.keyboard.press('Enter')
  await p.locator('input.times').fill('08:30-18:30')
  await p.keyboard.press('Enter')
  await until(async () => (await cell()) === '08:30–18:30')
  const changed = (await boss('GET', '/v1/shifts?branch=RIBEIRA&date=2026-12-01')).items[0]
  assert.deepEqual(changed.breaks, breaks)
  await p.calm()
})

test('a leave and a closed day say what they took back, stand in the week, and end', async () => {
  const p = await office('daysoff', 'supervisor')
  await p.locator('select').filter({ hasText: 'RIB-WEST-team2-agent1' }).selectOption('RIB-WEST-team2-agent1')
  const leave = section(p, 'leave-h')
  await leave.getByLabel(en['daysoff.from']).fill('2026-12-04')
  await leave.getByLabel(en['daysoff.to']).fill('2026-12-05')
  await leave.getByRole('button', { name: en['daysoff.leave.go'] }).click()
  await until(async () => /is on leave/.test(await done(p)))
  const shut = section(p, 'closed-h')
  await shut.getByLabel(en['today.date']).fill('2026-12-03')
  await shut.getByLabel(en['daysoff.why']).selectOption('training')
  await shut.getByRole('button', { name: en['daysoff.close.go'] }).click()
  await until(async () => /^Closed: Thursday/.test(await done(p)))
  await p.goto(`${town.url}/console/office/shifts?week=2026-12-01`)
  await p.locator('thead').getByText(en['closed.training']).waitFor()
  await p.goto(`${town.url}/console/office/daysoff`)
  await shut.getByRole('button', { name: en['daysoff.open'] }).click()
  await until(async () => (await shut.locator('li').count()) === 0)
  await leave.getByRole('button', { name: en['daysoff.end'] }).click()
  await until(async () => (await leave.locator('li').count()) === 0)
  await p.calm()
})

test('phones show what they said, and are wiped only after their id is typed', async () => {
  const agent = 'RIB-EAST-team2-agent2'
  const phone = await client(town.url, agent, { id: `${agent}-phone`, platform: 'android' })
  const boss = await client(town.url, 'supervisor')
  const { as_of: now } = await boss('GET', '/v1/inbox?branch=RIBEIRA')
  await phone('PUT', '/v1/devices/current/state', {
    time: new Date(Date.parse(now) + 600_000).toISOString(),
    waiting: 3,
    oldest_at: new Date(Date.parse(now) - 7_200_000).toISOString(),
    refused: 1,
    build: '2.1',
    storage_kept: false,
    free_bytes: 2_500_000_000,
  })
  const p = await office('devices', 'supervisor')
  const card = p.locator('.item', { hasText: `${agent}-phone` })
  const text = await card.innerText()
  for (const said of [
    /3, the first 2 hours ago, not accepted: 1/,
    /2\.1/,
    /may delete it, 2\.5 GB free/,
    /10 min fast/,
  ]) {
    assert.match(text, said)
  }
  assert.ok((await p.locator('.item').first().innerText()).includes(agent), 'what waits comes first')
  await card.getByRole('button', { name: en['devices.wipe'] }).click()
  const dialog = p.getByRole('dialog')
  assert.match(await dialog.innerText(), /cannot be taken back[\s\S]*would be lost: 3/)
  await p.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })
  await card.getByRole('button', { name: en['devices.wipe'] }).click()
  assert.ok(await dialog.getByRole('button', { name: en['devices.wipe'] }).isDisabled())
  await dialog.getByRole('textbox').fill(`${agent}-phone`)
  await dialog.getByRole('button', { name: en['devices.wipe'] }).click()
  await until(async () => (await card.innerText()).includes(en['devices.wiping']))
  await assert.rejects(phone('GET', '/v1/users/me'), /40[13]/)
  await p.calm()
})

test('the law answers a question, and a day stands in bands with the rule that ends each', async () => {
  const p = await office('law', 'supervisor')
  await p.getByLabel(en['rulebook.profile']).first().selectOption('house-visit')
  await p.getByLabel(en['today.date']).fill('2026-12-02')
  await p.getByLabel(en['rulebook.minutes']).fill('20')
  await p.locator('input[type=time]').fill('21:00')
  await p.getByRole('button', { name: en['rulebook.ask.go'], exact: true }).click()
  const verdict = p.locator('.verdict')
  await verdict.waitFor()
  assert.match(await verdict.innerText(), /No: not allowed at 21:00 on Wednesday/)
  assert.match(await verdict.innerText(), /Outside the lawful hours[\s\S]*hv-hours/)
  assert.match(await verdict.innerText(), /Allowed again from Thursday/)
  const bands = await p.locator('.bandlist li').allInnerTexts()
  assert.equal(bands.length, 3)
  assert.match(bands[0], /^00:00–08:00 not allowed: Outside the lawful hours/)
  assert.match(bands[1], /^08:00–19:40 allowed\. Ends because: Outside the lawful hours[\s\S]*hv-hours/)
  assert.match(bands[2], /^19:40–midnight not allowed/)
  assert.equal(await p.locator('.bands rect').count(), 3)
  // A hold forbids the whole day.
  await p.locator('form details summary').click()
  await p.getByLabel(en['fact.deceased']).check()
  await p.getByRole('button', { name: en['rulebook.ask.go'], exact: true }).click()
  await until(async () => (await p.locator('.bandlist li').count()) === 1)
  assert.match(await verdict.innerText(), /The person has died/)
  assert.match(await verdict.innerText(), /60 days/)
  // What each rule stops.
  await section(p, 'rules-h').getByLabel(en['rulebook.profile']).selectOption('house-visit')
  const row = p.locator('section[aria-labelledby=rules-h] tr', { hasText: 'hv-visit-7' })
  assert.match(await row.innerText(), /at most 1 in 7 days[\s\S]*to more visits/)
  await p.calm()
})

test('every profile’s rules, facts and consents have words', async () => {
  const boss = await client(town.url, 'supervisor')
  const { rules } = await boss('GET', '/v1/conduct/rules')
  const { lists } = await boss('GET', '/v1/codes')
  assert.ok(rules.length > 100)
  const wanted = [
    ...rules.map(r => `reason.${r.reason}`),
    ...rules.flatMap(r => r.channels.map(c => `channel.${c}`)),
    ...rules.flatMap(r => r.consents.map(c => `consent.${c}`)),
    ...rules.filter(r => r.flag).map(r => `fact.${r.flag}`),
    ...lists.conduct_flags.map(c => `fact.${c}`),
    ...lists.contact_channels.map(c => `channel.${c}`),
    ...lists.contact_places.map(c => `place.${c}`),
    ...lists.contact_papers.map(c => `paper.${c}`),
    ...lists.roles.map(c => `role.is.${c}`),
    ...lists.closed_reasons.map(c => `closed.${c}`),
    ...lists.message_kinds.map(c => `textkind.${c}`),
    ...lists.message_states.map(c => `text.${c}`),
    ...lists.reply_intents.map(c => `intent.${c}`),
    ...lists.undo_reasons.map(c => `undo.${c}`),
  ]
  assert.deepEqual(
    wanted.filter(k => !(k in en)),
    [],
  )
})

test('a text waits for a second person, who sees what was found in it', async () => {
  const p = await office('messages')
  await p.getByText(en['texts.propose'], { exact: true }).click()
  await p
    .locator('#propose-text')
    .fill(
      '{sender_name}: a message for you.\n{amount} was due on {due_date}. Pay today or we will tell your boss. {pay_link} {opt_out}',
    )
  await p.getByRole('button', { name: en['texts.propose.go'], exact: true }).click()
  await p.locator('.template').waitFor()
  const own = await p.locator('.template').innerText()
  assert.match(own, /draws others in/)
  assert.ok(own.includes(en['texts.own']))
  assert.equal(await p.getByRole('button', { name: en['texts.approve'], exact: true }).count(), 0)
  await p.calm()
  const q = await office('messages', 'supervisor')
  const approve = q.getByRole('button', { name: en['texts.approve'], exact: true })
  assert.ok(await approve.isDisabled(), 'no fault has been released')
  await q.getByRole('button', { name: en['texts.reject'], exact: true }).click()
  await q.getByLabel(en['texts.reason'], { exact: true }).fill('It threatens.')
  await q.getByRole('button', { name: en['texts.reject.go'] }).click()
  await until(async () => (await q.locator('.template').count()) === 0)
  assert.equal(await q.locator('.ladder').count(), 3)
  await q.calm()
})

test('a file with bad lines is read, each error has its line and column, and the import is undone', async () => {
  const p = await office('imports', 'supervisor')
  const columns = {
    lender: 'LND-A',
    debtor_name: 'Made Up',
    country: 'PT',
    currency: 'EUR',
    address: 'Rua 1',
    time_zone: 'Europe/Lisbon',
    lon: '-8.43',
    lat: '41.55',
  }
  const names =
    'lender,case_ref,debtor_ref,product_type,profile,debtor_name,language,phone,phone_verified_on,address,' +
    'postal_code,city,country,address_verified_on,lon,lat,time_zone,currency,amount_due_minor,principal_minor,' +
    'due_date,priority,service_min,flags'
  const header = names
  const row = (ref, amount, due) => {
    const o = { ...columns, case_ref: ref, debtor_ref: `D-${ref}`, amount_due_minor: amount, due_date: due }
    return names
      .split(',')
      .map(n => o[n] ?? '')
      .join(',')
  }
  const csv = [
    header,
    row('NEW-1', '1000', '2026-11-01'),
    row('NEW-2', 'ten', '2026-11-01'),
    row('NEW-3', '10', 'May'),
  ]
  await p
    .locator('#import-file')
    .setInputFiles({ name: 'cases.csv', mimeType: 'text/csv', buffer: Buffer.from(csv.join('\n')) })
  await p.locator('table.lines').waitFor()
  const lines = await p.locator('table.lines tbody tr').allInnerTexts()
  assert.equal(lines.length, 2)
  assert.match(lines[0], /^3\s+amount_due_minor/)
  assert.match(lines[1], /^4\s+due_date/)
  const first = p.locator('.items .item').first()
  await until(async () => /new\s+1/.test(await first.innerText()))
  await p.screenshot({ path: `${shots}office-import-errors.png` })
  await first.getByRole('button', { name: en['imports.undo'] }).click()
  await p.getByText('Cases that are closed and leave the phones: 1').waitFor()
  const undo = section(p, 'undo-h')
  await undo.getByLabel(en['imports.undo.why']).selectOption('wrong_file')
  await undo.getByRole('button', { name: en['imports.undo'], exact: true }).click()
  await until(async () => (await first.innerText()).includes(en['imported.undone']))
  await p.calm()
})

test('one’s own sessions are listed and ended, but for this one', async () => {
  await client(town.url, 'supervisor')
  const p = await office('sessions', 'supervisor')
  const count = () => p.locator('.items .item').count()
  const was = await count()
  assert.ok(was >= 2)
  assert.equal(await p.locator('.item', { hasText: en['sessions.this'] }).getByRole('button').count(), 0)
  await p.locator('.item button').first().click()
  await until(async () => (await count()) === was - 1)
  await p.calm()
})

test('an empty server leads an administrator through the first steps', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'doorstep-first-'))
  const program = process.env.DOORSTEP ?? '/tmp/doorstep'
  const child = spawn(
    program,
    ['serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0', '--admin-password', adminPassword],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  try {
    let said = ''
    const origin = await new Promise((found, failed) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', b => {
          said += b
          const m = /(127\.0\.0\.1:\d+)/.exec(said)
          if (m && !m[1].endsWith(':0')) found(`http://${m[1]}`)
        })
      }
      child.on('exit', code => failed(new Error(`it ended with ${code}: ${said}`)))
    })
    const p = await page({ origin })
    await p.goto(`${origin}/console/`)
    await signIn(p)
    await p.locator('.steps').waitFor()
    await p.screenshot({ path: `${shots}office-first.png` })
    await p.getByLabel(en['first.id']).fill('PORTO')
    await p.getByLabel(en['people.name'], { exact: true }).fill('Porto')
    await p.getByLabel(en['first.country'], { exact: true }).fill('pt')
    await p.getByLabel(en['first.zone']).fill('Europe/Lisbon')
    await p.getByRole('button', { name: en['first.branch.go'] }).click()
    await p.getByText('There is the branch Porto.').waitFor()
    assert.equal(new URL(p.url()).pathname, '/console/office/start')
    await p.getByRole('link', { name: en['first.teams'] }).click()
    await p.getByText(en['teams.none']).waitFor()
    await p.calm()
  } finally {
    const ended = new Promise(over => child.once('exit', over))
    child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
})

test('each page of the office passes axe, fits 320 pixels, shows no bare code: light, dark, English, Arabic', async () => {
  const p = await office('people')
  for (const name of pages) {
    await p.goto(`${town.url}/console/office/${name}`)
    await p.waitForSelector('.office .page h1')
    await p.waitForFunction(() => !document.querySelector('.loading'))
    if (name === 'law') {
      await p.locator('section[aria-labelledby=rules-h] select').selectOption('in')
      await p.locator('form button.main').click()
      await p.waitForSelector('.bandlist')
    }
    if (name === 'people') await p.locator('tbody button').first().click()
    for (const [lang, dir] of [
      ['en', 'ltr'],
      ['ar', 'rtl'],
    ]) {
      await p.locator('select:has(option[lang=ar])').selectOption(lang)
      await p.waitForSelector(`:root[dir=${dir}]`)
      for (const colorScheme of ['light', 'dark']) {
        await p.emulateMedia({ colorScheme })
        await p.waitForSelector(`:root[data-theme=${colorScheme}]`)
        await p.evaluate(axe)
        const { violations } = await p.evaluate(() => globalThis.axe.run())
        const found = violations.map(
          v => `${v.id}: ${v.nodes.map(n => `${n.html} ${n.failureSummary}`).join('\n')}`,
        )
        assert.deepEqual(found, [], `${name} ${lang} ${colorScheme}`)
        await p.screenshot({ path: `${shots}office-${name}-${lang}-${colorScheme}.png` })
      }
      const text = await p.locator('main').innerText()
      const bare = text
        .replace(/\{(sender_name|amount|due_date|pay_link|opt_out)\}/g, '')
        .match(/\b[A-Z]{2,}(_[A-Z]+)+\b|\b[a-z]+(_[a-z]+)+\b|\{\w+\}|undefined|NaN|not know \(/g)
      assert.equal(bare, null, `${name} ${lang}: bare codes`)
      await p.emulateMedia({ colorScheme: 'light' })
      await p.setViewportSize({ width: 320, height: 640 })
      await until(() => p.evaluate(() => document.documentElement.clientWidth === 320))
      const wide = await p.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      await p.screenshot({ path: `${shots}office-${name}-${lang}-320.png` })
      assert.ok(wide <= 0, `${name} ${lang}: ${wide} pixels wider than 320`)
      await p.setViewportSize({ width: 1440, height: 900 })
    }
    await p.locator('select:has(option[lang=ar])').selectOption('en')
    await p.waitForSelector(':root[dir=ltr]')
    await p.calm()
  }
})
