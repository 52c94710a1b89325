import type { JSX } from 'preact'
import { longDate } from '../../shared/format'
import { languages } from '../../shared/words'

import { type Door, doorsOfToday } from '../day'
import { begin, draftOf } from '../draft'
import { decisionOf, mayKnock } from '../law'
import { MayIKnock, money, Page, when } from '../parts'
import { position } from '../position'
import { go } from '../route'
import { agent } from '../session'
import { add, type Doc, line, patch, remove } from '../store'
import { t, word } from '../words'

/** The card of a door. */
export function DoorCard({ id }: { id: string }): JSX.Element {
  const door = doorsOfToday().find(d => d.stops.some(s => s.stop.id === id))
  if (!door) {
    return (
      <Page title={t('door.gone.title')} back={[]}>
        <p class="card">{t('door.gone')}</p>
      </Page>
    )
  }
  const { card } = door.stops[0]!
  return (
    <Page title={String(card.address)} back={[]}>
      <p>
        {[card.postal_code, card.city].filter(Boolean).join(' ')}
        {card.home && (
          <>
            {' · '}
            <a href={`geo:${card.home[1]},${card.home[0]}`}>{t('door.navigate')}</a>
          </>
        )}
      </p>
      {door.stops.map(s => (
        <Stop key={s.stop.id} door={door} {...s} />
      ))}
    </Page>
  )
}

function Stop({ door, stop, card }: { door: Door; stop: Doc; card: Doc }): JSX.Element {
  const earlier = (card.earlier ?? []) as { at: string; outcome: string }[]
  return (
    <section class="stop" aria-label={String(card.debtor_name)}>
      <MayIKnock card={card} stop={stop} />
      <div class="card">
        <h2>{card.debtor_name}</h2>
        <dl>
          <dt>{t('door.language')}</dt>
          <dd>{nameOfLanguage(String(card.language || ''))}</dd>
          <dt>{t('door.owed')}</dt>
          <dd>{money(Number(card.amount_due_minor ?? 0), String(card.currency))}</dd>
          {card.due_date && (
            <>
              <dt>{t('door.since')}</dt>
              <dd>{longDate(String(card.due_date))}</dd>
            </>
          )}
          <dt>{t('door.window')}</dt>
          <dd>
            {`${when(stop.window?.from ?? stop.eta, door.zone)} – ${when(stop.window?.to ?? stop.eta, door.zone)}`}
          </dd>
          <dt>{t('door.carry')}</dt>
          <dd>
            {[...(stop.items ?? []), ...(stop.recording ? ['recorder'] : [])]
              .map((i: string) => word('item', i))
              .join(', ') || t('door.nothing')}
          </dd>
        </dl>
        {earlier.length > 0 && (
          <>
            <h3>{t('door.earlier')}</h3>
            <ul>
              {earlier.map(e => (
                <li key={e.at}>{`${when(e.at, door.zone)}: ${word('outcome', e.outcome)}`}</li>
              ))}
            </ul>
          </>
        )}
      </div>
      <div class="card say">
        <h3>{t('say.title')}</h3>
        <ul>
          <li>{t('say.who')}</li>
          <li>{t('say.alone', { name: String(card.debtor_name) })}</li>
          <li>{t('say.nobody')}</li>
          <li>{t('say.leave')}</li>
        </ul>
      </div>
      <Acts stop={stop} card={card} />
    </section>
  )
}

function nameOfLanguage(tag: string): string {
  if (!tag) return t('door.unknown')
  try {
    return new Intl.DisplayNames([document.documentElement.lang], { type: 'language' }).of(tag) ?? tag
  } catch {
    return languages.find(l => l.tag === tag)?.name ?? tag
  }
}

function Acts({ stop, card }: { stop: Doc; card: Doc }): JSX.Element {
  const begun = draftOf('visits', card.id, stop.id)
  const start = async (): Promise<void> => {
    const v = mayKnock(card, stop)
    const content = {
      stop: stop.id,
      at: new Date().toISOString(),
      decision: decisionOf(v) ?? null,
      answer: v.answer,
    }
    const id = await begin('visits', card.id, content)
    void position(id)
    // For the board of today: said later it would come after the visit, which says more.
    if (line.value === 'live' && stop.agent_status !== 'at_door') {
      await patch('assignments', stop.id, { agent_status: 'at_door' })
    }
    go('report', id)
  }
  const plain = (type: 'visit_notes' | 'consents' | 'plans') => async (): Promise<void> => {
    const visit = draftOf('visits', card.id, stop.id)?.id ?? ''
    go('report', await begin(type, card.id, { stop: stop.id, at: new Date().toISOString(), visit }))
  }
  return (
    <>
      <div class="acts">
        <button type="button" class="main wide" onClick={() => void start()}>
          {begun ? t('door.goon') : t('door.begin')}
        </button>
        <button type="button" onClick={() => void plain('visit_notes')()}>
          {t('door.note')}
        </button>
        <button type="button" onClick={() => void plain('consents')()}>
          {t('door.consent')}
        </button>
        <button type="button" onClick={() => void plain('plans')()}>
          {t('door.plan')}
        </button>
        <button type="button" onClick={() => go('decline', stop.id)}>
          {t('door.decline')}
        </button>
      </div>
      <LeaveNow stop={stop} card={card} />
    </>
  )
}

/** "They asked me to leave": one tap ends the visit, and the report is written. */
export function LeaveNow({ stop, card, draft }: { stop: Doc; card: Doc; draft?: Doc }): JSX.Element {
  const ask = async (): Promise<void> => {
    const c = (draft ?? draftOf('visits', card.id, stop.id))?.content ?? {}
    const asked = new Date().toISOString()
    const id = (draft ?? draftOf('visits', card.id, stop.id))?.id
    const fields = {
      ...visitOf(stop, c, asked),
      case: card.id,
      outcome: 'MET_ASKED_TO_LEAVE',
      asked_to_leave: true,
      asked_at: asked,
    }
    await add('visits', fields, id)
    if (id) await remove('drafts', id)
    go('left')
  }
  return (
    <button type="button" class="leave wide" onClick={() => void ask()}>
      {t('leave.now')}
    </button>
  )
}

/** What a visit says, but for its end, from the answers of its draft. */
export function visitOf(stop: Doc, c: Record<string, unknown>, end: string): Record<string, unknown> {
  const who = c.who ? String(c.who) : ''
  const agents = ((stop.agents ?? []) as string[]).length > 0 ? (stop.agents as string[]) : [agent.value!.id]
  const out: Record<string, unknown> = {
    assignment: stop.id,
    at: c.at ?? end,
    agents: agents.map((a, i) => ({ agent_id: a, role: i === 0 ? 'lead' : 'second' })),
    purpose: 'negotiate',
    place: 'home',
    items: stop.items ?? [],
    check_in: c.check_in ?? { at: c.at ?? end },
    check_out: { at: end },
  }
  if (c.decision) out.door_decision = c.decision
  if (who) out.person_met = { relationship: who, identity_check: c.identity ?? 'none' }
  if (c.announced !== undefined) {
    out.announced_identity = c.announced
    if (c.announced) out.announced_at = c.at
  }
  if (c.told === true && who) {
    out.disclosure_made = true
    out.disclosed_to = who
  }
  return out
}

/** What an agent does after being asked to leave. */
export function Left(): JSX.Element {
  return (
    <Page title={t('left.title')}>
      <div class="card">
        <p>{t('left.go')}</p>
        <p>{t('left.say')}</p>
        <p>{t('left.kept')}</p>
      </div>
      <button type="button" class="main wide" onClick={() => go()}>
        {t('left.next')}
      </button>
    </Page>
  )
}
