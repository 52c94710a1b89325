// The board on a map that the program has made of an extract, and stops chosen on it.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { client, demo, password, prepared } from './demo.mjs'
import { writeTown } from './town.mjs'

const en = JSON.parse(readFileSync(new URL('../words/en.json', import.meta.url), 'utf8'))
const shots = new URL('./shots/', import.meta.url).pathname
mkdirSync(shots, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'doorstep-map-'))
const extract = process.env.EXTRACT ?? join(folder, 'town.osm.pbf')

let town
let browser
let page
const asked = []
const trouble = []
before(async () => {
  writeTown(extract, -8.43, 41.55)
  ;[town, browser] = await Promise.all([
    demo('--map', prepared(extract)),
    chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' }),
  ])
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: 'en',
    reducedMotion: 'reduce',
  })
  page = await context.newPage()
  page.setDefaultTimeout(120_000)
  page.on('request', r => asked.push(new URL(r.url())))
  page.on('console', m => {
    if (!/GPU stall due to ReadPixels/.test(m.text())) trouble.push(m.text())
  })
  page.on('pageerror', e => trouble.push(String(e.stack)))
  await page.goto(`${town.url}/console/`)
  await page.locator('input[autocomplete=username]').fill('supervisor')
  await page.locator('input[autocomplete=current-password]').fill(password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('table.teams')
})
after(async () => {
  await browser?.close()
  await town?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const box = () => page.locator('.mapbox[data-ready=true]')
async function until(is, what) {
  for (const end = Date.now() + 60_000; !(await is()); await new Promise(done => setTimeout(done, 50))) {
    assert.ok(Date.now() < end, `${what} did not come to be`)
  }
}

test('the board lies on the map: tiles of this server, names of streets without glyph files, the attribution', async () => {
  await page.goto(`${town.url}/console/rounds/${town.round}`)
  await box().waitFor()
  await page.locator('.option').nth(3).click()
  await page.getByRole('button', { name: en['stop.centre'] }).click()
  await until(async () => Number(await box().getAttribute('data-names')) > 0, 'a name on the map')
  assert.match(await page.locator('.attribution').innerText(), /OpenStreetMap/)
  const tiles = asked.filter(u => u.pathname.startsWith('/tiles/'))
  assert.ok(tiles.length > 0)
  assert.deepEqual(
    asked.filter(u => u.origin !== town.url && !['data:', 'blob:'].includes(u.protocol)),
    [],
  )
  assert.deepEqual(
    asked.filter(u => /glyph|\.pbf$|sprite/.test(u.pathname)),
    [],
  )
  await page.screenshot({ path: `${shots}map-en-light.png` })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.waitForSelector(':root[data-theme=dark]')
  await until(async () => Number(await box().getAttribute('data-names')) > 0, 'a name on the dark map')
  await page.screenshot({ path: `${shots}map-en-dark.png` })
  await page.emulateMedia({ colorScheme: 'light' })
  await page.waitForSelector(':root[data-theme=light]')
  assert.deepEqual(trouble.splice(0), [])
})

test('a click on a stop of the map chooses it, and the list follows', async () => {
  const office = await client(town.url, 'supervisor')
  const drawing = await office('GET', `/v1/rounds/${town.round}.geojson`)
  const points = drawing.features.filter(f => f.properties.kind === 'stop')
  // A stop with no other near it: several homes at one door are one point on the map.
  const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) > 0.0004
  const alone = points.find(f =>
    points.every(g => g === f || far(f.geometry.coordinates, g.geometry.coordinates)),
  )
  assert.ok(alone)
  await page.goto(`${town.url}/console/rounds/${town.round}?stop=${encodeURIComponent(alone.id)}`)
  await box().waitFor()
  await page.getByRole('button', { name: en['stop.centre'] }).click()
  const [lon, lat] = alone.geometry.coordinates
  await until(async () => {
    const [x, y] = ((await box().getAttribute('data-middle')) ?? '0 0').split(' ').map(Number)
    return Math.abs(x - lon) < 1e-6 && Math.abs(y - lat) < 1e-6
  }, 'the stop in the middle')
  await page.locator('.stops').focus()
  await page.keyboard.press('Escape')
  assert.equal(await page.locator('.option[aria-selected=true]').count(), 0)
  const middle = await box().getAttribute('data-middle')
  const at = await page.locator('.mapbox canvas').boundingBox()
  await page.mouse.click(at.x + at.width / 2, at.y + at.height / 2)
  await page.waitForSelector('.option[aria-selected=true]')
  assert.ok(
    (await page.locator('.option[aria-selected=true]').innerText()).includes(alone.properties.case),
    'another stop was chosen',
  )
  assert.equal(await box().getAttribute('data-middle'), middle, 'the map has moved under the click')
  // Beside every stop the click chooses nothing new.
  await page.mouse.click(at.x + 3, at.y + 3)
  assert.equal(await page.locator('.option[aria-selected=true]').count(), 1)
  assert.deepEqual(trouble.splice(0), [])
})
