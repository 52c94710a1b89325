import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ProposalView } from '../../shared/api'
import { call } from '../../shared/call'
import { language, t } from '../../shared/words'
import type { Round } from '../day'
import { dark } from '../theme'
import { readGround } from './basemap'
import { palette } from './colours'

/** The map of what a proposal changes. The table before it says the same in words. */
export function ChangeGround(a: { round: Round; proposal: ProposalView }): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const failed = useSignal('')
  const ready = useSignal(false)
  const credit = useSignal('')
  useEffect(() => {
    let gone = false
    let remove: (() => void) | undefined
    const start = async (): Promise<void> => {
      failed.value = ''
      const [{ drawChanges }, places, ground] = await Promise.all([
        import('./changes'),
        call('GET', '/v1/rounds/{id}.geojson', { path: { id: a.round.id } }),
        readGround(dark.value, language.value.tag),
      ])
      if (gone || !box.current) return
      const p = palette(dark.value)
      credit.value = ground.attribution
      remove = drawChanges({
        box: box.current,
        ground: ground.style,
        places: places as unknown as GeoJSON.FeatureCollection,
        round: a.round,
        proposal: a.proposal,
        colours: {
          before: p.out,
          after: dark.value ? '#6fdcb2' : '#0a6b4a',
          halo: p.ground,
          gone: dark.value ? '#ff9ca8' : '#a3142a',
        },
        title: t('change.map'),
        words: { in: t('map.in'), out: t('map.out') },
        onFail: () => {
          failed.value = t('change.mapfailed')
        },
      })
      ready.value = true
    }
    start().catch(() => {
      if (!gone) failed.value = t('change.mapfailed')
    })
    return () => {
      gone = true
      remove?.()
    }
  }, [a.proposal.id, dark.value, language.value.tag])
  return (
    <div>
      <div class="changemap">
        <div ref={box} class="mapbox" />
        {(failed.value || !ready.value) && (
          <p class="over" role="status">
            {failed.value || t('map.loading')}
          </p>
        )}
        {credit.value && !failed.value && (
          <p class="attribution">
            <bdi>{credit.value}</bdi>
          </p>
        )}
      </div>
      <ul class="key">
        <li>
          <span class="was" />
          {t('change.key.was')}
        </li>
        <li>
          <span class="then" />
          {t('change.key.then')}
        </li>
      </ul>
    </div>
  )
}
