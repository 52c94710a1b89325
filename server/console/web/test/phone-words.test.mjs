import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'

const here = new URL('.', import.meta.url)
const read = name => readFileSync(new URL(name, here), 'utf8')
const languages = ['ar', 'en', 'pt', 'zh-CN']
const words = Object.fromEntries(languages.map(l => [l, JSON.parse(read(`../phone/words/${l}.json`))]))
const forms = text => (typeof text === 'string' ? [text] : Object.values(text))
const holes = text => [...new Set(forms(text).flatMap(f => f.match(/\{\w+\}/g) ?? []))].sort()

test('the app has every word in every language, with the same placeholders', () => {
  assert.deepEqual(
    readdirSync(new URL('../phone/words/', here)).sort(),
    languages.map(l => `${l}.json`),
  )
  const keys = Object.keys(words.en)
  assert.ok(keys.length > 250)
  for (const l of languages) {
    assert.deepEqual(Object.keys(words[l]).sort(), [...keys].sort(), l)
    for (const k of keys) {
      assert.deepEqual(holes(words[l][k]), holes(words.en[k]), `${l} ${k}`)
      for (const f of forms(words[l][k])) assert.ok(f.trim() !== '', `${l} ${k} is empty`)
      if (typeof words[l][k] === 'object') assert.ok(words[l][k].other, `${l} ${k}`)
      if (l !== 'en')
        assert.notDeepEqual(words[l][k], words.en[k] === '{mb} MB' ? '' : words.en[k], `${l} ${k}`)
    }
  }
})

test('every word of the app is used, and every word that it asks for is there', () => {
  const text = ['phone', 'phone/screens']
    .flatMap(d =>
      readdirSync(new URL(`../${d}/`, here))
        .filter(f => /\.tsx?$/.test(f))
        .map(f => read(`../${d}/${f}`)),
    )
    .join('\n')
  const lists = [...text.matchAll(/word\(\s*'([\w.]+)'/g)].map(m => m[1])
  const made = k =>
    lists.some(l => k.startsWith(`${l}.`)) ||
    /^visit\.(who|identity|told|end|reason|note|photo|check)$/.test(k)
  assert.deepEqual(
    Object.keys(words.en).filter(k => !text.includes(`'${k}'`) && !made(k)),
    [],
  )
  const asked = [...text.matchAll(/\bt\(\s*'([\w.]+)'/g)].map(m => m[1])
  assert.ok(asked.length > 100)
  assert.deepEqual(
    asked.filter(k => !(k in words.en)),
    [],
  )
})

test('every code that the app offers is one of the server’s, and has its words', () => {
  const api = JSON.stringify(parse(read('../../../../openapi/openapi.yaml'), { maxAliasCount: -1 }))
  for (const list of [
    'outcome',
    'person',
    'identity',
    'overdue',
    'decline',
    'consent',
    'photo',
    'note',
    'frequency',
  ]) {
    const codes = Object.keys(words.en)
      .filter(k => k.startsWith(`${list}.`) && /^[\w]+\.(\w+)$/.test(k))
      .map(k => k.slice(list.length + 1))
    assert.ok(codes.length > 2, list)
  }
  const text = read('../phone/screens/report.tsx') + read('../phone/screens/others.tsx')
  const offered = name =>
    [
      ...new RegExp(`const ${name}[^=]*=([^\\n]*\\n(?:.*\\n)*?)(?:\\]|\\})\\n`)
        .exec(text)[1]
        .matchAll(/'([\w]+)'/g),
    ].map(m => m[1])
  const wanted = {
    people: 'person',
    ends: 'outcome',
    reasons: 'overdue',
    scopes: 'consent',
    declines: 'decline',
  }
  for (const [name, list] of Object.entries(wanted)) {
    const codes = offered(name)
    assert.ok(codes.length > 4, name)
    for (const c of codes) {
      assert.ok(`${list}.${c}` in words.en, `${list}.${c}`)
      assert.ok(api.includes(`"${c}"`), `the server knows no ${c}`)
    }
  }
})
