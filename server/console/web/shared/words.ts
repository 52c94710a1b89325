import { signal } from '@preact/signals'
import type en from '../words/en.json'
import type office from '../words/office/en.json'

/** The name of a text. */
export type Key = keyof typeof en | keyof typeof office

type Text = string | { [form: string]: string }
type Words = Record<string, Text>

/** A language of the console: its name in itself, and the way it is written. */
export interface Language {
  tag: string
  name: string
  direction: 'ltr' | 'rtl'
  words: () => Promise<{ default: Words }>
}

/** The languages there are. A further one is a JSON file and a line here. */
export const languages: Language[] = [
  { tag: 'en', name: 'English', direction: 'ltr', words: () => import('../words/en.json') },
  { tag: 'zh-CN', name: '简体中文', direction: 'ltr', words: () => import('../words/zh-CN.json') },
  { tag: 'pt', name: 'Português', direction: 'ltr', words: () => import('../words/pt.json') },
  { tag: 'ar', name: 'العربية', direction: 'rtl', words: () => import('../words/ar.json') },
]

const chosen = 'doorstep.language'

/** The language in use. Everything that shows words or numbers reads it, and is drawn again when it changes. */
export const language = signal<Language>(languages[0]!)

let words: Words = {}

/** The words of parts of the console that are loaded later, by language. */
type More = Record<string, () => Promise<{ default: Words }>>

const more: More[] = []

const wordsOf = async (l: Language): Promise<Words> => {
  const parts = await Promise.all([l.words(), ...more.map(m => m[l.tag]!())])
  return Object.assign({}, ...parts.map(p => p.default))
}

/** Loads the words of a part before it is shown. */
export async function learn(m: More): Promise<void> {
  if (!more.includes(m)) more.push(m)
  words = await wordsOf(language.value)
}

/** The words of the office. */
export const officeWords: More = {
  en: () => import('../words/office/en.json'),
  'zh-CN': () => import('../words/office/zh-CN.json'),
  pt: () => import('../words/office/pt.json'),
  ar: () => import('../words/office/ar.json'),
}

/** The locale for numbers and dates: the language's, with the digits that ids and addresses have too. */
export function locale(): string {
  return `${language.value.tag}-u-nu-latn`
}

/** The language that a user wants: the one chosen before, else the first of the browser's that there is. */
export function wanted(saved: string | null, preferred: readonly string[]): Language {
  for (const tag of [saved ?? '', ...preferred]) {
    const found =
      languages.find(l => l.tag.toLowerCase() === tag.toLowerCase()) ??
      languages.find(l => tag !== '' && l.tag.split('-')[0] === tag.toLowerCase().split('-')[0])
    if (found) return found
  }
  return languages[0]!
}

/** Loads the words of a language, and shows the page in it. */
export async function speak(l: Language, remember = false): Promise<void> {
  words = await wordsOf(l)
  document.documentElement.lang = l.tag
  document.documentElement.dir = l.direction
  language.value = l
  if (!remember) return
  try {
    localStorage.setItem(chosen, l.tag)
  } catch {
    // The choice holds until the page is left.
  }
}

/** Shows the page in the language that its user wants. */
export function speakAsWanted(): Promise<void> {
  let saved: string | null = null
  try {
    saved = localStorage.getItem(chosen)
  } catch {
    // Without storage the browser's languages count.
  }
  return speak(wanted(saved, navigator.languages))
}

/** A text with its placeholders filled in. The number n chooses the plural form. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const l = language.value
  const text = words[key]
  if (text === undefined) return key
  let form = text
  if (typeof form !== 'string') {
    const n = Number(values.n ?? 0)
    form = form[new Intl.PluralRules(l.tag).select(n)] ?? form.other ?? key
  }
  return form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const v = values[name]
    if (typeof v === 'number') return new Intl.NumberFormat(locale()).format(v)
    // Isolated, so that an id in Latin letters does not turn the words around it.
    return l.direction === 'rtl' ? `\u2068${v ?? ''}\u2069` : (v ?? '')
  })
}

/** The sentence for a code; one that is not known is shown within a sentence that says so. */
export function say(prefix: 'reason' | 'inbox' | 'state' | 'problem', code: string): string {
  const key = `${prefix}.${code}`
  return key in words ? t(key as Key) : t(`${prefix}.other` as Key, { code })
}

/** Whether there is a text of this name. */
export function knows(key: string): boolean {
  return key in words
}

/** The word for a code; one that is not known is shown within words that say so. */
export function word(prefix: 'code' | 'member' | 'kind' | 'did', code: string): string {
  if (`${prefix}.${code}` in words) return t(`${prefix}.${code}` as Key)
  return t(prefix === 'code' ? 'code.unlisted' : (`${prefix}.other` as Key), { code })
}
