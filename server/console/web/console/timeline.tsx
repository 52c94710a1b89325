import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { clock } from '../shared/format'
import { t } from '../shared/words'
import { spanOf, type Team, waits } from './day'
import { now } from './live'
import type { Choice } from './screens/board'
import { TeamMark } from './team'

const hour = 3_600_000
const row = 26

/** The day as one row a team. Time runs from left to right in every language, as on the clocks of the same page. The
 * list of stops says all that it shows, and is its way by keyboard. */
export function Timeline({
  teams,
  choice,
  zone,
}: {
  teams: Team[]
  choice: Choice
  zone: string
}): JSX.Element | null {
  const at = useRef<HTMLDivElement>(null)
  // The stops are found by their marks, so that two thousand of them need one listener.
  useEffect(() => {
    const box = at.current
    if (!box) return
    const stopAt = (e: Event): string => (e.target as Element).getAttribute('data-stop') ?? ''
    const click = (e: Event): void => {
      const stop = stopAt(e)
      if (stop) choice.stop.value = stop
    }
    const over = (e: Event): void => {
      choice.under.value = stopAt(e)
    }
    box.addEventListener('click', click)
    box.addEventListener('pointerover', over)
    return () => {
      box.removeEventListener('click', click)
      box.removeEventListener('pointerover', over)
    }
  }, [choice.stop, choice.under])
  const span = spanOf(teams)
  if (!span) return null
  const width = 1000
  const x = (ms: number): number => ((ms - span.from) / (span.to - span.from)) * width
  const hours = (span.to - span.from) / hour
  const every = hours > 14 ? 2 : 1
  const marks = Array.from({ length: Math.floor(hours / every) + 1 }, (_, i) => span.from + i * every * hour)
  const height = teams.length * row
  const chosen = teams.flatMap(m => m.stops).find(s => s.id === choice.stop.value)
  const shown = choice.team.value
  return (
    <section class="card timeline" aria-label={t('time.title')}>
      <div class="timehead" dir="ltr" aria-hidden="true">
        {marks.map(m => (
          <span key={m} style={{ left: `${(x(m) / width) * 100}%` }}>
            {clock(m, zone)}
          </span>
        ))}
      </div>
      <div class="timebody" dir="ltr" ref={at}>
        <div class="timeteams" aria-hidden="true">
          {teams.map(m => (
            <span key={m.id} title={m.id}>
              <TeamMark team={m} />
            </span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          height={height}
          role="img"
          aria-label={t('time.about', { n: teams.length })}
        >
          {marks.map(m => (
            <line key={m} class="grid" x1={x(m)} x2={x(m)} y1={0} y2={height} />
          ))}
          {chosen && (
            <rect
              class="lawful"
              x={Math.max(0, x(Date.parse(chosen.window.from)))}
              width={Math.max(
                0,
                Math.min(width, x(Date.parse(chosen.window.to))) -
                  Math.max(0, x(Date.parse(chosen.window.from))),
              )}
              y={teams.findIndex(m => m.id === chosen.team) * row}
              height={row}
            />
          )}
          {teams.map((m, i) => (
            <g key={m.id} class={`c${m.colour}${shown && shown !== m.id ? ' faint' : ''}`}>
              <line
                class="shift"
                x1={x(Date.parse(m.route.leaves))}
                x2={x(Date.parse(m.route.returns))}
                y1={i * row + row / 2}
                y2={i * row + row / 2}
              />
              {m.stops.map(s => (
                <rect
                  key={s.id}
                  data-stop={s.id}
                  class={`visit${waits(s) ? '' : ' over'}${s.late >= 15 ? ' late' : ''}${
                    s.id === choice.stop.value ? ' on' : ''
                  }${s.id === choice.under.value ? ' under' : ''}`}
                  x={x(s.begins)}
                  width={Math.max(2, x(s.ends) - x(s.begins) - 1)}
                  y={i * row + 5}
                  height={row - 10}
                />
              ))}
            </g>
          ))}
          {now.value > span.from && now.value < span.to && (
            <line class="now" x1={x(now.value)} x2={x(now.value)} y1={0} y2={height} />
          )}
        </svg>
      </div>
    </section>
  )
}
