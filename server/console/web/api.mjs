// Writes shared/api.ts: the types of the API's answers and bodies, from openapi/openapi.yaml. It holds types alone,
// and is made anew at every build, so that the compiler says where the console and the API have parted.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'yaml'
import { kindsOf } from '../../../sync/clients/wire/kinds.mjs'

const here = new URL('.', import.meta.url)
const description = parse(readFileSync(new URL('../../../openapi/openapi.yaml', here), 'utf8'), {
  maxAliasCount: -1,
})

/** The TypeScript type of a schema. */
function type(s, indent = '') {
  if (!s || s === true) return 'unknown'
  if (s.$ref) return s.$ref.split('/').pop()
  if (s.const !== undefined) return JSON.stringify(s.const)
  if (s.enum) return s.enum.map(v => JSON.stringify(v)).join(' | ')
  const either = s.oneOf ?? s.anyOf
  if (either) return either.map(x => type(x, indent)).join(' | ')
  if (s.allOf) return s.allOf.map(x => type(x, indent)).join(' & ')
  const kinds = Array.isArray(s.type) ? s.type : [s.type]
  const one = kind => {
    switch (kind) {
      case 'array':
        return `Array<${type(s.items, indent)}>`
      case 'object':
        return object(s, indent)
      case 'integer':
      case 'number':
        return 'number'
      case 'string':
        return 'string'
      case 'boolean':
        return 'boolean'
      case 'null':
        return 'null'
      default:
        return s.properties ? object(s, indent) : 'unknown'
    }
  }
  return [...new Set(kinds.map(one))].join(' | ')
}

function object(s, indent) {
  const members = Object.entries(s.properties ?? {})
  if (members.length === 0) {
    const more = s.additionalProperties
    return more && typeof more === 'object'
      ? `Record<string, ${type(more, indent)}>`
      : 'Record<string, unknown>'
  }
  const required = new Set(s.required ?? [])
  const inner = `${indent}  `
  const lines = members.map(([name, m]) => {
    const key = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name)
    return `${inner}${key}${required.has(name) ? '' : '?'}: ${type(m, inner)}`
  })
  return `{\n${lines.join('\n')}\n${indent}}`
}

/** The schema of an operation's successful answer, or of its body. */
function json(content) {
  const kinds = content ?? {}
  return kinds['application/json']?.schema ?? kinds['application/geo+json']?.schema
}

const out = ['// Made by api.mjs from openapi/openapi.yaml. Do not edit.', '']
for (const [name, s] of Object.entries(description.components.schemas)) {
  out.push(`export type ${name} = ${type(s)}`, '')
}
out.push(
  '/** What each operation takes as its body, and what it answers. */',
  'export interface Operations {',
)
for (const [path, item] of Object.entries(description.paths)) {
  for (const [method, op] of Object.entries(item)) {
    if (!op?.operationId) continue
    const status = Object.keys(op.responses ?? {}).find(code => code.startsWith('2'))
    const answer = json(op.responses?.[status]?.content)
    out.push(`  '${method.toUpperCase()} ${path}': {`)
    out.push(`    body: ${type(json(op.requestBody?.content), '    ')}`)
    out.push(`    answer: ${type(answer, '    ')}`, '  }')
  }
}
out.push('}', '')
writeFileSync(new URL('shared/api.ts', here), out.join('\n'))

// The clients of sync/v1, which the agents' app is built on, read these types under another name. Their own build
// writes the same (sync/clients/wire/generate.mjs).
const made = new URL('../../../sync/clients/wire/src/made/', here)
mkdirSync(made, { recursive: true })
const names = Object.keys(description.components.schemas)
writeFileSync(
  new URL('api.ts', made),
  `import type * as all from '${'../'.repeat(5)}server/console/web/shared/api'
export interface components {
  schemas: {
${names.map(n => `    ${n}: all.${n}`).join('\n')}
  }
}
`,
)
writeFileSync(
  new URL('kinds.ts', made),
  `export const kinds = ${JSON.stringify(kindsOf(description), null, 2)} as const\n`,
)
