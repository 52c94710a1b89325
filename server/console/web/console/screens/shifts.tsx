// biome-ignore-all lint/a11y/noNoninteractiveElementToInteractiveRole: a grid is a table whose cells are chosen
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { ClosedDay, Leave, Shift, Team } from '../../shared/api'
import { call } from '../../shared/call'
import { localDate } from '../../shared/format'
import { Loading, Trouble } from '../../shared/ui'
import { locale, t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource } from '../live'
import { keep, kept } from '../route'
import { shifted, timesOf, weekOf } from '../week'
import { all, Outcome, useAct, word } from './act'

interface Week {
  days: string[]
  teams: Team[]
  /** By team and date. */
  shifts: Map<string, Shift>
  closed: ClosedDay[]
  leaves: Leave[]
}

const at = (team: string, date: string): string => `${team} ${date}`

async function readWeek(b: string, date: string): Promise<Week> {
  const days = weekOf(date)
  const [teams, closed, leaves, ...lists] = await Promise.all([
    call('GET', '/v1/teams', { query: { branch: b } }),
    all(cursor =>
      call('GET', '/v1/branches/{id}/closed-days', { path: { id: b }, query: { from: days[0], cursor } }),
    ),
    all(cursor => call('GET', '/v1/leaves', { query: { branch: b, from: days[0], cursor } })),
    ...days.map(d => call('GET', '/v1/shifts', { query: { branch: b, date: d } })),
  ])
  const shifts = new Map<string, Shift>()
  for (const l of lists) for (const s of l.items ?? []) shifts.set(at(s.team, s.date), s)
  return { days, teams: teams.items ?? [], shifts, closed, leaves }
}

/** A day of the week in short: Tue 1 Dec. */
const dayName = (date: string): string =>
  new Intl.DateTimeFormat(locale(), {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  }).format(new Date(`${date}T12:00:00Z`))

/** The shifts of a week as a grid: arrows move, typing or Enter writes times, Delete takes a shift away. */
export function Shifts(): JSX.Element {
  const b = branch.value!
  const zone = b.time_zone ?? 'UTC'
  const date = useSignal(kept('week') || localDate(now.value, zone))
  const read = useMemo(
    () =>
      resource(
        () => readWeek(b.id, date.value),
        () => false,
      ),
    [b.id, date.value],
  )
  useEffect(() => read.stop, [read])
  const act = useAct()
  const place = useSignal({ row: 0, col: 0 })
  const editing = useSignal<string | undefined>(undefined)
  const wrong = useSignal('')
  const gone = useSignal<Shift | undefined>(undefined)
  const grid = useRef<HTMLTableElement>(null)
  const w = read.data.value
  const go = (days: number): void => {
    date.value = shifted(date.value, days)
    keep('week', date.value)
  }
  const focus = (): void =>
    void requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>('td[tabindex="0"]')?.focus())
  const put = (team: string, day: string, times: { from: string; to: string }): Promise<boolean> =>
    act.run(async () => {
      const was = w?.shifts.get(at(team, day))
      const body: {
        branch: string
        from: string
        to: string
        breaks?: never
        agents?: never
        territories?: never
      } = { branch: b.id, ...times }
      if (was?.breaks) Object.assign(body, { breaks: was.breaks })
      if (was?.agents) Object.assign(body, { agents: was.agents })
      if (was?.territories) Object.assign(body, { territories: was.territories })
      await call('PUT', '/v1/teams/{id}/shifts/{date}', { path: { id: team, date: day }, body })
      read.reload()
      return t('shifts.saved', { team, day: dayName(day), times: `${times.from}–${times.to}` })
    })
  const remove = (s: Shift): void =>
    void act.run(async () => {
      await call('DELETE', '/v1/teams/{id}/shifts/{date}', {
        path: { id: s.team, date: s.date },
        query: { branch: b.id },
      })
      gone.value = s
      read.reload()
      return t('shifts.removed', { team: s.team, day: dayName(s.date) })
    })
  const undo = (): void => {
    const s = gone.value
    if (!s) return
    void act.run(async () => {
      const { team, date: day, ...rest } = s
      await call('PUT', '/v1/teams/{id}/shifts/{date}', { path: { id: team, date: day }, body: rest })
      gone.value = undefined
      read.reload()
      return t('shifts.back', { team, day: dayName(day) })
    })
  }
  const save = async (team: string, day: string): Promise<void> => {
    const times = timesOf(editing.value ?? '')
    if (!times) {
      wrong.value = t('shifts.unreadable')
      return
    }
    wrong.value = ''
    editing.value = undefined
    gone.value = undefined
    await put(team, day, times)
    focus()
  }
  const keys = (e: KeyboardEvent): void => {
    if (!w || editing.value !== undefined) return
    const { row, col } = place.value
    const team = w.teams[row]
    const shift = team && w.shifts.get(at(team.id, w.days[col]!))
    const rtl = document.documentElement.dir === 'rtl' ? -1 : 1
    const moves: Record<string, [number, number]> = {
      ArrowUp: [row - 1, col],
      ArrowDown: [row + 1, col],
      ArrowLeft: [row, col - rtl],
      ArrowRight: [row, col + rtl],
      Home: [row, 0],
      End: [row, 6],
      PageUp: [0, col],
      PageDown: [w.teams.length - 1, col],
    }
    const to = moves[e.key]
    if (to) {
      place.value = {
        row: Math.max(0, Math.min(w.teams.length - 1, to[0])),
        col: Math.max(0, Math.min(6, to[1])),
      }
      focus()
    } else if (e.key === 'Enter' || e.key === 'F2') {
      editing.value = shift ? `${shift.from}–${shift.to}` : ''
    } else if (/^\d$/.test(e.key) && !e.ctrlKey && !e.metaKey && !e.altKey) {
      editing.value = e.key
    } else if ((e.key === 'Delete' || e.key === 'Backspace') && shift) {
      remove(shift)
    } else {
      return
    }
    e.preventDefault()
  }
  const chosen = w?.teams[place.value.row]
  const chosenDay = w?.days[place.value.col] ?? ''
  const chosenShift = chosen && w?.shifts.get(at(chosen.id, chosenDay))
  return (
    <>
      <p id="shifts-how">{t('shifts.how')}</p>
      <div class="tools">
        <button type="button" onClick={() => go(-7)}>
          {t('shifts.before')}
        </button>
        <button type="button" onClick={() => go(7)}>
          {t('shifts.after')}
        </button>
        <label class="inline">
          {t('shifts.week')}
          <input
            type="date"
            value={date.value}
            onChange={e => {
              if (!e.currentTarget.value) return
              date.value = e.currentTarget.value
              keep('week', date.value)
            }}
          />
        </label>
        {chosen && chosenShift && (
          <button
            type="button"
            disabled={act.busy.value}
            onClick={() =>
              void act.run(async () => {
                const { team, date: _, ...rest } = chosenShift
                let n = 0
                for (const day of w!.days.slice(0, 5)) {
                  if (w!.shifts.has(at(team, day)) || w!.closed.some(c => c.date === day)) continue
                  await call('PUT', '/v1/teams/{id}/shifts/{date}', {
                    path: { id: team, date: day },
                    body: rest,
                  })
                  n++
                }
                read.reload()
                return t('shifts.copied', { n })
              })
            }
          >
            {t('shifts.copy')}
          </button>
        )}
      </div>
      <Outcome act={act}>
        {gone.value && (
          <button type="button" onClick={undo}>
            {t('office.undo')}
          </button>
        )}
      </Outcome>
      {wrong.value && (
        <p class="notice bad" role="alert">
          {wrong.value}
        </p>
      )}
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!w && !read.problem.value && <Loading what={t('app.loading')} />}
      {w && w.teams.length === 0 && <p class="card empty">{t('teams.none')}</p>}
      {w && w.teams.length > 0 && (
        <div class="scroll">
          <table
            class="week"
            role="grid"
            onKeyDown={keys}
            ref={grid}
            aria-describedby="shifts-how"
            aria-label={t('office.shifts')}
          >
            <thead>
              <tr>
                <th scope="col">{t('team')}</th>
                {w.days.map(d => {
                  const closed = w.closed.find(c => c.date === d)
                  return (
                    <th key={d} scope="col">
                      {dayName(d)}
                      {closed && <span class="badge warn">{word('closed', closed.reason)}</span>}
                    </th>
                  )
                })}
              </tr>
            </thead>
            <tbody>
              {w.teams.map((team, row) => (
                <tr key={team.id}>
                  <th scope="row">
                    <bdi>{team.name || team.id}</bdi>
                  </th>
                  {w.days.map((day, col) => {
                    const here = place.value.row === row && place.value.col === col
                    const s = w.shifts.get(at(team.id, day))
                    const off = w.leaves.filter(
                      l => (s?.agents ?? team.agents ?? []).includes(l.agent) && l.from <= day && day <= l.to,
                    ).length
                    return (
                      <td
                        key={day}
                        role="gridcell"
                        tabIndex={here ? 0 : -1}
                        aria-selected={here}
                        class={`${s ? 'works' : ''}${w.closed.some(c => c.date === day) ? ' shut' : ''}`}
                        onFocus={() => {
                          if (!here) place.value = { row, col }
                        }}
                        onDblClick={() => {
                          place.value = { row, col }
                          editing.value = s ? `${s.from}–${s.to}` : ''
                        }}
                      >
                        {here && editing.value !== undefined ? (
                          <Times
                            label={t('shifts.times', { team: team.name || team.id, day: dayName(day) })}
                            value={editing.value}
                            onInput={v => {
                              editing.value = v
                            }}
                            onSave={() => void save(team.id, day)}
                            onEnd={() => {
                              editing.value = undefined
                              wrong.value = ''
                              focus()
                            }}
                          />
                        ) : (
                          <>
                            {s ? (
                              <bdi>{`${s.from}–${s.to}`}</bdi>
                            ) : (
                              <span class="quiet">{t('shifts.no')}</span>
                            )}
                            {s && off > 0 && (
                              <span class="badge warn">{t('shifts.onleave', { n: off })}</span>
                            )}
                          </>
                        )}
                      </td>
                    )
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {chosen && editing.value === undefined && (
        <div class="buttons">
          <button
            type="button"
            onClick={() => {
              editing.value = chosenShift ? `${chosenShift.from}–${chosenShift.to}` : ''
            }}
          >
            {t('shifts.edit', { team: chosen.name || chosen.id, day: dayName(chosenDay) })}
          </button>
          {chosenShift && (
            <button type="button" onClick={() => remove(chosenShift)}>
              {t('shifts.remove')}
            </button>
          )}
        </div>
      )}
    </>
  )
}

function Times(o: {
  label: string
  value: string
  onInput: (v: string) => void
  onSave: () => void
  onEnd: () => void
}): JSX.Element {
  const ref = useRef<HTMLInputElement>(null)
  // Before the next key comes, or it would go to the cell.
  useLayoutEffect(() => {
    ref.current?.focus()
    if (o.value.length > 1) ref.current?.select()
  }, [])
  return (
    <input
      ref={ref}
      class="times"
      aria-label={o.label}
      placeholder="08:30-18:00"
      dir="ltr"
      autocomplete="off"
      value={o.value}
      onInput={e => o.onInput(e.currentTarget.value)}
      onKeyDown={e => {
        if (e.key === 'Enter') o.onSave()
        else if (e.key === 'Escape') o.onEnd()
        else return
        e.preventDefault()
        e.stopPropagation()
      }}
    />
  )
}
