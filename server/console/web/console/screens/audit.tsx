import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { bytes, call, fill, Refused } from '../../shared/call'
import { moment } from '../../shared/format'
import { Field, Heading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { type Bad, type Good, verify } from '../audit/verify'
import { branch } from '../branch'
import { keep, kept } from '../route'
import { Pick } from './acts'

const dates = ['from', 'to', 'received_from', 'received_to'] as const

/** Exports that prove themselves: what one gets, the file, and its verification here in the page. */
export function Audit(): JSX.Element {
  const b = branch.value!
  const key = useSignal('')
  useEffect(() => {
    call('GET', '/v1/conduct/key').then(
      x => {
        key.value ||= x.key
      },
      () => undefined, // The key can be typed.
    )
  }, [])
  return (
    <>
      <div class="top">
        <Heading>{t('audit.title')}</Heading>
      </div>
      <div class="audit">
        <Export key={b.id} of={b.id} publicKey={key.value} />
        <Check publicKey={key} />
      </div>
    </>
  )
}

interface Range {
  from: string
  to: string
  received_from: string
  received_to: string
  lender: string
  format: string
}

function Export({ of, publicKey }: { of: string; publicKey: string }): JSX.Element {
  const q = useSignal<Range>({
    from: kept('from'),
    to: kept('to'),
    received_from: kept('received_from'),
    received_to: kept('received_to'),
    lender: '',
    format: kept('format') === 'csv' ? 'csv' : 'ndjson',
  })
  const regulator = useSignal(false)
  useEffect(() => {
    call('GET', '/v1/users/me').then(
      me => {
        regulator.value = me.regulator === true
      },
      () => undefined, // The file says its level itself.
    )
  }, [])
  const busy = useSignal(false)
  const trouble = useSignal<Refused | undefined>(undefined)
  const got = useSignal<{ name: string; result: Good | Bad | 'unable' | undefined } | undefined>(undefined)
  const set = (part: Partial<Range>): void => {
    q.value = { ...q.value, ...part }
    got.value = undefined
    for (const [name, v] of Object.entries(part)) if (name !== 'lender') keep(name, v)
  }
  const r = q.value
  const filtered = dates.some(d => r[d] !== '') || r.lender.trim() !== ''
  const wrongOrder =
    (r.from !== '' && r.to !== '' && r.to < r.from) ||
    (r.received_from !== '' && r.received_to !== '' && r.received_to < r.received_from)
  const download = async (): Promise<void> => {
    if (busy.value || wrongOrder) return
    busy.value = true
    trouble.value = undefined
    got.value = undefined
    try {
      const path = fill('/v1/audit/visits', {}, { branch: of, ...r, lender: r.lender.trim() })
      const x = await bytes(path)
      const link = document.createElement('a')
      link.href = URL.createObjectURL(x.blob)
      link.download = x.name || `visits.${r.format}`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
      got.value = { name: link.download, result: undefined }
      const result = await checked(new Uint8Array(await x.blob.arrayBuffer()), publicKey, () => {})
      got.value = { name: link.download, result }
    } catch (e) {
      trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
    } finally {
      busy.value = false
    }
  }
  const day = (name: (typeof dates)[number], label: string, hint?: string): JSX.Element => (
    <Field
      label={label}
      {...(hint ? { hint } : {})}
      type="date"
      value={r[name]}
      onInput={e => set({ [name]: e.currentTarget.value })}
    />
  )
  return (
    <form
      class="card"
      aria-labelledby="range-h"
      onSubmit={e => {
        e.preventDefault()
        void download()
      }}
    >
      <h2 id="range-h">{t('audit.range')}</h2>
      {trouble.value && <Trouble of={trouble.value} />}
      <div class="pair">
        {day('from', t('audit.from'))}
        {day('to', t('audit.to'))}
      </div>
      <div class="pair">
        {day('received_from', t('audit.received.from'))}
        {day('received_to', t('audit.to'))}
      </div>
      <p class="quiet">{t('audit.received.hint')}</p>
      <Field
        label={t('audit.lender')}
        autocomplete="off"
        spellcheck={false}
        value={r.lender}
        onInput={e => set({ lender: e.currentTarget.value })}
      />
      <Pick
        label={t('audit.format')}
        value={r.format}
        set={format => set({ format })}
        of={[
          ['ndjson', t('audit.ndjson')],
          ['csv', t('audit.csv')],
        ]}
      />
      <div class={filtered ? 'notice warn' : 'notice good'} role="status">
        <p>{filtered ? t('audit.filtered') : t('audit.complete', { branch: of })}</p>
        <p>{regulator.value ? t('audit.level.regulator') : t('audit.level.plain')}</p>
      </div>
      {wrongOrder && (
        <p class="error" role="alert">
          {t('audit.order')}
        </p>
      )}
      <p class="quiet">{t('audit.logged')}</p>
      <div class="buttons">
        <button type="submit" class="main" disabled={busy.value}>
          {busy.value ? t('audit.downloading') : t('audit.download')}
        </button>
      </div>
      {got.value && (
        <>
          <p>{t('audit.saved', { name: got.value.name })}</p>
          <Result of={got.value.result} />
          <Command file={got.value.name} publicKey={publicKey} />
        </>
      )}
    </form>
  )
}

/** Verifies, or says that this browser cannot. */
async function checked(
  file: Uint8Array<ArrayBuffer>,
  publicKey: string,
  told: (share: number) => void,
): Promise<Good | Bad | 'unable'> {
  try {
    return await verify(file, publicKey, told)
  } catch (e) {
    // Pages without https have no WebCrypto, and older browsers no Ed25519.
    if (e instanceof TypeError || e instanceof DOMException) return 'unable'
    throw e
  }
}

function Check({ publicKey }: { publicKey: { value: string } }): JSX.Element {
  const file = useRef<File | undefined>(undefined)
  const name = useSignal('')
  const share = useSignal<number | undefined>(undefined)
  const none = useSignal(false)
  const result = useSignal<Good | Bad | 'unable' | undefined>(undefined)
  const run = async (): Promise<void> => {
    none.value = !file.current
    if (!file.current || share.value !== undefined) return
    share.value = 0
    result.value = undefined
    try {
      const data = new Uint8Array(await file.current.arrayBuffer())
      result.value = await checked(data, publicKey.value, s => {
        share.value = s
      })
    } finally {
      share.value = undefined
    }
  }
  return (
    <form
      class="card"
      aria-labelledby="check-h"
      onSubmit={e => {
        e.preventDefault()
        void run()
      }}
    >
      <h2 id="check-h">{t('audit.verify')}</h2>
      <p class="quiet">{t('audit.verify.about')}</p>
      <Field
        label={t('audit.file')}
        type="file"
        error={none.value ? t('audit.nofile') : undefined}
        onChange={e => {
          file.current = e.currentTarget.files?.[0]
          name.value = file.current?.name ?? ''
          none.value = false
          result.value = undefined
        }}
      />
      <Field
        label={t('audit.key')}
        hint={t('audit.key.hint')}
        autocomplete="off"
        spellcheck={false}
        dir="ltr"
        value={publicKey.value}
        onInput={e => {
          publicKey.value = e.currentTarget.value
          result.value = undefined
        }}
      />
      <div class="buttons">
        <button type="submit" class="main" disabled={share.value !== undefined}>
          {share.value === undefined
            ? t('audit.check')
            : t('audit.checking', { n: Math.round(share.value * 100) })}
        </button>
      </div>
      <Result of={result.value} />
      <Command file={name.value || 'visits.ndjson'} publicKey={publicKey.value} />
    </form>
  )
}

/** Whether an export verifies, and what of it is proved. */
function Result({ of }: { of: Good | Bad | 'unable' | undefined }): JSX.Element {
  return (
    <div role="status" class="result">
      {of === 'unable' && <p class="notice warn">{t('audit.nocrypto')}</p>}
      {of && of !== 'unable' && of.good && (
        <div class="notice good">
          <h3>✓ {t('audit.good')}</h3>
          <p>
            {of.complete && t('audit.good.all')}
            {!of.complete && of.missing > 0 && t('audit.good.missing', { n: of.missing })}
            {!of.complete && of.missing === 0 && t('audit.good.part')}
          </p>
          <ul>
            <li>
              {t('audit.good.visits', { n: of.visits, branch: of.branch, first: of.first, last: of.last })}
            </li>
            {of.beside > 0 && <li>{t('audit.good.beside', { n: of.beside })}</li>}
            {of.restores > 0 && <li>{t('audit.good.restores', { n: of.restores })}</li>}
            <li>
              {t('audit.good.signer', {
                who: of.signer,
                when: moment(of.madeAt, branch.value?.time_zone ?? 'UTC'),
              })}
            </li>
          </ul>
        </div>
      )}
      {of && of !== 'unable' && !of.good && (
        <div class="notice bad">
          <h3>✗ {t('audit.bad')}</h3>
          <p>
            {of.line > 0 ? t('audit.bad.line', { line: of.line }) : t('audit.bad.file')}{' '}
            {t(`fault.${of.code}`)}
          </p>
        </div>
      )}
    </div>
  )
}

/** The command that verifies the same without the page. */
function Command({ file, publicKey }: { file: string; publicKey: string }): JSX.Element {
  const copied = useSignal(false)
  const quoted = (s: string): string => `'${s.replaceAll("'", "'\\''")}'`
  const text = `doorstep verify --key ${quoted(publicKey)} ${quoted(file)}`
  return (
    <div class="command">
      <p class="quiet">{t('audit.command')}</p>
      <code dir="ltr">{text}</code>
      <button
        type="button"
        onClick={() => {
          navigator.clipboard?.writeText(text).then(
            () => {
              copied.value = true
            },
            () => undefined, // The text can be selected.
          )
        }}
      >
        {t('audit.copy')}
      </button>{' '}
      <span role="status">{copied.value ? t('audit.copied') : ''}</span>
    </div>
  )
}
