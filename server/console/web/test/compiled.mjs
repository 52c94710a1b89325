// Compiles a source of the console, so that node can import what needs no browser.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const folder = mkdtempSync(join(tmpdir(), 'doorstep-web-'))
const root = new URL('..', import.meta.url).pathname

/** The exports of a source file, such as console/day.ts. */
export async function compiled(file) {
  const outfile = join(folder, `${file.replace(/\W/g, '_')}.mjs`)
  await build({ entryPoints: [join(root, file)], bundle: true, format: 'esm', outfile, logLevel: 'error' })
  return import(pathToFileURL(outfile).href)
}
