import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { InboxItem } from '../../shared/api'
import { call, Refused } from '../../shared/call'
import { number } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { say, t } from '../../shared/words'
import { branch } from '../branch'
import { byDuty, type Choice, choicesOf, keyOf, type Said } from '../choices'
import { resource, tellTime } from '../live'
import { decide, decisions } from '../pending'
import { address } from '../route'
import { Item } from './item'

const most = 50

/** Whether single keys decide; the user may switch them off. */
const keysName = 'doorstep.keys'
const keysOn = (): boolean => {
  try {
    return localStorage.getItem(keysName) !== '0'
  } catch {
    return true
  }
}

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
  // What is decided is gone from the list at once, and comes back when it is undone or was not taken.
  const settled = useRef(new Map<string, unknown>())
  const about = new Set(decisions.value.filter(x => x.state !== 'failed').map(x => x.about))
  const items = [...(d?.items ?? []), ...(later?.items ?? [])]
    .filter(x => !about.has(keyOf(x)) && (d === undefined || settled.current.get(keyOf(x)) !== d))
    .sort(byDuty)
  const open = useSignal('')
  const asking = useSignal<'yes' | 'no' | undefined>(undefined)
  const keys = useSignal(keysOn())
  const at = items.findIndex(x => keyOf(x) === open.value)
  const show = (key: string): void => {
    open.value = key
    asking.value = undefined
  }
  const next_ = (): void => {
    const x = items[at + 1] ?? items[0]
    if (x) show(keyOf(x))
  }
  const settle = (x: InboxItem, choice: Choice, said: Said): void => {
    const key = keyOf(x)
    const after = items[at + 1] ?? items.find(y => keyOf(y) !== key)
    const what = [choice.word, x.case ?? ''].filter(Boolean).join(', ')
    decide(
      key,
      what,
      k => choice.send(said, k),
      () => {
        settled.current.set(key, read.data.value)
        read.reload()
      },
    )
    show(after ? keyOf(after) : '')
  }
  const pressed = useRef<(key: string) => boolean>(() => false)
  pressed.current = key => {
    if (key === 'n') {
      next_()
      return true
    }
    const x = items[at]
    if (!x || (key !== 'a' && key !== 'r')) return false
    const side = key === 'a' ? 'yes' : 'no'
    if (!choicesOf(x)[side]) return false
    asking.value = side
    return true
  }
  useEffect(() => {
    const press = (e: KeyboardEvent): void => {
      const to = e.target as Element | null
      if (!keys.value || e.ctrlKey || e.metaKey || e.altKey || to?.closest('input, select, textarea, dialog'))
        return
      if (pressed.current(e.key)) e.preventDefault()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
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
        {d && (
          <p class="summary">
            {t('inbox.counted', { n: total })} · {t('decide.order')}
          </p>
        )}
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
            {items.length > 0 && (
              <div class="keys">
                <label class="inline">
                  <input
                    type="checkbox"
                    checked={keys.value}
                    onChange={e => {
                      keys.value = e.currentTarget.checked
                      try {
                        localStorage.setItem(keysName, keys.value ? '1' : '0')
                      } catch {
                        // It holds until the page is left.
                      }
                    }}
                  />
                  {t('shortcuts.on')}
                </label>
                <p class="quiet">{t('decide.keys')}</p>
              </div>
            )}
            <ul class="items">
              {items.map(x => (
                <Item
                  key={keyOf(x)}
                  item={x}
                  open={keyOf(x) === open.value}
                  asking={keyOf(x) === open.value ? asking.value : undefined}
                  show={show}
                  ask={side => {
                    asking.value = side
                  }}
                  settle={settle}
                  next={next_}
                />
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
