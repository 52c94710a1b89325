/** The days of the week of a date, Monday first, as 2026-12-01. */
export function weekOf(date: string): string[] {
  const d = new Date(`${date}T12:00:00Z`)
  const monday = shifted(date, -((d.getUTCDay() + 6) % 7))
  return Array.from({ length: 7 }, (_, i) => shifted(monday, i))
}

/** A date so many days later. */
export function shifted(date: string, days: number): string {
  const d = new Date(`${date}T12:00:00Z`)
  d.setUTCDate(d.getUTCDate() + days)
  return d.toISOString().slice(0, 10)
}

/** Typed times of a shift, such as 8:30-18 or 0830 1800; undefined for what cannot be read as two times in order. */
export function timesOf(text: string): { from: string; to: string } | undefined {
  const parts = text
    .trim()
    .split(/\s*(?:[-–—]|\s)\s*/)
    .filter(Boolean)
  if (parts.length !== 2) return undefined
  const read = (s: string): string | undefined => {
    const m = /^(\d{1,2})(?:[:.h]?(\d{2}))?$/.exec(s)
    if (!m) return undefined
    const [h, min] = [Number(m[1]), Number(m[2] ?? 0)]
    if (h > 23 || min > 59) return undefined
    return `${String(h).padStart(2, '0')}:${String(min).padStart(2, '0')}`
  }
  const [from, to] = [read(parts[0]!), read(parts[1]!)]
  return from && to && from < to ? { from, to } : undefined
}
