import {
  type ExpressionSpecification,
  type GeoJSONSource,
  LngLatBounds,
  type StyleSpecification,
} from 'maplibre-gl'
import { type Team, waits } from '../day'
import { openMap } from './base'
import { type Palette, palette } from './colours'

/** What a map is made of. */
export interface Drawing {
  box: HTMLElement
  /** The ground under it. */
  ground: StyleSpecification
  /** Of GET /v1/rounds/{id}.geojson. */
  places: GeoJSON.FeatureCollection
  /** The territories. */
  areas: GeoJSON.FeatureCollection
  dark: boolean
  title: string
  words: { in: string; out: string }
  onStop: (id: string) => void
  onUnder: (id: string) => void
  onFail: () => void
}

/** What a map shows. */
export interface Shown {
  teams: Team[]
  stop: string
  team: string
  under: string
}

/** A map that is drawn. */
export interface Drawn {
  show: (s: Shown) => void
  /** Brings a stop to the middle; without always only if it is out of sight. */
  centre: (stop: string, always: boolean) => void
  ready: () => boolean
  remove: () => void
}

type Place = GeoJSON.Feature<GeoJSON.Geometry, Record<string, string | number | boolean>>

/** The features of a round with the colours and states of its teams. */
function features(places: GeoJSON.FeatureCollection, teams: Team[], p: Palette): GeoJSON.FeatureCollection {
  const byID = new Map(teams.map(t => [t.id, t]))
  const stops = new Map(teams.flatMap(t => t.stops).map(s => [s.id, s]))
  const out: Place[] = []
  for (const f of places.features) {
    const was = (f.properties ?? {}) as Record<string, string | number>
    const team = byID.get(String(was.team ?? ''))
    const id = String(f.id ?? '')
    if (f.geometry.type !== 'Point') {
      if (!team) continue
      out.push({
        ...f,
        properties: { kind: 'route', team: team.id, colour: p.teams[team.colour]!, dash: team.dash },
      })
      continue
    }
    const s = stops.get(id) ?? stops.get(`${was.team}/${was.seq}`)
    if (!s || !team) {
      out.push({ ...f, properties: { kind: 'out', sid: '', team: '' } })
      continue
    }
    out.push({
      ...f,
      properties: {
        kind: 'stop',
        sid: s.id,
        team: team.id,
        seq: String(s.seq),
        colour: p.teams[team.colour]!,
        over: !waits(s),
        late: s.late >= 15,
      },
    })
  }
  return { type: 'FeatureCollection', features: out }
}

const dashes: (number[] | undefined)[] = [undefined, [3, 2], [1, 1.5], [5, 1.5, 1, 1.5]]

/** What a round adds to the ground. */
function layersOf(
  p: Palette,
  areas: GeoJSON.FeatureCollection,
): Pick<StyleSpecification, 'sources' | 'layers'> {
  const kind = (k: string): ExpressionSpecification => ['==', ['get', 'kind'], k]
  return {
    sources: {
      areas: { type: 'geojson', data: areas },
      round: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
    },
    layers: [
      {
        id: 'areas',
        type: 'line',
        source: 'areas',
        paint: { 'line-color': p.area, 'line-width': 1.5, 'line-dasharray': [4, 3] },
      },
      ...dashes.map((dash, i) => ({
        id: `routes${i}`,
        type: 'line' as const,
        source: 'round',
        filter: ['all', kind('route'), ['==', ['get', 'dash'], i]] as ExpressionSpecification,
        layout: { 'line-join': 'round' as const },
        paint: {
          'line-color': ['get', 'colour'] as ExpressionSpecification,
          'line-width': 2.2,
          'line-opacity': 0.75,
          ...(dash ? { 'line-dasharray': dash } : {}),
        },
      })),
      {
        id: 'out',
        type: 'circle',
        source: 'round',
        filter: kind('out'),
        paint: {
          'circle-radius': 4,
          'circle-color': p.ground,
          'circle-stroke-color': p.out,
          'circle-stroke-width': 1.5,
        },
      },
      {
        id: 'ring',
        type: 'circle',
        source: 'round',
        filter: ['==', ['get', 'sid'], '-'],
        paint: {
          'circle-radius': 15,
          'circle-color': 'rgba(0,0,0,0)',
          'circle-stroke-color': p.ring,
          'circle-stroke-width': 3,
        },
      },
      {
        id: 'stops',
        type: 'circle',
        source: 'round',
        filter: kind('stop'),
        paint: {
          'circle-radius': ['interpolate', ['linear'], ['zoom'], 10, 4, 13, 9, 16, 12],
          'circle-color': ['case', ['get', 'over'], p.ground, ['get', 'colour']],
          'circle-stroke-color': ['case', ['get', 'over'], ['get', 'colour'], p.halo],
          'circle-stroke-width': 1.5,
        },
      },
      {
        id: 'numbers',
        type: 'symbol',
        source: 'round',
        filter: kind('stop'),
        minzoom: 11.5,
        layout: {
          'text-field': ['get', 'seq'],
          'text-font': ['Doorstep', 'sans-serif'],
          'text-size': ['interpolate', ['linear'], ['zoom'], 11.5, 9, 14, 12],
          'text-allow-overlap': true,
          'text-ignore-placement': true,
        },
        paint: { 'text-color': ['case', ['get', 'over'], ['get', 'colour'], p.number] },
      },
    ],
  }
}

/** Draws a round into a box. It throws where WebGL is missing. */
export function draw(d: Drawing): Drawn {
  const p = palette(d.dark)
  const bounds = new LngLatBounds()
  const grow = (g: GeoJSON.Geometry): void => {
    if (g.type === 'Point') bounds.extend(g.coordinates as [number, number])
    if (g.type === 'LineString') for (const c of g.coordinates) bounds.extend(c as [number, number])
  }
  for (const f of d.places.features) if (f.geometry) grow(f.geometry)
  const known = { ...d.places, features: d.places.features.filter(f => f.geometry) }
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  // The layers of the ground that write names.
  const names = d.ground.layers.filter(l => l.type === 'symbol').map(l => l.id)
  const map = openMap({ ...d, bounds }, layersOf(p, d.areas))
  let ready = false
  let last: Shown | undefined
  let gone = false
  const spots = new Map<string, [number, number]>()
  const paint = (s: Shown): void => {
    if (!ready || gone) return
    const was = last
    last = s
    if (s.teams !== was?.teams) {
      const data = features(known, s.teams, p)
      spots.clear()
      for (const f of data.features) {
        // Cases without a visit have no stop that could be shown: "" is none, and must lead nowhere.
        if (f.geometry.type === 'Point' && f.properties?.sid)
          spots.set(String(f.properties?.sid), f.geometry.coordinates as [number, number])
      }
      ;(map.getSource('round') as GeoJSONSource).setData(data)
    }
    if (s.stop !== was?.stop || s.under !== was?.under) {
      map.setFilter('ring', ['in', ['get', 'sid'], ['literal', [s.stop, s.under].filter(Boolean)]])
    }
    if (s.team !== was?.team) {
      const shown = (full: number): ExpressionSpecification | number =>
        s.team ? ['case', ['==', ['get', 'team'], s.team], full, 0.15] : full
      for (let i = 0; i < dashes.length; i++) map.setPaintProperty(`routes${i}`, 'line-opacity', shown(0.75))
      map.setPaintProperty('stops', 'circle-opacity', shown(1))
      map.setPaintProperty('stops', 'circle-stroke-opacity', shown(1))
      map.setPaintProperty('numbers', 'text-opacity', shown(1))
    }
  }
  let wanted: Shown | undefined
  map.on('load', () => {
    ready = true
    d.box.dataset.ready = 'true'
    if (wanted) paint(wanted)
  })
  map.on('idle', () => {
    d.box.dataset.middle = map.getCenter().toArray().join(' ')
    if (names.length) d.box.dataset.names = String(map.queryRenderedFeatures({ layers: names }).length)
  })
  map.on('error', () => {
    if (!ready) d.onFail()
  })
  map.on('click', 'stops', e => {
    const id = e.features?.[0]?.properties?.sid
    if (id) d.onStop(String(id))
  })
  map.on('mousemove', 'stops', e => {
    map.getCanvas().style.cursor = 'pointer'
    d.onUnder(String(e.features?.[0]?.properties?.sid ?? ''))
  })
  map.on('mouseleave', 'stops', () => {
    map.getCanvas().style.cursor = ''
    d.onUnder('')
  })
  return {
    show: s => {
      wanted = s
      paint(s)
    },
    centre: (stop, always) => {
      const at = spots.get(stop)
      if (!at || (!always && map.getBounds().contains(at))) return
      map.easeTo({
        center: at,
        duration: still ? 0 : 300,
        ...(always ? { zoom: Math.max(map.getZoom(), 14) } : {}),
      })
    },
    ready: () => ready,
    remove: () => {
      gone = true
      delete d.box.dataset.ready
      map.remove()
    },
  }
}
