import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type {
  ApproveTemplateRequest,
  Message,
  ProposeTemplateRequest,
  Reply,
  Template,
} from '../../shared/api'
import { call, user } from '../../shared/call'
import { ago } from '../../shared/format'
import { Field, Loading, Trouble } from '../../shared/ui'
import { say, t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource } from '../live'
import { keep, kept } from '../route'
import { type Act, Choice, Outcome, useAct, word } from './act'

const kinds = [
  'overdue_reminder',
  'second_reminder',
  'plan_offer',
  'collection_notice',
  'visit_notice',
  'plan_reminder',
  'thank_you',
  'stop_confirm',
] as const
const states = [
  'queued',
  'refused',
  'sending',
  'sent',
  'delivered',
  'failed',
  'unknown',
  'cancelled',
] as const

/** What was found in a text, in words: a reason of the law, or one of the text's own. */
const finding = (code: string): string => {
  const own = word('finding', code)
  return own === t('office.unknown', { code }) ? say('reason', code) : own
}

/** The texts to debtors: what waits for a second person, the ladders, what was sent and why not, and the replies. */
export function Messages(): JSX.Element {
  const b = branch.value!
  const state = useSignal(kept('state'))
  const read = useMemo(
    () =>
      resource(
        async () => {
          const query = { branch: b.id, limit: 100, state: state.value }
          const [templates, replies, messages, lenders] = await Promise.all([
            call('GET', '/v1/templates', { query: { limit: 100 } }),
            call('GET', '/v1/replies', { query: { branch: b.id, limit: 100 } }),
            call('GET', '/v1/messages', { query }),
            call('GET', '/v1/lenders'),
          ])
          const mine = (lenders.items ?? []).filter(l => l.branches?.includes(b.id)).slice(0, 30)
          const ladders = await Promise.all(
            mine.map(l => call('GET', '/v1/lenders/{id}/ladder', { path: { id: l.id } })),
          )
          return {
            templates: templates.items ?? [],
            replies: replies.items ?? [],
            messages: messages.items ?? [],
            more: !!messages.next_cursor,
            lenders: mine,
            ladders,
          }
        },
        p => p.changed.length > 0,
        120,
      ),
    [b.id, state.value],
  )
  useEffect(() => read.stop, [read])
  const act = useAct()
  const d = read.data.value
  return (
    <>
      <Outcome act={act} />
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!d && !read.problem.value && <Loading what={t('app.loading')} />}
      {d && (
        <>
          <section aria-labelledby="waiting-h">
            <h2 id="waiting-h">{t('texts.waiting')}</h2>
            <p class="quiet">{t('texts.second')}</p>
            {d.templates.length === 0 && <p class="card empty">{t('inbox.none')}</p>}
            <ul class="items">
              {d.templates.map(x => (
                <Proposed key={x.id} of={x} act={act} onDone={read.reload} />
              ))}
            </ul>
            <Propose lenders={d.lenders.map(l => l.id)} onDone={read.reload} />
          </section>
          <section aria-labelledby="replies-h">
            <h2 id="replies-h">{t('inbox.replies')}</h2>
            {d.replies.length === 0 && <p class="card empty">{t('inbox.none')}</p>}
            <ul class="items">
              {d.replies.map(r => (
                <Answered key={r.id} of={r} act={act} branch={b.id} onDone={read.reload} />
              ))}
            </ul>
          </section>
          <section aria-labelledby="sent-h">
            <h2 id="sent-h">{t('texts.sent')}</h2>
            <div class="tools">
              <label class="inline">
                {t('people.state')}
                <select
                  value={state.value}
                  onChange={e => {
                    state.value = e.currentTarget.value
                    keep('state', state.value)
                  }}
                >
                  <option value="">{t('inbox.all')}</option>
                  {states.map(s => (
                    <option key={s} value={s}>
                      {word('text', s)}
                    </option>
                  ))}
                </select>
              </label>
            </div>
            <SentTexts list={d.messages} act={act} onDone={read.reload} />
            {d.more && <p class="quiet">{t('texts.newest')}</p>}
          </section>
          <section aria-labelledby="ladders-h">
            <h2 id="ladders-h">{t('texts.ladders')}</h2>
            {d.ladders.map(l => (
              <div class="card ladder" key={l.lender}>
                <h3>
                  <bdi>{d.lenders.find(x => x.id === l.lender)?.name || l.lender}</bdi>
                </h3>
                <ol>
                  {(l.steps ?? []).map((s, i) => (
                    <li key={s.kind}>
                      <b>{word('textkind', s.kind)}</b>: {t('texts.step.from', { n: s.dpd_from })}
                      {i > 0 && `, ${t('texts.step.gap', { n: s.min_gap_days })}`}
                      {s.needs === 'previous_delivered' && `, ${t('texts.step.delivered')}`}
                    </li>
                  ))}
                </ol>
                <p class="quiet">{l.by ? t('texts.ladder.by', { who: l.by }) : t('texts.ladder.house')}</p>
              </div>
            ))}
            {d.ladders.length === 0 && <p class="card empty">{t('office.none')}</p>}
          </section>
        </>
      )}
    </>
  )
}

function Proposed({ of: x, act, onDone }: { of: Template; act: Act; onDone: () => void }): JSX.Element {
  const own = x.proposed_by === user.value?.id
  const why = useSignal<Record<string, string>>({})
  const rejecting = useSignal(false)
  const reason = useSignal('')
  const faults = x.faults ?? []
  const key = (f: { reason: string; text?: string }): string => `${f.reason} ${f.text ?? ''}`
  const released = faults.every(f => (why.value[key(f)] ?? '').trim())
  return (
    <li class="card item template">
      <header>
        <h3>
          {word('textkind', x.kind)}, <bdi>{x.lender}</bdi>
        </h3>
        <span class="badge">
          <bdi>{x.language}</bdi>
          {x.country && (
            <>
              , <bdi>{x.country}</bdi>
            </>
          )}
        </span>
      </header>
      <blockquote lang={x.language} dir="auto">
        {x.text}
      </blockquote>
      <p class="quiet">{t('texts.by', { who: x.proposed_by, when: ago(x.proposed_at, now.value) })}</p>
      {x.neutral && <p>{t('texts.neutral')}</p>}
      {faults.length === 0 && <p class="good">{t('texts.clean')}</p>}
      {faults.length > 0 && (
        <div class="notice bad">
          <p>{t('texts.faults')}</p>
          <ul>
            {faults.map(f => (
              <li key={key(f)}>
                {finding(f.reason)}
                {f.text && (
                  <>
                    : “<bdi>{f.text}</bdi>”
                  </>
                )}
                {!own && (
                  <Field
                    label={t('texts.release')}
                    value={why.value[key(f)] ?? ''}
                    autocomplete="off"
                    onInput={e => {
                      why.value = { ...why.value, [key(f)]: e.currentTarget.value }
                    }}
                  />
                )}
              </li>
            ))}
          </ul>
        </div>
      )}
      {own && <p class="notice warn">{t('texts.own')}</p>}
      <div class="buttons">
        {!own && (
          <button
            type="button"
            class="main"
            disabled={act.busy.value || !released}
            onClick={() =>
              void act.run(async () => {
                const body: ApproveTemplateRequest = {}
                if (faults.length > 0) {
                  body.releases = faults.map(f => ({
                    reason: f.reason,
                    ...(f.text ? { text: f.text } : {}),
                    why: why.value[key(f)]!.trim(),
                  }))
                }
                await call('POST', '/v1/templates/{id}/approve', { path: { id: x.id }, body })
                onDone()
                return t('texts.approved')
              })
            }
          >
            {t('texts.approve')}
          </button>
        )}
        <button
          type="button"
          aria-expanded={rejecting.value}
          onClick={() => {
            rejecting.value = !rejecting.value
          }}
        >
          {t('texts.reject')}
        </button>
      </div>
      {rejecting.value && (
        <form
          onSubmit={e => {
            e.preventDefault()
            void act.run(async () => {
              await call('POST', '/v1/templates/{id}/reject', {
                path: { id: x.id },
                body: { reason: reason.value },
              })
              onDone()
              return t('texts.rejected')
            })
          }}
        >
          <Field
            label={t('texts.reason')}
            required
            autocomplete="off"
            value={reason.value}
            onInput={e => {
              reason.value = e.currentTarget.value
            }}
          />
          <button type="submit" disabled={act.busy.value}>
            {t('texts.reject.go')}
          </button>
        </form>
      )}
    </li>
  )
}

function Propose({ lenders, onDone }: { lenders: string[]; onDone: () => void }): JSX.Element {
  const act = useAct()
  const lender = useSignal(lenders[0] ?? '')
  const kind = useSignal<ProposeTemplateRequest['kind']>('overdue_reminder')
  const lang = useSignal('en')
  const text = useSignal('')
  return (
    <details class="card">
      <summary>{t('texts.propose')}</summary>
      <form
        class="stack"
        onSubmit={e => {
          e.preventDefault()
          void act.run(async () => {
            const body = {
              lender: lender.value,
              kind: kind.value,
              language: lang.value.trim(),
              text: text.value,
            }
            const x = await call('POST', '/v1/templates', { body })
            text.value = ''
            onDone()
            return t((x.faults ?? []).length > 0 ? 'texts.proposed.faults' : 'texts.proposed')
          })
        }}
      >
        <Outcome act={act} />
        <div class="fields">
          <Choice
            label={t('role.is.lender')}
            value={lender.value}
            options={lenders.map(l => [l, l])}
            onChange={v => {
              lender.value = v
            }}
          />
          <Choice
            label={t('texts.kind')}
            value={kind.value}
            options={kinds.map(k => [k, word('textkind', k)])}
            onChange={v => {
              kind.value = v as ProposeTemplateRequest['kind']
            }}
          />
          <Field
            label={t('texts.language')}
            hint={t('texts.language.hint')}
            required
            autocomplete="off"
            value={lang.value}
            onInput={e => {
              lang.value = e.currentTarget.value
            }}
          />
        </div>
        <div class="field">
          <label for="propose-text">{t('texts.text')}</label>
          <p class="quiet" id="propose-hint">
            {t('texts.text.hint')} <code>{'{sender_name} {amount} {due_date} {pay_link} {opt_out}'}</code>
          </p>
          <textarea
            id="propose-text"
            rows={4}
            required
            dir="auto"
            aria-describedby="propose-hint"
            value={text.value}
            onInput={e => {
              text.value = e.currentTarget.value
            }}
          />
        </div>
        <div class="buttons">
          <button type="submit" class="main" disabled={act.busy.value}>
            {t('texts.propose.go')}
          </button>
        </div>
      </form>
    </details>
  )
}

function SentTexts({ list, act, onDone }: { list: Message[]; act: Act; onDone: () => void }): JSX.Element {
  if (list.length === 0) return <p class="card empty">{t('texts.none')}</p>
  return (
    <div class="scroll">
      <table>
        <caption class="hidden">{t('texts.sent')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('inbox.case')}</th>
            <th scope="col">{t('texts.kind')}</th>
            <th scope="col">{t('people.state')}</th>
            <th scope="col">{t('texts.why')}</th>
            <th scope="col">{t('texts.when')}</th>
            <th scope="col">{t('office.do')}</th>
          </tr>
        </thead>
        <tbody>
          {list.map(m => {
            const rule = m.decision?.decision === 'deny' ? m.decision.rule : undefined
            return (
              <tr key={m.id}>
                <th scope="row">
                  <bdi>{m.case}</bdi>
                </th>
                <td>{word('textkind', m.kind)}</td>
                <td>
                  <span class={['refused', 'failed'].includes(m.state) ? 'badge warn' : 'badge'}>
                    {word('text', m.state)}
                  </span>
                </td>
                <td>
                  {m.reason && finding(m.reason)}
                  {rule && (
                    <div class="quiet">
                      {t('leftout.rule')} <bdi>{rule}</bdi>
                    </div>
                  )}
                  {m.next_at && m.state === 'refused' && (
                    <div class="quiet">{t('texts.again', { when: ago(m.next_at, now.value) })}</div>
                  )}
                </td>
                <td>{ago(m.sent_at ?? m.queued_at, now.value)}</td>
                <td>
                  {['queued', 'refused'].includes(m.state) && (
                    <button
                      type="button"
                      disabled={act.busy.value}
                      onClick={() =>
                        void act.run(async () => {
                          await call('POST', '/v1/messages/{id}/cancel', { path: { id: m.id ?? '' } })
                          onDone()
                          return t('texts.cancelled')
                        })
                      }
                    >
                      {t('texts.cancel')}
                    </button>
                  )}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Answered({
  of: r,
  act,
  branch: b,
  onDone,
}: {
  of: Reply
  act: Act
  branch: string
  onDone: () => void
}): JSX.Element {
  const note = useSignal('')
  const means = [r.intent, ...(r.also ?? [])].filter((x): x is NonNullable<typeof x> => !!x)
  return (
    <li class="card item">
      <header>
        <h3>{means.map(m => word('intent', m)).join(', ')}</h3>
        {r.vulnerable && <span class="badge warn">{t('texts.today')}</span>}
      </header>
      {r.text && <blockquote dir="auto">{r.text}</blockquote>}
      <dl>
        {r.case && (
          <div>
            <dt>{t('inbox.case')}</dt>
            <dd>
              <bdi>{r.case}</bdi>
            </dd>
          </div>
        )}
        {r.at && (
          <div>
            <dt>{t('inbox.since')}</dt>
            <dd>{ago(r.at, now.value)}</dd>
          </div>
        )}
        {(r.did ?? []).length > 0 && (
          <div>
            <dt>{t('texts.did')}</dt>
            <dd>{r.did!.map(x => word('replydid', x)).join(', ')}</dd>
          </div>
        )}
      </dl>
      <form
        onSubmit={e => {
          e.preventDefault()
          void act.run(async () => {
            await call('POST', '/v1/replies/{id}/handle', {
              path: { id: r.id ?? '' },
              query: { branch: b },
              body: { note: note.value },
            })
            onDone()
            return t('texts.handled')
          })
        }}
      >
        <Field
          label={t('texts.note')}
          required
          autocomplete="off"
          value={note.value}
          onInput={e => {
            note.value = e.currentTarget.value
          }}
        />
        <button type="submit" disabled={act.busy.value}>
          {t('texts.handle')}
        </button>
      </form>
    </li>
  )
}
