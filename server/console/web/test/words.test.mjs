import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

const here = new URL('.', import.meta.url)
const read = name => readFileSync(new URL(name, here), 'utf8')
const languages = readdirSync(new URL('../words/', here))
  .filter(f => f.endsWith('.json'))
  .map(f => f.replace('.json', ''))
const words = Object.fromEntries(
  languages.map(l => [
    l,
    { ...JSON.parse(read(`../words/${l}.json`)), ...JSON.parse(read(`../words/office/${l}.json`)) },
  ]),
)
const forms = text => (typeof text === 'string' ? [text] : Object.values(text))
const holes = text => [...new Set(forms(text).flatMap(f => f.match(/\{\w+\}/g) ?? []))].sort()

test('every language has every word, with the same placeholders', () => {
  assert.deepEqual(languages.sort(), ['ar', 'en', 'pt', 'zh-CN'])
  const keys = Object.keys(words.en)
  assert.ok(keys.length > 200)
  for (const l of languages) {
    assert.deepEqual(Object.keys(words[l]).sort(), [...keys].sort(), l)
    for (const k of keys) {
      assert.deepEqual(holes(words[l][k]), holes(words.en[k]), `${l} ${k}`)
      for (const f of forms(words[l][k])) assert.ok(f.trim() !== '', `${l} ${k} is empty`)
    }
  }
})

test('plurals have all forms that their language has', () => {
  for (const l of languages) {
    for (const [k, text] of Object.entries(words[l])) {
      if (typeof text === 'string') continue
      assert.ok(text.other, `${l} ${k}`)
      const missing = new Intl.PluralRules(l)
        .resolvedOptions()
        .pluralCategories.filter(c => !text[c] && c !== 'many')
      if (l !== 'ar' && l !== 'pt') assert.deepEqual(missing, [], `${l} ${k}`)
    }
  }
})

test('other languages are not English', () => {
  for (const l of languages.filter(x => x !== 'en')) {
    const same = Object.keys(words.en).filter(
      k => JSON.stringify(words[l][k]) === JSON.stringify(words.en[k]),
    )
    assert.ok(same.length < 6, `${l}: ${same.join(', ')}`)
  }
})

test('every word is used', () => {
  const files = ['shared', 'console', 'console/screens', 'console/map', 'console/audit'].flatMap(d =>
    readdirSync(new URL(`../${d}/`, here))
      .filter(f => /\.tsx?$/.test(f) && f !== 'api.ts')
      .map(f => read(`../${d}/${f}`)),
  )
  const text = files.join('\n')
  // Keys that are put together: say('reason', code), t(`remedy.${remedy}`).
  const made = [/^reason\./, /^inbox\./, /^state\./, /^problem\./, /^remedy\./, /^board\.view\./, /^theme\./]
  // Those of the office, by word(group, code) and by the page's name.
  made.push(
    /^(role\.(is|may)|paper|mode|closed|device|platform|origin|channel|place|fact|consent|textkind|text)\./,
    /^(intent|replydid|finding|import|import\.is|imported|undo|office)\./,
  )
  // Those of records: word('code', code), t(`fault.${code}`), t(`story.${group}`).
  made.push(/^(code|did|member|kind|fault)\./, /^story\.(\w+s|office)$/)
  const unused = Object.keys(words.en).filter(k => !text.includes(`'${k}'`) && !made.some(m => m.test(k)))
  assert.deepEqual(unused, [])
})

test('every code that can be shown has a sentence', () => {
  const api = parse(read('../../../../openapi/openapi.yaml'), { maxAliasCount: -1 })
  const kinds = api.paths['/v1/inbox'].get.parameters.find(p => p.name === 'kind').schema.enum
  const round = api.paths['/v1/rounds/{id}'].get.responses['200'].content['application/json'].schema
  const statuses = round.properties.status.enum
  const left = api.components.schemas.RoundLeftOut.properties.code.description.match(/\b[A-Z][A-Z_]{3,}\b/g)
  const named = [...read('../../../dispatch/round.go').matchAll(/^\t\w+ += "([A-Z_]{3,})"/gm)].map(m => m[1])
  assert.ok(kinds.length > 10 && statuses.length > 5 && left.length > 15 && named.length > 15)
  const has = key => key in words.en
  for (const k of kinds) assert.ok(has(`inbox.${k}`), `inbox.${k}`)
  for (const s of statuses) assert.ok(has(`state.${s}`), `state.${s}`)
  for (const c of [...left, ...named]) assert.ok(has(`reason.${c}`), `reason.${c}`)
})
