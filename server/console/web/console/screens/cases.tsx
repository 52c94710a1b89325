import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { CaseListed, SearchCasesRequest } from '../../shared/api'
import { call, Refused } from '../../shared/call'
import { localDate, longDate, money, number } from '../../shared/format'
import { Field, Heading, Loading, Trouble } from '../../shared/ui'
import { t, word } from '../../shared/words'
import { branch } from '../branch'
import { address, keep, kept } from '../route'

/** How many cases a page has. */
const most = 50

/** The filters that the address keeps. None of them tells who a person is. */
const filters = ['status', 'territory', 'hold', 'declined', 'never', 'late'] as const

/** The cases of a branch, by filters that the address keeps, and by name, phone and reference, which it does not. */
export function Cases(): JSX.Element {
  const b = branch.value!
  const name = useSignal('')
  const phone = useSignal('')
  const ref = useSignal('')
  const chosen = useSignal<Record<string, string>>(Object.fromEntries(filters.map(f => [f, kept(f)])))
  const found = useSignal<{ items: CaseListed[]; next: string } | undefined>(undefined)
  const trouble = useSignal<Refused | undefined>(undefined)
  const busy = useSignal(false)
  const areas = useSignal<string[]>([])
  const asked = useRef(0)
  const body = (): SearchCasesRequest => {
    const f = chosen.value
    const out: SearchCasesRequest = { branch: b.id, limit: most }
    if (name.value.trim()) out.name = name.value.trim()
    if (phone.value.trim()) out.phone = phone.value.trim()
    if (ref.value.trim()) out.ref = ref.value.trim()
    if (f.status === 'open' || f.status === 'closed' || f.status === 'moved') out.status = f.status
    if (f.territory) out.territory = f.territory
    if (f.hold) out.hold = f.hold
    if (f.declined) out.declined = true
    if (f.never) out.never_visited = true
    if (/^\d{1,5}$/.test(f.late ?? '')) out.days_late_min = Number(f.late)
    return out
  }
  const read = async (next = ''): Promise<void> => {
    const mine = ++asked.current
    busy.value = true
    trouble.value = undefined
    try {
      const x = await call('POST', '/v1/cases/search', { body: next ? { ...body(), cursor: next } : body() })
      if (mine !== asked.current) return
      const so = next ? (found.value?.items ?? []) : []
      found.value = { items: [...so, ...(x.items ?? [])], next: x.next_cursor ?? '' }
    } catch (e) {
      if (mine !== asked.current) return
      trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
    } finally {
      if (mine === asked.current) busy.value = false
    }
  }
  useEffect(() => {
    void read()
    call('GET', '/v1/territories', { query: { branch: b.id } }).then(
      x => {
        areas.value = ((x.features ?? []) as { id?: unknown }[]).map(f => String(f.id ?? '')).filter(Boolean)
      },
      () => undefined, // The list stands without this filter's choices.
    )
    return () => {
      asked.current++
    }
  }, [b.id])
  const set = (which: (typeof filters)[number], value: string): void => {
    chosen.value = { ...chosen.value, [which]: value }
    keep(which, value)
    void read()
  }
  const clear = (): void => {
    name.value = phone.value = ref.value = ''
    for (const f of filters) keep(f, '')
    chosen.value = {}
    void read()
  }
  const pick = (
    which: (typeof filters)[number],
    label: string,
    choices: readonly (readonly [string, string])[],
  ): JSX.Element => (
    <label class="inline">
      {label}
      <select value={chosen.value[which] ?? ''} onChange={e => set(which, e.currentTarget.value)}>
        <option value="">{t('cases.any')}</option>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
  const tick = (which: (typeof filters)[number], label: string): JSX.Element => (
    <label class="inline">
      <input
        type="checkbox"
        checked={chosen.value[which] === '1'}
        onChange={e => set(which, e.currentTarget.checked ? '1' : '')}
      />
      {label}
    </label>
  )
  const d = found.value
  // Chrome fills what it takes for a name or an address with the reader's own.
  const quiet = { autocomplete: 'off', 'data-1p-ignore': true, 'data-lpignore': 'true', spellcheck: false }
  return (
    <>
      <div class="top">
        <Heading>{t('cases.title')}</Heading>
        {d && (
          <p class="summary" role="status">
            {t('cases.count', { n: d.items.length })}
          </p>
        )}
      </div>
      <search>
        <form
          class="card finder"
          aria-label={t('cases.find')}
          onSubmit={e => {
            e.preventDefault()
            void read()
          }}
        >
          <div class="row">
            <Field
              label={t('cases.name')}
              name="q1"
              {...quiet}
              title={t('cases.name.hint')}
              value={name.value}
              onInput={e => {
                name.value = e.currentTarget.value
              }}
            />
            <Field
              label={t('cases.phone')}
              name="q2"
              inputMode="tel"
              {...quiet}
              value={phone.value}
              onInput={e => {
                phone.value = e.currentTarget.value
              }}
            />
            <Field
              label={t('cases.ref')}
              name="q3"
              {...quiet}
              value={ref.value}
              onInput={e => {
                ref.value = e.currentTarget.value
              }}
            />
            <div class="buttons">
              <button type="submit" class="main" disabled={busy.value}>
                {t('cases.go')}
              </button>
              <button type="button" onClick={clear}>
                {t('cases.clear')}
              </button>
            </div>
          </div>
          <p class="quiet">{t('cases.private')}</p>
        </form>
      </search>
      <fieldset class="tools plain">
        <legend class="hidden">{t('cases.filters')}</legend>
        {pick('status', t('cases.status'), [
          ['open', t('cases.open')],
          ['closed', t('cases.closed')],
          ['moved', t('cases.moved')],
        ])}
        {pick('territory', t('cases.territory'), [
          ...areas.value.map(a => [a, a] as const),
          ['-', t('cases.outside')] as const,
        ])}
        {pick('hold', t('cases.hold'), [
          ['any', t('cases.hold.any')],
          ['none', t('cases.hold.none')],
        ])}
        <label class="inline">
          {t('cases.late')}
          <input
            class="narrow"
            type="number"
            min="0"
            max="36500"
            value={chosen.value.late ?? ''}
            onChange={e => set('late', e.currentTarget.value)}
          />
        </label>
        {tick('declined', t('cases.declined'))}
        {tick('never', t('cases.never'))}
      </fieldset>
      {trouble.value && <Trouble of={trouble.value} retry={() => void read()} />}
      {!d && !trouble.value && <Loading what={t('cases.loading')} />}
      {d && d.items.length === 0 && !d.next && <p class="card empty">{t('cases.none')}</p>}
      {d && d.items.length > 0 && <Table items={d.items} busy={busy.value} />}
      {d?.next && (
        <p>
          <button type="button" disabled={busy.value} onClick={() => void read(d.next)}>
            {t('cases.more')}
          </button>
        </p>
      )}
    </>
  )
}

function Table({ items, busy }: { items: CaseListed[]; busy: boolean }): JSX.Element {
  return (
    <div class={busy ? 'scroll stale' : 'scroll'}>
      <table class="caselist">
        <caption class="hidden">{t('cases.caption')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('cases.ref')}</th>
            <th scope="col">{t('cases.status')}</th>
            <th scope="col">{t('cases.territory')}</th>
            <th scope="col" class="amount">
              {t('cases.due')}
            </th>
            <th scope="col" class="amount">
              {t('cases.lateby')}
            </th>
            <th scope="col">{t('cases.last')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map(x => (
            <tr key={x.id}>
              <th scope="row">
                <a href={address.case(x.id)}>
                  <bdi>{x.id}</bdi>
                </a>
              </th>
              <td>
                {word('code', x.status)}
                {(x.declined ?? []).some(d => !d.ended_at) && (
                  <span class="badge warn">{t('member.declined')}</span>
                )}
              </td>
              <td>
                {x.territory ? (
                  <bdi>{x.territory}</bdi>
                ) : (
                  <span class="badge warn">{t('cases.outside')}</span>
                )}
                {x.team && (
                  <span class="quiet">
                    {' '}
                    <bdi>{x.team}</bdi>
                  </span>
                )}
              </td>
              <td class="amount">{money(x.amount_due_minor, x.currency)}</td>
              <td class="amount">{x.days_late === undefined ? '' : number(x.days_late)}</td>
              <td>
                {x.last_visit_at ? (
                  longDate(localDate(Date.parse(x.last_visit_at), x.time_zone))
                ) : (
                  <span class="quiet">{t('cases.notyet')}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
