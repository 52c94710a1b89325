import { LngLatBounds, type StyleSpecification } from 'maplibre-gl'
import type { ProposalView } from '../../shared/api'
import type { Round } from '../day'
import { waits } from '../day'
import { openMap } from './base'

/** What the map of a proposal is made of. */
export interface Change {
  box: HTMLElement
  ground: StyleSpecification
  /** Of GET /v1/rounds/{id}.geojson. */
  places: GeoJSON.FeatureCollection
  round: Round
  proposal: ProposalView
  colours: { before: string; after: string; halo: string; gone: string }
  title: string
  words: { in: string; out: string }
  onFail: () => void
}

type At = [number, number]

/** The lines of the teams that change, through the homes in the order of the day, as it is and as it would be. */
export function linesOf(
  round: Round,
  proposal: ProposalView,
  at: Map<string, At>,
): { before: At[][]; after: At[][]; cases: { id: string; kind: string; at: At }[] } {
  const changes = proposal.changes ?? []
  const touched = new Set(changes.flatMap(c => [c.before?.team, c.after?.team]).filter(Boolean))
  const by = new Map(changes.map(c => [c.case, c]))
  const before: At[][] = []
  const ways = new Map<string, { eta: string; at: At }[]>()
  const put = (team: string, eta: string, place: At | undefined): void => {
    if (!place) return
    ways.set(team, [...(ways.get(team) ?? []), { eta, at: place }])
  }
  for (const r of round.routes) {
    if (!touched.has(r.team)) continue
    const open = (r.stops ?? []).filter(s => waits(s))
    const line = open.map(s => at.get(s.case)).filter((p): p is At => !!p)
    if (line.length > 1) before.push(line)
    for (const s of open) if (!by.has(s.case)) put(r.team, s.eta, at.get(s.case))
  }
  for (const c of changes) if (c.after) put(c.after.team, c.after.eta, at.get(c.case))
  const after = [...ways.values()]
    .map(x => x.sort((a, b) => (a.eta < b.eta ? -1 : 1)).map(y => y.at))
    .filter(x => x.length > 1)
  const cases = changes
    .filter(c => at.has(c.case))
    .map(c => ({ id: c.case, kind: c.kind, at: at.get(c.case)! }))
  return { before, after, cases }
}

/** Draws what a proposal changes: what is, grey and dashed; what would be, green. It throws where WebGL is missing. */
export function drawChanges(d: Change): () => void {
  const at = new Map<string, At>()
  for (const f of d.places.features) {
    if (f.geometry?.type === 'Point')
      at.set(String(f.properties?.case ?? ''), f.geometry.coordinates as unknown as At)
  }
  const { before, after, cases } = linesOf(d.round, d.proposal, at)
  const bounds = new LngLatBounds()
  for (const line of [...before, ...after]) for (const p of line) bounds.extend(p)
  for (const c of cases) bounds.extend(c.at)
  const lines = (of: At[][]): GeoJSON.FeatureCollection => ({
    type: 'FeatureCollection',
    features: of.map(coordinates => ({
      type: 'Feature',
      properties: {},
      geometry: { type: 'LineString', coordinates },
    })),
  })
  const map = openMap(
    { ...d, bounds },
    {
      sources: {
        before: { type: 'geojson', data: lines(before) },
        after: { type: 'geojson', data: lines(after) },
        cases: {
          type: 'geojson',
          data: {
            type: 'FeatureCollection',
            features: cases.map(c => ({
              type: 'Feature',
              properties: { kind: c.kind },
              geometry: { type: 'Point', coordinates: c.at },
            })),
          },
        },
      },
      layers: [
        {
          id: 'before',
          type: 'line',
          source: 'before',
          paint: { 'line-color': d.colours.before, 'line-width': 3, 'line-dasharray': [2, 1.5] },
        },
        {
          id: 'after',
          type: 'line',
          source: 'after',
          paint: { 'line-color': d.colours.after, 'line-width': 2.5 },
        },
        {
          id: 'cases',
          type: 'circle',
          source: 'cases',
          paint: {
            'circle-radius': 6,
            'circle-color': ['case', ['==', ['get', 'kind'], 'gone'], d.colours.gone, d.colours.after],
            'circle-stroke-color': d.colours.halo,
            'circle-stroke-width': 2,
          },
        },
      ],
    },
  )
  let ready = false
  map.on('load', () => {
    ready = true
    d.box.dataset.ready = 'true'
  })
  map.on('error', () => {
    if (!ready) d.onFail()
  })
  return () => {
    delete d.box.dataset.ready
    map.remove()
  }
}
