import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { ConductBand, ConductQuestion, Source, ToldRule } from '../../shared/api'
import { type Answer, call } from '../../shared/call'
import { clock, localDate, longDate } from '../../shared/format'
import { Field, Loading, Trouble } from '../../shared/ui'
import { locale, say, t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource } from '../live'
import { keep, kept } from '../route'
import { Choice, Outcome, Several, useAct, word } from './act'

const channels = ['visit', 'call', 'sms', 'im', 'email', 'letter_delivery'] as const
const places = ['home', 'workplace', 'agreed_place', 'office', 'hospital', 'school', 'public'] as const
const papers = ['badge', 'authorisation_letter', 'iibf_certificate'] as const

type Rules = Answer<'GET /v1/conduct/rules'>

/** The law in force: its packs, a question to it, a day in bands, and what each rule stops. */
export function Law(): JSX.Element {
  const read = useMemo(
    () =>
      resource(
        async () => {
          const [packs, rules, codes] = await Promise.all([
            call('GET', '/v1/conduct/packs'),
            call('GET', '/v1/conduct/rules'),
            call('GET', '/v1/codes'),
          ])
          return { packs, rules, flags: codes.lists?.conduct_flags ?? [] }
        },
        () => false,
        600,
      ),
    [],
  )
  useEffect(() => read.stop, [read])
  const d = read.data.value
  return (
    <>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!d && !read.problem.value && <Loading what={t('app.loading')} />}
      {d && (
        <>
          <p class="notice warn">{t('rulebook.counsel')}</p>
          <Ask rules={d.rules} flags={d.flags} />
          <RulesTable rules={d.rules} />
          <section aria-labelledby="packs-h">
            <h2 id="packs-h">{t('rulebook.packs')}</h2>
            <div class="scroll">
              <table>
                <caption class="hidden">{t('rulebook.packs')}</caption>
                <thead>
                  <tr>
                    <th scope="col">{t('people.name')}</th>
                    <th scope="col">{t('rulebook.from')}</th>
                    <th scope="col">{t('rulebook.changed')}</th>
                    <th scope="col">{t('rulebook.by')}</th>
                  </tr>
                </thead>
                <tbody>
                  {(d.packs.items ?? []).map(p => (
                    <tr key={p.name}>
                      <th scope="row">
                        <bdi>{p.name}</bdi>
                      </th>
                      <td>{word('origin', p.origin)}</td>
                      <td>{longDate(p.at.slice(0, 10))}</td>
                      <td>
                        <bdi>{p.by === 'system' ? t('rulebook.system') : p.by}</bdi>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        </>
      )}
    </>
  )
}

const sourceOf = (sources: Source[] | null, key: string): Source | undefined =>
  sources?.find(s => s.key === key)

/** A rule with its reason in words and the sources that it rests on. */
function RuleWords({ rules, id, cite }: { rules: Rules; id: string; cite: string[] }): JSX.Element {
  return (
    <span class="quiet">
      {t('leftout.rule')} <bdi>{id}</bdi>
      {cite.map(key => {
        const s = sourceOf(rules.sources, key)
        return (
          <span key={key} class="cite">
            {key === 'house' ? (
              t('leftout.own')
            ) : s?.url ? (
              <a href={s.url} rel="noreferrer" target="_blank">
                <bdi>{s.title}</bdi>
              </a>
            ) : (
              <bdi>{s?.title ?? key}</bdi>
            )}
          </span>
        )
      })}
    </span>
  )
}

function Ask({ rules, flags }: { rules: Rules; flags: string[] }): JSX.Element {
  const b = branch.value
  const zone = b?.time_zone ?? 'UTC'
  const own = (b?.country ?? '').toLowerCase()
  const profiles = rules.profiles ?? []
  const profile = useSignal(kept('profile') || (profiles.some(p => p.id === own) ? own : 'house-visit'))
  const channel = useSignal<(typeof channels)[number]>('visit')
  const place = useSignal<(typeof places)[number]>('home')
  const date = useSignal(localDate(now.value, zone))
  const time = useSignal(clock(now.value, zone))
  const minutes = useSignal('20')
  const agents = useSignal('2')
  const items = useSignal<string[]>(['badge', 'authorisation_letter'])
  const recording = useSignal(true)
  const facts = useSignal<string[]>([])
  const act = useAct()
  const answer = useSignal<
    | { decision: Answer<'POST /v1/conduct/decisions'>; day: Answer<'POST /v1/conduct/day'>; at: string }
    | undefined
  >(undefined)
  const ask = (e: Event): void => {
    e.preventDefault()
    void act.run(async () => {
      const body: ConductQuestion = {
        profiles: [profile.value, ...(b?.profiles ?? [])],
        action: {
          at: `${date.value}T${time.value}:00`,
          channel: channel.value,
          tz: [zone],
          duration_min: Number(minutes.value) || 0,
        },
        case: { flags: Object.fromEntries(facts.value.map(f => [f, true])) } as NonNullable<
          ConductQuestion['case']
        >,
      }
      if (channel.value === 'visit') {
        Object.assign(body.action, {
          place: place.value,
          agents: Number(agents.value) || 1,
          items: items.value,
          recording: recording.value,
        })
      }
      const [decision, day] = await Promise.all([
        call('POST', '/v1/conduct/decisions', { body }),
        call('POST', '/v1/conduct/day', { body }),
      ])
      answer.value = { decision, day, at: body.action.at as unknown as string }
      return undefined
    })
  }
  const a = answer.value
  return (
    <section aria-labelledby="ask-h">
      <h2 id="ask-h">{t('rulebook.ask')}</h2>
      <form class="card stack" onSubmit={ask}>
        <Outcome act={act} />
        <div class="fields">
          <Choice
            label={t('rulebook.profile')}
            value={profile.value}
            options={profiles.map(p => [
              p.id,
              `${p.title || p.id}${p.status === 'in_force' ? '' : ` (${t('rulebook.draft')})`}`,
            ])}
            onChange={v => {
              profile.value = v
              keep('profile', v)
            }}
          />
          <Choice
            label={t('rulebook.channel')}
            value={channel.value}
            options={channels.map(c => [c, word('channel', c)])}
            onChange={v => {
              channel.value = v as (typeof channels)[number]
            }}
          />
          {channel.value === 'visit' && (
            <Choice
              label={t('rulebook.place')}
              value={place.value}
              options={places.map(p => [p, word('place', p)])}
              onChange={v => {
                place.value = v as (typeof places)[number]
              }}
            />
          )}
          <Field
            label={t('today.date')}
            type="date"
            required
            value={date.value}
            onInput={e => {
              date.value = e.currentTarget.value
            }}
          />
          <Field
            label={t('rulebook.time', { zone })}
            type="time"
            required
            value={time.value}
            onInput={e => {
              time.value = e.currentTarget.value
            }}
          />
          <Field
            label={t('rulebook.minutes')}
            type="number"
            min={0}
            max={1440}
            value={minutes.value}
            onInput={e => {
              minutes.value = e.currentTarget.value
            }}
          />
          {channel.value === 'visit' && (
            <Field
              label={t('rulebook.agents')}
              type="number"
              min={1}
              max={100}
              value={agents.value}
              onInput={e => {
                agents.value = e.currentTarget.value
              }}
            />
          )}
        </div>
        {channel.value === 'visit' && (
          <>
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
          </>
        )}
        <details>
          <summary>{t('rulebook.facts', { n: facts.value.length })}</summary>
          <Several
            label={t('rulebook.facts.known')}
            of={flags.map(f => [f, word('fact', f)])}
            chosen={facts.value}
            onChange={v => {
              facts.value = v
            }}
          />
        </details>
        <div class="buttons">
          <button type="submit" class="main" disabled={act.busy.value}>
            {t('rulebook.ask.go')}
          </button>
        </div>
      </form>
      <div role="status">
        {a && (
          <div class="card verdict">
            <h3 class={a.decision.decision === 'allow' ? 'yes' : 'no'}>
              {t(a.decision.decision === 'allow' ? 'rulebook.yes' : 'rulebook.no', {
                time: a.at.slice(11, 16),
                day: longDate(a.at.slice(0, 10)),
              })}
            </h3>
            {(a.decision.all ?? []).length > 0 && (
              <ul>
                {(a.decision.all ?? []).map(hit => {
                  const [reason, rule] = hit ?? []
                  const told = rules.rules?.find(r => r.id === rule)
                  const cite = told?.cite ?? (rule === a.decision.rule ? (a.decision.cite ?? []) : [])
                  return (
                    <li key={`${reason} ${rule}`}>
                      {say('reason', reason ?? '')} <RuleWords rules={rules} id={rule ?? ''} cite={cite} />
                    </li>
                  )
                })}
              </ul>
            )}
            {a.decision.decision !== 'allow' && (
              <p>
                {a.decision.next_allowed_at
                  ? t('rulebook.next', { when: when(a.decision.next_allowed_at, zone) })
                  : t('rulebook.never')}
              </p>
            )}
            {(a.decision.advisory ?? []).length > 0 && (
              <p class="quiet">{t('rulebook.advisory', { profiles: a.decision.advisory!.join(', ') })}</p>
            )}
          </div>
        )}
      </div>
      {a && <DayBands rules={rules} day={a.day} />}
    </section>
  )
}

/** An instant in words: Wednesday, 2 December, 08:00. */
const when = (at: string, zone: string): string =>
  new Intl.DateTimeFormat(locale(), {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  }).format(new Date(at))

/** A day as bands of allowed time, with the rule that ends each; the list says what the drawing shows. */
function DayBands({ rules, day }: { rules: Rules; day: Answer<'POST /v1/conduct/day'> }): JSX.Element {
  const bands = day.bands ?? []
  const from = bands[0] ? Date.parse(bands[0].from) : 0
  const last = bands.at(-1)
  const span = (last ? Date.parse(last.to) : 1) - from
  const x = (at: string): number => ((Date.parse(at) - from) / span) * 1000
  const until = (b: ConductBand): string =>
    b === last ? t('rulebook.midnight') : clock(Date.parse(b.to), day.zone)
  return (
    <section aria-labelledby="day-h" class="card">
      <h3 id="day-h">{t('rulebook.day', { day: longDate(day.date), zone: day.zone })}</h3>
      <svg class="bands" viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true">
        {bands.map(b => (
          <rect
            key={b.from}
            class={b.decision === 'allow' ? 'yes' : 'no'}
            x={x(b.from)}
            width={Math.max(1, x(b.to) - x(b.from))}
            y="0"
            height="40"
          />
        ))}
      </svg>
      <ol class="bandlist">
        {bands.map((b, i) => {
          const next = bands[i + 1]
          return (
            <li key={b.from} class={b.decision === 'allow' ? 'yes' : 'no'}>
              <b>
                <bdi>
                  {clock(Date.parse(b.from), day.zone)}–{until(b)}
                </bdi>
              </b>{' '}
              {b.decision === 'allow' ? (
                <>
                  {t('rulebook.allowed')}
                  {next && (
                    <>
                      . {t('rulebook.ends', { reason: say('reason', next.reason ?? '') })}{' '}
                      <RuleWords rules={rules} id={next.rule ?? ''} cite={next.cite ?? []} />
                    </>
                  )}
                </>
              ) : (
                <>
                  {t('rulebook.forbidden', { reason: say('reason', b.reason ?? '') })}{' '}
                  <RuleWords rules={rules} id={b.rule ?? ''} cite={b.cite ?? []} />
                </>
              )}
            </li>
          )
        })}
      </ol>
      {!bands.some(b => b.decision === 'allow') && <p>{t('rulebook.notoday')}</p>}
    </section>
  )
}

/** The numbers of a rule, in words. */
function numbersOf(r: ToldRule): string {
  const out: string[] = []
  const day = (d: string): string =>
    new Intl.DateTimeFormat(locale(), { weekday: 'short', timeZone: 'UTC' }).format(
      new Date(Date.UTC(2026, 10, 29 + ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].indexOf(d), 12)),
    )
  for (const h of r.hours ?? []) out.push(t('rulebook.hours', { from: h?.[0] ?? '', to: h?.[1] ?? '' }))
  if ((r.days ?? []).length > 0 && r.days!.length < 7) out.push(r.days!.map(day).join(', '))
  if (r.holidays) out.push(t('rulebook.holidays'))
  if (r.max && r.window_days) out.push(t('rulebook.cap', { max: r.max, n: r.window_days }))
  else if (r.max) out.push(t('rulebook.cap.month', { max: r.max }))
  else if (r.window_days) out.push(t('rulebook.cooldown', { n: r.window_days }))
  if (r.flag) out.push(word('fact', r.flag))
  if ((r.min_agents ?? 0) > 1) out.push(t('teams.agents.least', { n: r.min_agents! }))
  for (const n of r.needs ?? []) out.push(word('paper', n))
  return out.join('; ')
}

function RulesTable({ rules }: { rules: Rules }): JSX.Element {
  const of = useSignal('')
  const shown = (rules.rules ?? []).filter(r => r.profile === of.value)
  const p = rules.profiles?.find(x => x.id === of.value)
  return (
    <section aria-labelledby="rules-h">
      <h2 id="rules-h">{t('rulebook.rules')}</h2>
      <Choice
        label={t('rulebook.profile')}
        value={of.value}
        options={[
          ['', t('office.choose')],
          ...(rules.profiles ?? []).map((x): [string, string] => [x.id, x.title || x.id]),
        ]}
        onChange={v => {
          of.value = v
        }}
      />
      {p && (
        <p>
          {t(p.status === 'in_force' ? 'rulebook.inforce' : 'rulebook.isdraft')}
          {p.effective_from ? ` ${t('rulebook.since', { day: longDate(p.effective_from) })}` : ''}
          {(p.extends ?? []).length > 0
            ? ` ${t('rulebook.extends', { profiles: p.extends!.join(', ') })}`
            : ''}
        </p>
      )}
      {of.value && (
        <div class="scroll">
          <table>
            <caption class="hidden">{t('rulebook.rules')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('rulebook.stops')}</th>
                <th scope="col">{t('rulebook.what')}</th>
                <th scope="col">{t('rulebook.lifts')}</th>
                <th scope="col">{t('leftout.source')}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(r => (
                <tr key={r.id}>
                  <th scope="row">{say('reason', r.reason)}</th>
                  <td>
                    {(r.channels ?? []).length > 0
                      ? r.channels!.map(c => word('channel', c)).join(', ')
                      : t('rulebook.allchannels')}
                    {numbersOf(r) && <div>{numbersOf(r)}</div>}
                  </td>
                  <td>
                    {(r.consents ?? []).length > 0 ? (
                      r.consents!.map(c => word('consent', c)).join(', ')
                    ) : (
                      <span class="quiet">{t('rulebook.nothing')}</span>
                    )}
                  </td>
                  <td>
                    <RuleWords rules={rules} id={r.id} cite={r.cite ?? []} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
