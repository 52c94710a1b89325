// The app's words. The build hands shared/words.ts the app's files in the place of the console's (build.mjs).

import * as shared from '../shared/words'
import type console from '../words/en.json'
import type own from './words/en.json'

/** The name of a text: one of the app's, or a reason that the console has, too. */
export type Key = keyof typeof own | Extract<keyof typeof console, `reason.${string}`>

/** A text with its placeholders filled in. The number n chooses the plural form. */
export const t = shared.t as unknown as (key: Key, values?: Record<string, string | number>) => string

/** The text for a code of a list; one that is not known is shown in a sentence that says so. */
export function word(list: string, code: string): string {
  const key = `${list}.${code}` as Key
  const said = t(key)
  return said === key ? t('code.other', { code }) : said
}
