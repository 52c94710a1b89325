// Where the phone is, once, when a visit begins. It never holds the visit up.
import { answer, docs } from './store'

/** Takes the best fix of at most 20 seconds into the draft of a visit; without one, why there is none. */
export function position(draft: string): Promise<void> {
  return new Promise(done => {
    let best: GeolocationPosition | undefined
    let why = ''
    const geo = navigator.geolocation
    const at = new Date().toISOString()
    const end = async (): Promise<void> => {
      clearTimeout(alarm)
      geo?.clearWatch(watch)
      const there = docs.value.drafts?.find(d => d.id === draft)
      if (there) {
        const fix = best && {
          at: new Date(best.timestamp).toISOString(),
          point: [best.coords.longitude, best.coords.latitude],
          accuracy_m: Math.min(1_000_000, Math.round(best.coords.accuracy)),
          provider: 'browser',
          datum: 'wgs84',
        }
        await answer(draft, { check_in: fix ?? { at }, ...(fix ? {} : { no_position: why || 'time' }) })
      }
      done()
    }
    const alarm = setTimeout(() => void end(), 20_000)
    if (!geo) {
      void end()
      return
    }
    const watch = geo.watchPosition(
      p => {
        if (!best || p.coords.accuracy < best.coords.accuracy) best = p
        if (p.coords.accuracy <= 20) void end()
      },
      e => {
        why = e.code === e.PERMISSION_DENIED ? 'refused' : 'none'
        if (e.code === e.PERMISSION_DENIED) void end()
      },
      { enableHighAccuracy: true, maximumAge: 10_000, timeout: 20_000 },
    )
  })
}
