// Builds the console and the agents' app into ../dist: hashed names, no source maps, the licences of what is in it. The same sources give
// the same bytes in any folder. It fails when a part is larger than its budget.
//   node build.mjs [--out FOLDER] [--kill-switch]
// --kill-switch puts the worker that takes itself away in the place of the app's.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import './api.mjs'
import { phone } from './phone.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const at = process.argv.indexOf('--out')
const dist = at > 0 ? resolve(process.argv[at + 1]) : join(here, '..', 'dist')
process.chdir(here)

/** The most that each part may weigh, in bytes of gzip. */
const budgets = { console: 70_000, map: 470_000, app: 160_000 }

/** Files that are loaded by their address: import url from 'address:package/file'. */
const addresses = {
  name: 'addresses',
  setup(b) {
    b.onResolve({ filter: /^address:/ }, a => ({
      path: a.path.slice('address:'.length),
      namespace: 'address',
    }))
    b.onLoad({ filter: /.*/, namespace: 'address' }, a => ({
      contents: readFileSync(join(here, 'node_modules', a.path)),
      loader: 'file',
    }))
  },
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
const { metafile } = await build({
  entryPoints: { console: 'console/main.tsx', style: 'console/style.css' },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  minify: true,
  charset: 'utf8',
  target: 'es2022',
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  publicPath: '/console',
  loader: { '.woff2': 'file', '.svg': 'file' },
  legalComments: 'none',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  metafile: true,
  plugins: [addresses],
  logLevel: 'warning',
})

const outputs = new Map(Object.entries(metafile.outputs).map(([name, o]) => [basename(name), { name, ...o }]))
const entry = source => [...outputs.values()].find(o => o.entryPoint === source)
const address = o => `/console/assets/${basename(o.name)}`
const main = entry('console/main.tsx')
const style = entry('console/style.css')
const icon = [...outputs.values()].find(o => basename(o.name).startsWith('icon-'))
writeFileSync(
  join(dist, 'index.html'),
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Doorstep</title>
<link rel="icon" href="${address(icon)}" type="image/svg+xml">
<link rel="stylesheet" href="${address(style)}">
<script type="module" src="${address(main)}"></script>
</head>
<body>
<div id="app"></div>
<noscript>The console needs JavaScript.</noscript>
</body>
</html>
`,
)

/** The outputs that an output loads before it runs. */
function closure(o, seen = new Set()) {
  if (seen.has(o.name)) return seen
  seen.add(o.name)
  for (const i of o.imports) {
    if (i.kind === 'import-statement') closure(outputs.get(basename(i.path)), seen)
  }
  return seen
}
const weight = name => gzipSync(readFileSync(join(dist, 'assets', basename(name))), { level: 9 }).length
const shell = closure(main)
const heaviestWords = Math.max(
  ...[...outputs.values()].filter(o => /^words\//.test(o.entryPoint ?? '')).map(o => weight(o.name)),
)
const map = entry('console/map/map.ts')
const mapFiles = [...closure(map)].filter(name => !shell.has(name))
for (const o of outputs.values()) {
  if (/maplibre-gl(-worker)?-[A-Z0-9]+\.(mjs|css)$/.test(o.name)) mapFiles.push(o.name)
}
const sizes = {
  console: [...shell, style.name].reduce((sum, name) => sum + weight(name), 0) + heaviestWords,
  map: mapFiles.reduce((sum, name) => sum + weight(name), 0),
}
let over = false
for (const [part, most] of Object.entries(budgets)) {
  if (part === 'app') continue
  console.log(`${part}: ${(sizes[part] / 1000).toFixed(1)} kB gzip of ${most / 1000}`)
  over ||= sizes[part] > most
}

const app = await phone({ here, dist, killSwitch: process.argv.includes('--kill-switch') })
console.log(`app: ${(app.size / 1000).toFixed(1)} kB gzip of ${budgets.app / 1000}`)
over ||= app.size > budgets.app

/** The licence texts of the packages that are in the build. */
const packages = new Set()
for (const name of [...Object.keys(metafile.inputs), ...app.inputs]) {
  const found = /(?:node_modules\/|address:)((?:@[^/]+\/)?[^/]+)/.exec(name)
  if (found) packages.add(found[1])
}
// What MapLibre's bundle is made of, it names in its own licence file.
const licences = ['The console and the app are made with these packages.', '']
for (const name of [...packages].sort()) {
  const folder = join(here, 'node_modules', name)
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  licences.push('='.repeat(80), `${about.name} ${about.version}: ${about.license}`, '')
  const texts = readdirSync(folder).filter(f => /^(licen[cs]e|notice)/i.test(f))
  for (const f of texts.sort()) licences.push(readFileSync(join(folder, f), 'utf8').trim(), '')
  if (texts.length === 0) licences.push(`(the package ships no text of its licence, ${about.license})`, '')
}
writeFileSync(join(dist, 'licences.txt'), `${licences.join('\n').replace(/\r/g, '')}`)
if (!existsSync(join(dist, 'assets'))) throw new Error('nothing was built')
if (over) {
  console.error('a part is larger than its budget')
  process.exit(1)
}
