import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Agent, Team, TeamBody, ToldRule } from '../../shared/api'
import { type Answer, call } from '../../shared/call'
import { Field, Loading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { branch } from '../branch'
import { resource } from '../live'
import { all, Choice, Confirm, Outcome, Several, useAct, word } from './act'

type Rules = Answer<'GET /v1/conduct/rules'>
const papers = ['badge', 'authorisation_letter', 'iibf_certificate'] as const
const modes = ['foot', 'bicycle', 'scooter', 'car'] as const

/** What the law of a branch asks of teams: the rules of its country's profile, of its overlays, and of all that
 * these extend. */
export function asked(rules: Rules, country: string, overlays: string[]): ToldRule[] {
  const of = new Map((rules.profiles ?? []).map(p => [p.id, p]))
  const seen = new Set<string>()
  const add = (id: string): void => {
    const p = of.get(id)
    if (!p || seen.has(id)) return
    seen.add(id)
    for (const x of p.extends ?? []) add(x)
  }
  const own = country.toLowerCase()
  add(of.has(own) ? own : 'house-visit')
  for (const o of overlays) add(o)
  return (rules.rules ?? []).filter(
    r =>
      seen.has(r.profile) &&
      of.get(r.profile)?.status === 'in_force' &&
      ((r.needs ?? []).length > 0 || (r.min_agents ?? 0) > 1 || r.reason === 'RECORDING_REQUIRED'),
  )
}

/** What a team lacks of what rules ask for, in words. */
export function lacks(team: Team, rules: ToldRule[]): string[] {
  const out = new Set<string>()
  for (const r of rules) {
    for (const n of r.needs ?? []) if (!(team.items ?? []).includes(n)) out.add(word('paper', n))
    if ((r.min_agents ?? 0) > (team.agents ?? []).length)
      out.add(t('teams.agents.least', { n: r.min_agents! }))
    if (r.reason === 'RECORDING_REQUIRED' && !team.recording) out.add(t('teams.recording'))
  }
  return [...out]
}

/** The teams of a branch, and what they lack of what the law asks for. */
export function Teams(): JSX.Element {
  const b = branch.value!
  const read = useMemo(
    () =>
      resource(
        async () => {
          const [teams, agents, places, rules] = await Promise.all([
            call('GET', '/v1/teams', { query: { branch: b.id } }),
            all(cursor => call('GET', '/v1/agents', { query: { branch: b.id, limit: 200, cursor } })),
            call('GET', '/v1/territories', { query: { branch: b.id } }),
            call('GET', '/v1/conduct/rules'),
          ])
          const territories = (places.features ?? []).map(f => f.id ?? '').filter(Boolean)
          return { teams: teams.items ?? [], agents, territories, rules }
        },
        () => false,
      ),
    [b.id],
  )
  useEffect(() => read.stop, [read])
  const act = useAct()
  const editing = useSignal<Team | undefined>(undefined)
  const removing = useSignal<Team | undefined>(undefined)
  const d = read.data.value
  const needed = d ? asked(d.rules, b.country ?? '', b.profiles ?? []) : []
  const fresh = (): Team => ({ id: '', branch: b.id, agents: [], items: ['badge'] })
  const name = (id: string): string => d?.agents.find(a => a.id === id)?.name || id
  return (
    <>
      <Outcome act={act} />
      <div class="tools">
        <button
          type="button"
          class="main"
          onClick={() => {
            editing.value = fresh()
          }}
        >
          {t('teams.add')}
        </button>
      </div>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!d && !read.problem.value && <Loading what={t('app.loading')} />}
      {d && editing.value && (
        <Edit
          key={editing.value.id}
          of={editing.value}
          agents={d.agents}
          territories={d.territories}
          onSaved={said => {
            editing.value = undefined
            act.done.value = said
            read.reload()
          }}
          onEnd={() => {
            editing.value = undefined
          }}
        />
      )}
      {d?.teams.length === 0 && <p class="card empty">{t('teams.none')}</p>}
      {d && d.teams.length > 0 && (
        <div class="scroll">
          <table>
            <caption class="hidden">{t('office.teams')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('team')}</th>
                <th scope="col">{t('people.agents')}</th>
                <th scope="col">{t('teams.territories')}</th>
                <th scope="col">{t('teams.papers')}</th>
                <th scope="col">{t('teams.lacks')}</th>
                <th scope="col">{t('office.do')}</th>
              </tr>
            </thead>
            <tbody>
              {d.teams.map(team => {
                const missing = lacks(team, needed)
                return (
                  <tr key={team.id}>
                    <th scope="row">
                      <bdi>{team.name || team.id}</bdi>
                      <br />
                      <span class="quiet">{word('mode', team.mode ?? 'car')}</span>
                    </th>
                    <td>
                      {(team.agents ?? []).map(a => (
                        <div key={a}>
                          <bdi>{name(a)}</bdi>
                        </div>
                      ))}
                    </td>
                    <td>
                      {(team.territories ?? []).length > 0 ? (
                        <bdi>{team.territories!.join(', ')}</bdi>
                      ) : (
                        t('teams.everywhere')
                      )}
                    </td>
                    <td>
                      {(team.items ?? []).map(i => word('paper', i)).join(', ')}
                      {team.recording && <div>{t('teams.recording')}</div>}
                    </td>
                    <td>
                      {missing.length > 0 ? (
                        missing.map(m => (
                          <span key={m} class="badge warn">
                            {m}
                          </span>
                        ))
                      ) : (
                        <span class="quiet">{t('teams.complete')}</span>
                      )}
                    </td>
                    <td>
                      <div class="buttons">
                        <button
                          type="button"
                          aria-label={t('teams.change', { team: team.name || team.id })}
                          onClick={() => {
                            editing.value = team
                          }}
                        >
                          {t('office.change')}
                        </button>
                        <button
                          type="button"
                          aria-label={t('teams.remove', { team: team.name || team.id })}
                          onClick={() => {
                            removing.value = team
                          }}
                        >
                          {t('office.remove')}
                        </button>
                      </div>
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
      {d && (
        <section aria-labelledby="asked-h">
          <h2 id="asked-h">{t('teams.asked')}</h2>
          {needed.length === 0 && <p>{t('teams.asked.none')}</p>}
          <ul>
            {needed.map(r => (
              <li key={r.id}>
                {[
                  ...(r.needs ?? []).map(n => word('paper', n)),
                  ...((r.min_agents ?? 0) > 1 ? [t('teams.agents.least', { n: r.min_agents! })] : []),
                  ...(r.reason === 'RECORDING_REQUIRED' ? [t('teams.recording')] : []),
                ].join(', ')}{' '}
                <span class="quiet">
                  ({t('leftout.rule')} <bdi>{r.id}</bdi>)
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {removing.value && (
        <Confirm
          title={t('teams.remove', { team: removing.value.name || removing.value.id })}
          go={t('office.remove')}
          word={removing.value.id}
          onGo={() => {
            const { id } = removing.value!
            void act.run(async () => {
              await call('DELETE', '/v1/teams/{id}', { path: { id }, query: { branch: b.id } })
              read.reload()
              return t('teams.removed', { team: id })
            })
          }}
          onEnd={() => {
            removing.value = undefined
          }}
        >
          <p>{t('teams.remove.what')}</p>
        </Confirm>
      )}
    </>
  )
}

function Edit({
  of: team,
  agents,
  territories,
  onSaved,
  onEnd,
}: {
  of: Team
  agents: Agent[]
  territories: string[]
  onSaved: (said: string) => void
  onEnd: () => void
}): JSX.Element {
  const act = useAct()
  const id = useSignal(team.id)
  const name = useSignal(team.name ?? '')
  const who = useSignal(team.agents ?? [])
  const where = useSignal(team.territories ?? [])
  const items = useSignal(team.items ?? [])
  const recording = useSignal(team.recording ?? false)
  const mode = useSignal(team.mode ?? 'car')
  const most = useSignal(team.max_stops ? String(team.max_stops) : '')
  return (
    <form
      class="card stack"
      onSubmit={e => {
        e.preventDefault()
        void act.run(async () => {
          const { warnings: _, $schema: __, ...rest } = team as Team & { $schema?: string }
          const body = {
            ...rest,
            id: id.value.trim(),
            name: name.value.trim(),
            agents: who.value,
            territories: where.value,
            items: items.value,
            recording: recording.value,
            mode: mode.value,
            max_stops: Number(most.value) || 0,
          } as TeamBody
          const x = await call('PUT', '/v1/teams/{id}', { path: { id: id.value.trim() }, body })
          onSaved([t('teams.saved', { team: x.name || x.id }), ...(x.warnings ?? [])].join(' '))
          return undefined
        })
      }}
    >
      <h2>{team.id ? t('teams.change', { team: team.name || team.id }) : t('teams.add')}</h2>
      <Outcome act={act} />
      <div class="fields">
        {!team.id && (
          <Field
            label={t('teams.id')}
            hint={t('teams.id.hint')}
            required
            pattern="[A-Za-z0-9._\-]+"
            autocomplete="off"
            value={id.value}
            onInput={e => {
              id.value = e.currentTarget.value
            }}
          />
        )}
        <Field
          label={t('people.name')}
          autocomplete="off"
          value={name.value}
          onInput={e => {
            name.value = e.currentTarget.value
          }}
        />
        <Choice
          label={t('teams.mode')}
          value={mode.value}
          options={modes.map(m => [m, word('mode', m)])}
          onChange={v => {
            mode.value = v
          }}
        />
        <Field
          label={t('teams.most')}
          hint={t('teams.most.hint')}
          type="number"
          min={0}
          value={most.value}
          onInput={e => {
            most.value = e.currentTarget.value
          }}
        />
      </div>
      <Several
        label={t('people.agents')}
        of={agents.filter(a => !a.disabled || who.value.includes(a.id)).map(a => [a.id, a.name || a.id])}
        chosen={who.value}
        onChange={v => {
          who.value = v
        }}
      />
      <Several
        label={`${t('teams.territories')} (${t('teams.territories.none')})`}
        of={territories.map(x => [x, x])}
        chosen={where.value}
        onChange={v => {
          where.value = v
        }}
      />
      <Several
        label={t('teams.papers')}
        of={papers.map(p => [p, word('paper', p)])}
        chosen={items.value}
        onChange={v => {
          items.value = v
        }}
      />
      <label class="inline">
        <input
          type="checkbox"
          checked={recording.value}
          onChange={e => {
            recording.value = e.currentTarget.checked
          }}
        />
        {t('teams.recording')}
      </label>
      <div class="buttons">
        <button type="submit" class="main" disabled={act.busy.value}>
          {t('office.save')}
        </button>
        <button type="button" onClick={onEnd}>
          {t('office.close')}
        </button>
      </div>
    </form>
  )
}
