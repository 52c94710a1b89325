// Builds the agents' app into dist/app: the page, its worker, and the list of files that the worker keeps.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { parse } from 'yaml'
import { kindsOf } from '../../../sync/clients/wire/kinds.mjs'

/** The clients' sources in the place of their packages; what they import comes from this project. */
function sources(here) {
  const root = resolve(here, '../../../sync/clients')
  return {
    name: 'clients',
    setup(b) {
      b.onResolve({ filter: /^@doorstep\/(wire|rxdb|tus|conduct|plan)$/ }, a => ({
        path: join(root, a.path.slice('@doorstep/'.length), 'src/index.ts'),
      }))
      b.onResolve({ filter: /^\.\/made\/kinds\.js$/ }, () => ({ path: 'kinds', namespace: 'made' }))
      b.onLoad({ filter: /^kinds$/, namespace: 'made' }, () => {
        const text = readFileSync(resolve(here, '../../../openapi/openapi.yaml'), 'utf8')
        return {
          contents: `export const kinds = ${JSON.stringify(kindsOf(parse(text, { maxAliasCount: -1 })))}`,
        }
      })
      b.onResolve({ filter: /^[a-z]/ }, a => {
        if (!a.importer.startsWith(root) || a.pluginData === 'again') return undefined
        return b.resolve(a.path, { resolveDir: here, kind: a.kind, pluginData: 'again' })
      })
      // The shared parts load the app's words, with the reasons of the law that the console has, too.
      b.onResolve({ filter: /^\.\.\/words\/[\w-]+\.json$/ }, a => ({
        path: basename(a.path),
        namespace: 'words',
      }))
      b.onLoad({ filter: /.*/, namespace: 'words' }, a => {
        const own = JSON.parse(readFileSync(join(here, 'phone/words', a.path), 'utf8'))
        const console = JSON.parse(readFileSync(join(here, 'words', a.path), 'utf8'))
        const reasons = Object.entries(console).filter(
          ([k]) => k.startsWith('reason.') && k !== 'reason.other',
        )
        return { contents: JSON.stringify({ ...own, ...Object.fromEntries(reasons) }), loader: 'json' }
      })
    },
  }
}

/** Builds the app. It answers the size of what a phone loads to begin, in gzip, and the names of all inputs. */
export async function phone({ here, dist, killSwitch }) {
  const out = join(dist, 'app')
  const common = {
    absWorkingDir: here,
    bundle: true,
    minify: true,
    charset: 'utf8',
    target: 'es2022',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  }
  // The page's build id must not be in its own hash twice: it is the hash of a build without one.
  const page = async (build_, write) =>
    build({
      ...common,
      write,
      entryPoints: { app: 'phone/main.tsx', app_style: 'phone/style.css' },
      outdir: out,
      splitting: true,
      format: 'esm',
      entryNames: 'assets/[name]-[hash]',
      chunkNames: 'assets/[name]-[hash]',
      assetNames: 'assets/[name]-[hash]',
      publicPath: '/app',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      define: { BUILD: JSON.stringify(build_) },
      plugins: [sources(here)],
    })
  const worker = async (build_, files, write) =>
    build({
      ...common,
      write,
      entryPoints: [join(here, 'phone/sw.ts')],
      outfile: join(out, 'sw.js'),
      define: { BUILD: JSON.stringify(build_), FILES: JSON.stringify(files) },
    })
  const sum = createHash('sha256')
  for (const r of [await page('', false), await worker('', [], false)]) {
    for (const o of r.outputFiles.sort((a, b) => (a.path < b.path ? -1 : 1))) sum.update(o.contents)
  }
  for (const f of ['icon.svg', 'app.webmanifest']) sum.update(readFileSync(join(here, 'phone', f)))
  const id = sum.digest('hex').slice(0, 12)

  const { metafile } = await page(id, true)
  const outputs = Object.entries(metafile.outputs).map(([name, o]) => ({ name, ...o }))
  const entry = source => outputs.find(o => o.entryPoint === source)
  const address = o => `/app/assets/${basename(o.name)}`
  for (const f of ['icon.svg', 'app.webmanifest'])
    writeFileSync(join(out, f), readFileSync(join(here, 'phone', f)))
  writeFileSync(
    join(out, 'index.html'),
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="mobile-web-app-capable" content="yes">
<title>Doorstep</title>
<link rel="manifest" href="/app/app.webmanifest">
<link rel="icon" href="/app/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${address(entry('phone/style.css'))}">
<script type="module" src="${address(entry('phone/main.tsx'))}"></script>
</head>
<body>
<div id="app"></div>
<noscript>The app needs JavaScript.</noscript>
</body>
</html>
`,
  )
  writeFileSync(join(out, 'build.txt'), `${id}\n`)
  const files = ['/app/', '/app/app.webmanifest', '/app/icon.svg', ...outputs.map(address)].sort()
  if (killSwitch) writeFileSync(join(out, 'sw.js'), readFileSync(join(here, 'phone/kill.js')))
  else await worker(id, files, true)

  // What is loaded before the app shows anything, as for the console: the rest the worker fetches when it has time.
  const begin = new Set()
  const take = o => {
    if (begin.has(o)) return
    begin.add(o)
    for (const i of o.imports) if (i.kind === 'import-statement') take(outputs.find(x => x.name === i.path))
  }
  take(entry('phone/main.tsx'))
  take(entry('phone/style.css'))
  const weight = o => gzipSync(readFileSync(resolve(here, o.name)), { level: 9 }).length
  const words = outputs.filter(o => /^words:/.test(o.entryPoint ?? ''))
  const size = [...begin].reduce((sum, o) => sum + weight(o), Math.max(...words.map(weight)))
  return { size, inputs: Object.keys(metafile.inputs) }
}
