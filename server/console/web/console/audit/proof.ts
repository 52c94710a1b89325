// Hashes, signatures and proofs of the server's log, by WebCrypto alone.

export type Bytes = Uint8Array<ArrayBuffer>

const utf8 = new TextEncoder()
export const bytesOf = (s: string): Bytes => utf8.encode(s) as Bytes

/** Bytes of base64 with padding; undefined for what is none. strict refuses bits that decoders ignore. */
export function fromBase64(s: string, strict = false): Bytes | undefined {
  if (s.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(s)) return undefined
  try {
    const b = Uint8Array.from(atob(s), c => c.charCodeAt(0)) as Bytes
    return strict && toBase64(b) !== s ? undefined : b
  } catch {
    return undefined
  }
}

/** Bytes as base64. */
export function toBase64(b: Bytes): string {
  let s = ''
  for (const x of b) s += String.fromCharCode(x)
  return btoa(s)
}

/** The SHA-256 of bytes. */
export async function sha256(...parts: Bytes[]): Promise<Bytes> {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    all.set(p, at)
    at += p.length
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all))
}

/** The HMAC-SHA-256 of bytes. */
export async function hmac(key: Bytes, message: Bytes): Promise<Bytes> {
  // A key of no bytes is one of zeros, which WebCrypto takes.
  const raw = key.length > 0 ? key : new Uint8Array(1)
  const k = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', k, message))
}

export function same(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i])
}

/** A public key of signed notes. */
export interface Key {
  name: string
  hash: Bytes
  verify: (message: Bytes, signature: Bytes) => Promise<boolean>
}

const validName = (name: string): boolean => name !== '' && !/[\s+]/.test(name)

/** Reads a verifier key, name+hash+base64; undefined for what is none. */
export async function readKey(text: string): Promise<Key | undefined> {
  const [name = '', hex = '', ...rest] = text.trim().split('+')
  const data = fromBase64(rest.join('+'))
  if (!validName(name) || !/^[0-9a-fA-F]{8}$/.test(hex) || data?.length !== 33 || data[0] !== 1)
    return undefined
  const hash = (await sha256(bytesOf(`${name}\n`), data)).slice(0, 4)
  if ([...hash].map(b => b.toString(16).padStart(2, '0')).join('') !== hex.toLowerCase()) return undefined
  const key = await crypto.subtle.importKey('raw', data.slice(1), { name: 'Ed25519' }, false, ['verify'])
  const verify = (message: Bytes, signature: Bytes): Promise<boolean> =>
    crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message)
  return { name, hash, verify }
}

/** Opens a signed note: its text, and whether the key's is the only signature, in canonical base64. undefined: the key
 * has not signed it. */
export async function openNote(
  note: string,
  key: Key,
): Promise<{ text: string; alone: boolean } | undefined> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note holds no control characters but line ends
  if (/[\u0000-\u0009\u000b-\u001f\ufffd]/.test(note)) return undefined
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n') || split + 2 >= note.length) return undefined
  const text = note.slice(0, split + 1)
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > 100) return undefined
  let signed = false
  let alone = true
  let others = 0
  for (const line of lines) {
    if (!line.startsWith('— ')) return undefined
    const at = line.indexOf(' ', 2)
    const name = at < 0 ? line.slice(2) : line.slice(2, at)
    const coded = at < 0 ? '' : line.slice(at + 1)
    const data = fromBase64(coded)
    if (!validName(name) || coded === '' || !data || data.length < 5) return undefined
    if (name !== key.name || !same(data.slice(0, 4), key.hash)) {
      others++
      continue
    }
    if (signed) continue
    if (!(await key.verify(bytesOf(text), data.slice(4)))) return undefined
    signed = true
    alone = fromBase64(coded, true) !== undefined
  }
  return signed ? { text, alone: alone && others === 0 } : undefined
}

const leafMark = new Uint8Array([0]) as Bytes
const nodeMark = new Uint8Array([1]) as Bytes

/** The hash of an entry in the tree (RFC 6962). */
export const leafOf = (entry: Bytes): Promise<Bytes> => sha256(leafMark, entry)
const node = (left: Bytes, right: Bytes): Promise<Bytes> => sha256(nodeMark, left, right)

/** The largest power of two below n. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** Hashes of base64; undefined if any is malformed. */
export function hashes(coded: readonly string[]): Bytes[] | undefined {
  const out = coded.map(h => fromBase64(h))
  return out.every(h => h?.length === 32) ? (out as Bytes[]) : undefined
}

/** Whether a leaf is at a place, counted from 0, of the tree of a size and root. */
export async function includes(
  proof: Bytes[],
  size: number,
  root: Bytes,
  at: number,
  leaf: Bytes,
): Promise<boolean> {
  if (at < 0 || at >= size) return false
  const run = async (p: Bytes[], lo: number, hi: number): Promise<Bytes | undefined> => {
    if (lo + 1 === hi) return p.length === 0 ? leaf : undefined
    const last = p.at(-1)
    if (!last) return undefined
    const mid = lo + split(hi - lo)
    const rest = p.slice(0, -1)
    const below = at < mid ? await run(rest, lo, mid) : await run(rest, mid, hi)
    if (!below) return undefined
    return at < mid ? node(below, last) : node(last, below)
  }
  const found = await run(proof, 0, size)
  return found !== undefined && same(found, root)
}

/** Whether the tree of an older size and root is a prefix of the tree of a size and root. */
export async function grows(
  proof: Bytes[],
  size: number,
  root: Bytes,
  older: number,
  was: Bytes,
): Promise<boolean> {
  if (older < 1 || older > size) return false
  const run = async (p: Bytes[], lo: number, hi: number): Promise<[Bytes, Bytes] | undefined> => {
    if (older === hi) {
      if (lo === 0) return p.length === 0 ? [was, was] : undefined
      return p.length === 1 ? [p[0]!, p[0]!] : undefined
    }
    const last = p.at(-1)
    if (!last) return undefined
    const mid = lo + split(hi - lo)
    const rest = p.slice(0, -1)
    const below = older <= mid ? await run(rest, lo, mid) : await run(rest, mid, hi)
    if (!below) return undefined
    if (older <= mid) return [below[0], await node(below[1], last)]
    return [await node(last, below[0]), await node(last, below[1])]
  }
  const found = await run(proof, 0, size)
  return found !== undefined && same(found[0], was) && same(found[1], root)
}
