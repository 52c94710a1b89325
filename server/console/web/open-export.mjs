// Opens a file of unsent work that the agents' app has taken out:
//   node open-export.mjs FILE        asks for the password on standard input, and writes the JSON to standard output
import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'

const head = JSON.parse(readFileSync(process.argv[2], 'utf8'))
if (head.format !== 'doorstep-unsent/1') throw new Error('this is no file of unsent work')
if (process.stdin.isTTY) process.stderr.write('Password: ')
const password = readFileSync(0, 'utf8').replace(/\r?\n$/, '')
const of = name => Buffer.from(head[name], 'base64')
const key = pbkdf2Sync(password, of('salt'), Number(head.key.split(' ')[1]), 32, 'sha256')
const data = of('data')
const d = createDecipheriv('aes-256-gcm', key, of('iv'))
d.setAuthTag(data.subarray(-16))
try {
  process.stdout.write(Buffer.concat([d.update(data.subarray(0, -16)), d.final()]))
} catch {
  process.stderr.write('The password is wrong, or the file was changed.\n')
  process.exitCode = 1
}
