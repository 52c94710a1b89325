// The real program for the tests: a demo on a morning, behind a proxy that can cut the line.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The program: built by scripts/test, which names it; by hand: go build -o /tmp/doorstep ./server/cmd/doorstep. */
const program = process.env.DOORSTEP ?? '/tmp/doorstep'

export const password = 'played-password-of-the-day'

/** Makes a map of an extract beside it, and gives its path. */
export function prepared(extract) {
  execFileSync(program, ['map', 'prepare', extract], { stdio: ['ignore', 'ignore', 'inherit'] })
  return extract.replace(/\.osm\.pbf$/, '.mbtiles')
}

/** Starts a demo that stands in the morning of a published day, with further arguments. */
export async function demo(...more) {
  const folder = mkdtempSync(join(tmpdir(), 'doorstep-web-'))
  const child = spawn(
    program,
    [
      'demo',
      '--morning',
      '--search',
      '1',
      '--date',
      '2026-12-01',
      '--data',
      join(folder, 'data'),
      '--listen',
      '127.0.0.1:0',
      ...more,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  let complained = ''
  child.stderr.on('data', b => {
    complained += b
  })
  const target = await new Promise((found, failed) => {
    child.stdout.on('data', b => {
      said += b
      const m = /until Ctrl-C: (http:\/\/\S+)/.exec(said)
      if (m && said.includes('ROUND=')) found(m[1])
    })
    child.on('error', failed)
    child.on('exit', code => failed(new Error(`the demo ended with ${code}: ${said}${complained}`)))
  })
  const round = /ROUND=(\S+)/.exec(said)[1]
  const line = await proxy(Number(new URL(target).port))
  return {
    said,
    round,
    /** The address without the proxy. */
    target,
    /** The address behind the proxy. */
    url: `http://127.0.0.1:${line.port}`,
    line,
    stop: async () => {
      line.close()
      const ended = new Promise(done => child.once('exit', done))
      child.removeAllListeners('error')
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A TCP proxy. cut ends all connections and refuses new ones until mend. */
async function proxy(to) {
  const open = new Set()
  let whole = true
  const server = net.createServer(a => {
    if (!whole) return a.destroy()
    const b = net.connect(to, '127.0.0.1')
    open.add(a)
    const end = () => {
      a.destroy()
      b.destroy()
      open.delete(a)
    }
    for (const s of [a, b]) s.on('error', end).on('close', end)
    a.pipe(b)
    b.pipe(a)
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  const cut = () => {
    whole = false
    for (const a of open) a.destroy()
  }
  return {
    port: server.address().port,
    cut,
    mend: () => {
      whole = true
    },
    close: () => {
      cut()
      server.close()
    },
  }
}

/** A user of the API. */
export async function client(url, login, device) {
  const ask = async (method, path, body, token) => {
    const headers = { 'Content-Type': 'application/json' }
    if (token) headers.Authorization = `Bearer ${token}`
    if (device) headers['X-Device-Id'] = device.id
    const r = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) })
    const text = await r.text()
    if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }
  const secret = login === 'admin' ? 'demo-administrator' : password
  const s = await ask('POST', '/v1/sessions', { login, password: secret, ...(device ? { device } : {}) })
  return (method, path, body) => ask(method, path, body, s.access_token)
}
