import type { JSX } from 'preact'
import { clock } from '../../shared/format'
import { minute } from '../clock'
import { type Door, doorsOfToday } from '../day'
import { drafts } from '../draft'
import { leaseOver } from '../law'
import { MayIKnock, Page } from '../parts'
import { nameOf } from '../queue'
import { go } from '../route'
import { complete, contact } from '../store'
import { t, word } from '../words'

/** The day: the next door large, the rest in order, what is done below. */
export function Today(): JSX.Element {
  void minute.value
  if (!complete.value) {
    return (
      <Page title={t('today.title')}>
        <p class="card" role="status">
          {t('today.first')}
        </p>
      </Page>
    )
  }
  const doors = doorsOfToday()
  const left = doors.filter(d => !d.done && !d.declined)
  const over = doors.filter(d => d.done || d.declined)
  const begun = drafts()
  return (
    <Page title={t('today.title')}>
      {leaseOver() && contact.value > 0 && <p class="notice warn">{t('today.lease')}</p>}
      {begun.length > 0 && (
        <section aria-label={t('today.begun')}>
          <h2>{t('today.begun')}</h2>
          <ul class="doors">
            {begun.map(d => (
              <li key={d.id}>
                <button type="button" class="door" onClick={() => go('report', d.id)}>
                  <strong>{word('type', d.of_type)}</strong>
                  <span>{nameOf(d.case)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {doors.length === 0 && !leaseOver() && <p class="card">{t('today.none')}</p>}
      {left[0] && <Next door={left[0]} />}
      {left.length > 1 && (
        <section aria-label={t('today.then')}>
          <h2>{t('today.then')}</h2>
          <ul class="doors">
            {left.slice(1).map(d => (
              <Row key={d.id} door={d} />
            ))}
          </ul>
        </section>
      )}
      {over.length > 0 && (
        <section aria-label={t('today.done')}>
          <h2>{`${t('today.done')} (${over.length})`}</h2>
          <ul class="doors">
            {over.map(d => (
              <Row key={d.id} door={d} />
            ))}
          </ul>
        </section>
      )}
    </Page>
  )
}

function Next({ door }: { door: Door }): JSX.Element {
  const { card, stop } = door.stops[0]!
  return (
    <section class="card next" aria-label={t('today.next')}>
      <h2>{t('today.next')}</h2>
      <p class="big">{clock(door.eta, door.zone)}</p>
      <p class="place">{card.address}</p>
      <p>{card.debtor_name}</p>
      <MayIKnock card={card} stop={stop} short />
      <button type="button" class="main wide" onClick={() => go('door', door.id)}>
        {t('today.open')}
      </button>
    </section>
  )
}

function Row({ door }: { door: Door }): JSX.Element {
  const { card } = door.stops[0]!
  const state = door.done ? t('today.visited') : door.declined ? t('today.declined') : ''
  return (
    <li>
      <button type="button" class="door" onClick={() => go('door', door.id)}>
        <span class="time">{clock(door.eta, door.zone)}</span>
        <span class="where">
          <strong>{card.address}</strong>
          <span>{card.debtor_name}</span>
        </span>
        {state && <span class="state">{state}</span>}
      </button>
    </li>
  )
}
