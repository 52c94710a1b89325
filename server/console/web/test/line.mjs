// A proxy between the app and the server. A rule may lose an answer, hold a request, refuse it, or answer in the
// server's place; cut ends all connections and refuses new ones until mend.
import http from 'node:http'
import { gunzipSync } from 'node:zlib'

export async function lineTo(port) {
  const open = new Set()
  const seen = []
  const held = []
  let whole = true
  const line = {
    seen,
    /** What becomes of a request: undefined, 'lose', 'refuse', 'hold', or {status, headers, body}. */
    rule: () => undefined,
    /** What an answer is made into; undefined leaves it as it is. */
    change: () => undefined,
    cut: () => {
      whole = false
      for (const s of open) s.destroy()
    },
    mend: () => {
      whole = true
    },
    letGo: () => {
      for (const go of held.splice(0)) go()
    },
    pushed: () => seen.filter(x => x.path === '/sync/v1/push').flatMap(x => JSON.parse(x.body).mutations),
  }
  const server = http.createServer(async (req, res) => {
    if (!whole) return req.socket.destroy()
    const parts = []
    try {
      for await (const part of req) parts.push(part)
    } catch {
      return
    }
    const bytes = Buffer.concat(parts)
    const body = (req.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
    const path = req.url.split('?')[0]
    const x = { method: req.method, path, url: req.url, body, headers: req.headers, at: Date.now() }
    seen.push(x)
    let rule = line.rule(x)
    if (rule === 'refuse') return req.socket.destroy()
    if (rule === 'hold') {
      await new Promise(done => held.push(done))
      rule = undefined
      if (!whole) return req.socket.destroy()
    }
    if (typeof rule === 'object') {
      x.status = rule.status
      res.writeHead(rule.status, rule.headers)
      return res.end(rule.body)
    }
    const { 'if-none-match': _, ...asked } = req.headers
    const headers = { ...asked, 'accept-encoding': 'identity' }
    const out = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers }, got => {
      x.status = got.statusCode
      if (rule === 'lose') {
        got.resume()
        got.on('end', () => req.socket.destroy())
        return
      }
      if (got.headers['content-type']?.startsWith('text/event-stream')) {
        res.writeHead(got.statusCode, got.headers)
        res.on('close', () => out.destroy())
        got.on('error', () => res.destroy())
        return got.pipe(res)
      }
      const answer = []
      got.on('data', b => answer.push(b))
      got.on('error', () => res.destroy())
      got.on('end', () => {
        const text = Buffer.concat(answer)
        x.answer = text.toString()
        const other = line.change({ ...x, text })
        const { 'transfer-encoding': __, ...h } = got.headers
        const send = other === undefined ? text : Buffer.from(other)
        if (req.method !== 'HEAD' && got.statusCode !== 304 && got.statusCode !== 204)
          h['content-length'] = send.length
        res.writeHead(got.statusCode, h)
        res.end(req.method === 'HEAD' || got.statusCode === 304 ? undefined : send)
      })
    })
    out.on('error', () => res.destroy())
    out.end(bytes)
  })
  server.on('connection', s => {
    if (!whole) return s.destroy()
    open.add(s)
    s.on('error', () => {})
    s.on('close', () => open.delete(s))
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  line.port = server.address().port
  line.url = `http://127.0.0.1:${line.port}`
  line.close = () => {
    for (const s of open) s.destroy()
    server.close()
  }
  return line
}
