import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ago, clock, number } from '../../shared/format'
import { Field } from '../../shared/ui'
import { language, languages, speak } from '../../shared/words'
import { behind, doubtful, minute, now } from '../clock'
import { coded, locked } from '../lock'
import { Choices, Page } from '../parts'
import { type Item, queue, withTheOffice } from '../queue'
import { go } from '../route'
import { agent, call, ended, leave, Refused } from '../session'
import { contact, docs, dropFile, files, line, one, patch, readOwn, sendNow, writeOwn } from '../store'
import { takeOut } from '../take_out'
import { build, noOffline, take, waiting } from '../update'
import { t, word } from '../words'
import { SignInAgain } from './signin'

const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** What waits, item by item, and what the server did not take. */
export function Waiting(): JSX.Element {
  const hidden = useSignal<ReadonlySet<string>>(new Set())
  useEffect(() => {
    void readOwn<string[]>('seen').then(s => {
      hidden.value = new Set(s ?? [])
    })
  }, [])
  const items = queue()
  const office = withTheOffice(hidden.value)
  const acknowledge = (i: Item): void => {
    hidden.value = new Set([...hidden.value, i.key])
    void writeOwn('seen', [...hidden.value])
    if (files.value.some(f => f.id === i.key)) void dropFile(i.key)
  }
  return (
    <Page title={t('queue.title')} back={[]}>
      {ended.value && <SignInAgain />}
      <p role="status">{items.length === 0 ? t('queue.none') : t('queue.some', { n: items.length })}</p>
      <p class="quiet">
        {contact.value
          ? t('queue.contact', { ago: ago(new Date(contact.value).toISOString(), now()) })
          : t('queue.never')}
      </p>
      <ul class="items">
        {items.map(i => (
          <li key={i.key} class="card" data-item={i.key} data-state={i.state}>
            <strong>{word('type', i.what)}</strong> <span>{i.of}</span>
            <p>
              {i.share === undefined ? word('item.state', i.state) : t('queue.share', { share: i.share })}
              {i.at && ` · ${clock(Date.parse(i.at) + (behind.value ?? 0), zone())}`}
            </p>
          </li>
        ))}
      </ul>
      <button type="button" class="main wide" onClick={sendNow}>
        {t('queue.send')}
      </button>
      {office.length > 0 && (
        <section aria-label={t('office.title')}>
          <h2>{t('office.title')}</h2>
          <p>{t('office.why')}</p>
          <ul class="items">
            {office.map(i => (
              <li key={i.key} class="card" data-item={i.key} data-state="refused">
                <strong>{word('type', i.what)}</strong> <span>{i.of}</span>
                <p>{word('refused', i.code ?? '')}</p>
                <button type="button" onClick={() => acknowledge(i)}>
                  {t('office.seen')}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <TakeOut />
    </Page>
  )
}

/** The encrypted file of what was not sent. */
function TakeOut(): JSX.Element {
  const password = useSignal('')
  const said = useSignal('')
  const make = async (e: Event): Promise<void> => {
    e.preventDefault()
    if (password.value.length < 10) {
      said.value = t('takeout.short')
      return
    }
    said.value = t('takeout.busy')
    const file = await takeOut(password.value, agent.value?.login ?? '')
    const link = document.createElement('a')
    link.href = URL.createObjectURL(file)
    link.download = `doorstep-unsent-${new Date().toISOString().slice(0, 10)}.json`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    said.value = t('takeout.done')
    password.value = ''
  }
  return (
    <details class="card">
      <summary>{t('takeout.title')}</summary>
      <form onSubmit={e => void make(e)}>
        <p>{t('takeout.why')}</p>
        <Field
          label={t('takeout.password')}
          hint={t('takeout.hint')}
          type="text"
          autocomplete="off"
          spellcheck={false}
          required
          value={password.value}
          onInput={e => {
            password.value = e.currentTarget.value
          }}
        />
        <button type="submit">{t('takeout.go')}</button>
        <p role="status">{said.value}</p>
      </form>
    </details>
  )
}

const declines = [
  'unsafe',
  'conflict_of_interest',
  'no_access',
  'no_time',
  'too_far',
  'unwell',
  'vehicle',
  'weather',
  'wrong_address',
  'other',
]

/** Declining a stop, with a reason. */
export function Decline({ id }: { id: string }): JSX.Element {
  const reason = useSignal('')
  const stop = one('assignments', id)
  const save = async (): Promise<void> => {
    await patch('assignments', id, { agent_status: 'declined', decline_reason: reason.value })
    go()
  }
  return (
    <Page title={t('decline.title')} back={['door', id]}>
      <p>{t('decline.right')}</p>
      <Choices
        label={t('decline.why')}
        of={declines.map(d => [d, word('decline', d)])}
        chosen={reason.value}
        choose={v => {
          reason.value = v
        }}
      />
      <button type="button" class="main wide" disabled={!reason.value || !stop} onClick={() => void save()}>
        {t('decline.go')}
      </button>
    </Page>
  )
}

interface Code {
  code: string
  badge_no: string
  until: string
  path: string
}

/** The six digits that prove the agent at the door, and a square code that leads to the page that checks them. */
export function MyCode(): JSX.Element {
  const code = useSignal<Code | undefined>(undefined)
  const why = useSignal('')
  const at = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    let alarm: ReturnType<typeof setTimeout>
    let gone = false
    const ask = async (): Promise<void> => {
      let wait = 10_000
      try {
        code.value = await call<Code>('GET', '/v1/users/me/code')
        why.value = ''
        wait = Math.max(2000, Date.parse(code.value.until) - now())
      } catch (e) {
        code.value = undefined
        why.value = e instanceof Refused && e.code === 'badge.none' ? t('mycode.badge') : t('mycode.offline')
      }
      if (!gone) alarm = setTimeout(() => void ask(), Math.min(wait, 60_000))
    }
    void ask()
    return () => {
      gone = true
      clearTimeout(alarm)
    }
  }, [])
  const c = code.value
  const address = c && `${location.origin}${c.path}?badge=${encodeURIComponent(c.badge_no)}&code=${c.code}`
  useEffect(() => {
    if (!address) return
    void import('lean-qr').then(({ generate }) => {
      if (at.current)
        generate(address).toCanvas(at.current, { on: [0, 0, 0, 255], off: [255, 255, 255, 255] })
    })
  }, [address])
  return (
    <Page title={t('mycode.title')} back={[]}>
      <p>{t('mycode.why')}</p>
      {why.value && <p class="notice warn">{why.value}</p>}
      {c && (
        <div class="card code">
          <p class="digits">{`${c.code.slice(0, 3)} ${c.code.slice(3)}`}</p>
          <p>{t('mycode.badgeno', { no: c.badge_no })}</p>
          <canvas ref={at} role="img" aria-label={t('mycode.qr')} />
          <p class="quiet">{`${location.host}${c.path}`}</p>
        </div>
      )}
    </Page>
  )
}

/** The phone: build, storage, clock, language, lock. */
export function Me(): JSX.Element {
  void minute.value
  const room = useSignal<{ kept: boolean; free: number } | undefined>(undefined)
  useEffect(() => {
    void (async () => {
      const s = navigator.storage
      const e = await s?.estimate?.()
      room.value = { kept: (await s?.persisted?.()) ?? false, free: (e?.quota ?? 0) - (e?.usage ?? 0) }
    })()
  }, [])
  const off = Math.round(Math.abs(behind.value ?? 0) / 60_000)
  return (
    <Page title={t('me.title')} back={[]}>
      <div class="card">
        <dl>
          <dt>{t('me.who')}</dt>
          <dd>{agent.value?.name}</dd>
          <dt>{t('me.line')}</dt>
          <dd>{word('line', line.value)}</dd>
          <dt>{t('me.clock')}</dt>
          <dd>
            {behind.value === undefined
              ? t('me.clock.unknown')
              : doubtful.value
                ? t('me.clock.doubt')
                : off >= 1
                  ? t('me.clock.off', { n: off })
                  : t('me.clock.right')}
          </dd>
          <dt>{t('me.storage')}</dt>
          <dd>{room.value?.kept ? t('me.storage.kept') : t('me.storage.best')}</dd>
          <dt>{t('me.free')}</dt>
          <dd>{room.value ? t('me.free.mb', { mb: number(Math.round(room.value.free / 1e6)) }) : '…'}</dd>
          <dt>{t('me.cards')}</dt>
          <dd>{number(docs.value.cases?.length ?? 0)}</dd>
          <dt>{t('me.build')}</dt>
          <dd>{build}</dd>
        </dl>
        {noOffline.value !== '' && <p class="notice warn">{t('signin.insecure')}</p>}
      </div>
      {waiting.value && (
        <button type="button" class="main wide" onClick={take}>
          {t('update.take')}
        </button>
      )}
      <div class="field">
        <label for="lang">{t('me.language')}</label>
        <select
          id="lang"
          value={language.value.tag}
          onChange={e => {
            const l = languages.find(x => x.tag === e.currentTarget.value)
            if (l) void speak(l, true)
          }}
        >
          {languages.map(l => (
            <option key={l.tag} value={l.tag} lang={l.tag}>
              {l.name}
            </option>
          ))}
        </select>
      </div>
      <div class="acts">
        <button
          type="button"
          onClick={() => {
            if (coded.value) locked.value = true
          }}
        >
          {t('me.lock')}
        </button>
        <button type="button" onClick={() => void leave().then(() => location.replace('/app/'))}>
          {t('me.leave')}
        </button>
      </div>
      <p class="quiet">{t('me.leave.why')}</p>
      <p class="quiet">{t('me.ios')}</p>
    </Page>
  )
}
