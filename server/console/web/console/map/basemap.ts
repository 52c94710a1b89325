import type { StyleSpecification } from 'maplibre-gl'
import { call } from '../../shared/call'

/** The ground of every map, and what must be shown with it as plain text. */
export interface Ground {
  style: StyleSpecification
  attribution: string
}

let attribution: Promise<string> | undefined

/** Reads the ground: the server's map, or plain ground where it has none. */
export async function readGround(dark: boolean, language: string): Promise<Ground> {
  attribution ??= call('GET', '/v1/map').then(m => (m.available ? (m.attribution ?? '') : ''))
  const tag = language === 'zh-CN' ? 'zh-Hans' : language
  const [style, text] = await Promise.all([
    call('GET', '/v1/map/style', { query: { theme: dark ? 'dark' : 'light', language: tag } }),
    attribution.catch(() => {
      attribution = undefined
      return ''
    }),
  ])
  return { style: style as unknown as StyleSpecification, attribution: text }
}
