import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { InboxItem } from '../../shared/api'
import { call, Refused } from '../../shared/call'
import { ago, longDate, number } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { say, t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource, tellTime } from '../live'
import { address } from '../route'

const most = 50

/** What waits for the supervisors of a branch: the kinds with their counts, and the items of one kind or of all. */
export function Inbox({ kind }: { kind: string }): JSX.Element {
  const b = branch.value!
  const read = useMemo(
    () =>
      resource(
        async () => {
          const query = kind ? { branch: b.id, kind, limit: most } : { branch: b.id }
          const x = await call('GET', '/v1/inbox', { query })
          tellTime(x.as_of)
          return x
        },
        p => p.changed.length > 0,
        180,
      ),
    [b.id, kind],
  )
  useEffect(() => read.stop, [read])
  // Pages after the first. They are dropped when the first is read again.
  const more = useSignal<{ of: unknown; items: InboxItem[]; next: string }>({
    of: undefined,
    items: [],
    next: '',
  })
  const trouble = useSignal<Refused | undefined>(undefined)
  const d = read.data.value
  const later = more.value.of === d ? more.value : undefined
  const items = [...(d?.items ?? []), ...(later?.items ?? [])].sort((x, y) => (x.since < y.since ? -1 : 1))
  const next = later ? later.next : (d?.next_cursor ?? '')
  const readOn = async (): Promise<void> => {
    trouble.value = undefined
    try {
      const x = await call('GET', '/v1/inbox', { query: { branch: b.id, kind, limit: most, cursor: next } })
      const so = later?.items ?? []
      more.value = { of: d, items: [...so, ...(x.items ?? [])], next: x.next_cursor ?? '' }
    } catch (e) {
      trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
    }
  }
  const counts = d?.counts ?? []
  const total = counts.reduce((n, c) => n + c.count, 0)
  return (
    <>
      <div class="top">
        <Heading>{kind ? say('inbox', kind) : t('inbox.title')}</Heading>
        {d && <p class="summary">{t('inbox.counted', { n: total })}</p>}
      </div>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!d && !read.problem.value && <Loading what={t('inbox.loading')} />}
      {d && (
        <div class="inbox">
          <nav aria-label={t('inbox.kinds')}>
            <ul class="card list">
              <li>
                <a href={address.inbox()} aria-current={kind === '' ? 'page' : undefined}>
                  <span>{t('inbox.all')}</span>
                  <b>{number(total)}</b>
                </a>
              </li>
              {counts
                .filter(c => c.count > 0 || c.kind === kind)
                .map(c => (
                  <li key={c.kind}>
                    <a href={address.inbox(c.kind)} aria-current={kind === c.kind ? 'page' : undefined}>
                      <span>{say('inbox', c.kind)}</span>
                      <b>
                        {number(c.count)}
                        {c.more ? '+' : ''}
                      </b>
                    </a>
                  </li>
                ))}
            </ul>
          </nav>
          <div>
            {items.length === 0 && <p class="card empty">{t('inbox.none')}</p>}
            <ul class="items">
              {items.map(x => (
                <Item key={`${x.kind} ${x.case ?? ''} ${x.id}`} item={x} />
              ))}
            </ul>
            {trouble.value && <Trouble of={trouble.value} />}
            {next && (
              <p>
                <button type="button" onClick={() => void readOn()}>
                  {t('inbox.more')}
                </button>
              </p>
            )}
          </div>
        </div>
      )}
    </>
  )
}

function Item({ item: x }: { item: InboxItem }): JSX.Element {
  const facts: [string, string | undefined][] = [
    [t('inbox.case'), x.case],
    [t('inbox.team'), x.team],
    [t('inbox.who'), x.who],
    [t('inbox.device'), x.device],
  ]
  return (
    <li class="card item">
      <header>
        <h2>{say('inbox', x.kind)}</h2>
        {x.until && (
          <span class="badge warn">
            {t('inbox.until')} {longDate(x.until)}
          </span>
        )}
      </header>
      <dl>
        {facts
          .filter(([, v]) => v)
          .map(([name, v]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <bdi>{v}</bdi>
              </dd>
            </div>
          ))}
        <div>
          <dt>{t('inbox.since')}</dt>
          <dd>{ago(x.since, now.value)}</dd>
        </div>
      </dl>
      {x.round && (
        <p>
          <a href={`${address.board(x.round)}${x.team ? `?team=${encodeURIComponent(x.team)}` : ''}`}>
            {t('today.board')}
          </a>
        </p>
      )}
    </li>
  )
}
