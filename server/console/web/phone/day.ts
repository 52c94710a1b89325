// The day's doors: the stops of today by the server's clock, one card for each door.
import { localDate } from '../shared/format'
import { minute } from './clock'
import { leaseOver } from './law'
import { type Doc, docs } from './store'

/** Door is where one person is visited, for one case or several. */
export interface Door {
  id: string
  stops: { stop: Doc; card: Doc }[]
  eta: string
  zone: string
  done: boolean
  declined: boolean
}

/** Whether a visit of the stop was recorded, or it was declined, on this phone or elsewhere. */
function over(stop: Doc): { done: boolean; declined: boolean } {
  const visited = (docs.value.visits ?? []).some(v => v.assignment === stop.id)
  return { done: visited || stop.status === 'done', declined: stop.agent_status === 'declined' }
}

/** The doors of today, in the order in which they are to be visited. */
export function doorsOfToday(): Door[] {
  const at = minute.value
  if (leaseOver()) return []
  const cards = new Map((docs.value.cases ?? []).map(c => [c.id, c]))
  const doors = new Map<string, Door>()
  const stops = [...(docs.value.assignments ?? [])].sort((a, b) => (String(a.eta) < String(b.eta) ? -1 : 1))
  for (const stop of stops) {
    const card = cards.get(stop.case)
    const zone = String(stop.time_zone || card?.time_zone || 'UTC')
    const held = stop.status === 'open' || stop.status === 'done'
    if (!card || !held || stop.retired || stop.date !== localDate(at, zone)) continue
    const place = `${card.debtor} ${card.address}`
    const state = over(stop)
    const door = doors.get(place)
    if (!door) doors.set(place, { id: stop.id, stops: [{ stop, card }], eta: stop.eta, zone, ...state })
    else {
      door.stops.push({ stop, card })
      door.done &&= state.done
      door.declined &&= state.declined
    }
  }
  return [...doors.values()]
}

/** The door of a stop, on whatever day. */
export function doorOf(id: string): Door | undefined {
  const today = doorsOfToday().find(d => d.stops.some(s => s.stop.id === id))
  return today
}
