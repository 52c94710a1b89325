import { type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { call } from '../../shared/call'
import { language, t } from '../../shared/words'
import type { Round, Team } from '../day'
import type { Choice } from '../screens/board'
import { dark } from '../theme'
import { readGround } from './basemap'
import type { Drawn } from './map'

/** How long a map may take to be drawn, in milliseconds, before the page says that it cannot be. */
const patience = 15_000

/** The map of a round. Its code is loaded when it comes into view; without WebGL it says why it is absent, and that
 * the list has everything. */
export function Ground(a: { round: Round; teams: ReadonlySignal<Team[]>; choice: Choice }): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const drawn = useSignal<Drawn | undefined>(undefined)
  const failed = useSignal('')
  const near = useSignal(false)
  const credit = useSignal('')
  const { choice, teams } = a
  const key = `${a.round.id} ${a.round.run ?? ''} ${a.round.version ?? 0}`
  const tongue = language.value.tag

  useEffect(() => {
    const at = box.current
    if (!at) return
    const seen = new IntersectionObserver(e => {
      if (e.some(x => x.isIntersecting)) near.value = true
    })
    seen.observe(at)
    return () => seen.disconnect()
  }, [near])

  // The drawing is read once for each plan, since every read of where people live is kept in the access log.
  useEffect(() => {
    if (!near.value) return
    let gone = false
    let mine: Drawn | undefined
    const give = (why: string): void => {
      if (!gone) failed.value = why
    }
    const start = async (): Promise<void> => {
      failed.value = ''
      const [{ draw }, places, areas, ground] = await Promise.all([
        import('./map'),
        call('GET', '/v1/rounds/{id}.geojson', { path: { id: a.round.id } }),
        call('GET', '/v1/territories', { query: { branch: a.round.branch } }),
        readGround(dark.value, tongue),
      ])
      if (gone || !box.current) return
      credit.value = ground.attribution
      mine = draw({
        box: box.current,
        ground: ground.style,
        places: places as unknown as GeoJSON.FeatureCollection,
        areas: areas as unknown as GeoJSON.FeatureCollection,
        dark: dark.value,
        title: t('map.title'),
        words: { in: t('map.in'), out: t('map.out') },
        onStop: id => {
          choice.stop.value = id
        },
        onUnder: id => {
          choice.under.value = id
        },
        onFail: () => give(t('map.failed')),
      })
      drawn.value = mine
    }
    const timer = setTimeout(() => {
      if (!mine?.ready()) give(t('map.failed'))
    }, patience)
    start().catch((e: unknown) => give(String(e).includes('WebGL') ? t('map.nowebgl') : t('map.failed')))
    return () => {
      gone = true
      clearTimeout(timer)
      drawn.value = undefined
      mine?.remove()
    }
  }, [near.value, key, dark.value, tongue])

  useSignalEffect(() => {
    drawn.value?.show({
      teams: teams.value,
      stop: choice.stop.value,
      team: choice.team.value,
      under: choice.under.value,
    })
  })
  useSignalEffect(() => {
    if (choice.centre.value > 0) drawn.value?.centre(choice.stop.peek(), true)
  })
  useSignalEffect(() => {
    drawn.value?.centre(choice.stop.value, false)
  })
  return (
    <div class="map">
      <div ref={box} class="mapbox" />
      {!drawn.value && !failed.value && (
        <p class="over" role="status">
          {t('map.loading')}
        </p>
      )}
      {failed.value && (
        <p class="over" role="status">
          {failed.value}
        </p>
      )}
      {credit.value && !failed.value && (
        <p class="attribution">
          <bdi>{credit.value}</bdi>
        </p>
      )}
    </div>
  )
}
