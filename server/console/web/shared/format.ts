import { locale } from './words'

/** Hours and minutes of an instant in a zone. */
export function clock(at: string | number, zone: string): string {
  return new Intl.DateTimeFormat(locale(), {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  }).format(new Date(at))
}

/** A local date in full: Tuesday, 1 December 2026. */
export function longDate(date: string): string {
  return new Intl.DateTimeFormat(locale(), {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(new Date(`${date}T12:00:00Z`))
}

/** The local date of an instant in a zone, as 2026-12-01. */
export function localDate(at: number, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    timeZone: zone,
  }).format(new Date(at))
}

/** Whole minutes, or hours and minutes, as 25 min or 2 h 20 min. */
export function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  const unit = (n: number, u: 'hour' | 'minute'): string =>
    new Intl.NumberFormat(locale(), { style: 'unit', unit: u, unitDisplay: 'short' }).format(n)
  if (minutes < 60) return unit(minutes, 'minute')
  const rest = minutes % 60
  return rest === 0
    ? unit(minutes / 60, 'hour')
    : `${unit(Math.floor(minutes / 60), 'hour')} ${unit(rest, 'minute')}`
}

/** Metres, or kilometres with one decimal from a thousand metres on. */
export function distance(metres: number): string {
  const km = metres >= 1000
  return new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit: km ? 'kilometer' : 'meter',
    maximumFractionDigits: km ? 1 : 0,
  }).format(km ? metres / 1000 : metres)
}

/** How long ago an instant was, in words: 12 minutes ago. */
export function ago(at: string, now: number): string {
  const minutes = Math.round((now - Date.parse(at)) / 60_000)
  const f = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' })
  if (Math.abs(minutes) < 60) return f.format(-minutes, 'minute')
  if (Math.abs(minutes) < 48 * 60) return f.format(-Math.round(minutes / 60), 'hour')
  return f.format(-Math.round(minutes / 1440), 'day')
}

/** A number with the language's separators. */
export function number(n: number): string {
  return new Intl.NumberFormat(locale()).format(n)
}

/** An amount in minor units of a currency. */
export function money(minor: number, currency: string): string {
  const f = new Intl.NumberFormat(locale(), { style: 'currency', currency })
  return f.format(minor / 10 ** (f.resolvedOptions().maximumFractionDigits ?? 2))
}

/** A day and a time of day in a zone; the zone is named where it is not the reader's. */
export function moment(at: string | number, zone: string): string {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone
  return new Intl.DateTimeFormat(locale(), {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
    ...(own === zone ? {} : { timeZoneName: 'short' }),
  }).format(new Date(at))
}
