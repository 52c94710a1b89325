// The work that was not sent, as a file that only who has its password can read.
import { bytesOf, docs, files, made, refused } from './store'

const round = 600_000

function base64(b: Uint8Array): string {
  let s = ''
  for (let i = 0; i < b.length; i += 0x8000) s += String.fromCharCode(...b.subarray(i, i + 0x8000))
  return btoa(s)
}

/** Makes the file. Its head says how it is read; open-export.mjs does it. */
export async function takeOut(password: string, agent: string): Promise<Blob> {
  const records = [...made, 'drafts' as const, 'assignments' as const].flatMap(type =>
    (docs.value[type] ?? []).filter(d => d.mut !== '').map(d => ({ type, ...d })),
  )
  const held = []
  for (const f of files.value) {
    const bytes = await bytesOf(f.id)
    if (bytes) held.push({ ...f, base64: base64(new Uint8Array(await bytes.arrayBuffer())) })
  }
  const plain = JSON.stringify({
    agent,
    at: new Date().toISOString(),
    records,
    refused: refused.value,
    files: held,
  })
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const secret = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, [
    'deriveKey',
  ])
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: round }
  const k = await crypto.subtle.deriveKey(how, secret, { name: 'AES-GCM', length: 256 }, false, ['encrypt'])
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, k, new TextEncoder().encode(plain))
  const head = {
    format: 'doorstep-unsent/1',
    key: `PBKDF2-SHA256 ${round}`,
    cipher: 'AES-256-GCM',
    salt: base64(salt),
    iv: base64(iv),
    data: base64(new Uint8Array(sealed)),
  }
  return new Blob([JSON.stringify(head)], { type: 'application/json' })
}
