import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { ListedDevice } from '../../shared/api'
import { call } from '../../shared/call'
import { ago, duration, number } from '../../shared/format'
import { Loading, Trouble } from '../../shared/ui'
import { locale, t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource } from '../live'
import { all, Confirm, Outcome, useAct, word } from './act'

/** So far a clock may be off before it is said, in seconds: the judgement of a visit can turn on minutes. */
const clockMayBeOff = 120

const bytes = (n: number): string =>
  new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit: n < 1e9 ? 'megabyte' : 'gigabyte',
    maximumFractionDigits: n < 1e10 && n >= 1e9 ? 1 : 0,
  }).format(n < 1e9 ? n / 1e6 : n / 1e9)

/** The phones of the branch's agents: how they do, and shutting one out. */
export function Devices(): JSX.Element {
  const b = branch.value!
  const read = useMemo(
    () =>
      resource(
        async () => {
          const [devices, agents] = await Promise.all([
            all(cursor => call('GET', '/v1/devices', { query: { limit: 200, cursor } })),
            all(cursor => call('GET', '/v1/agents', { query: { branch: b.id, limit: 200, cursor } })),
          ])
          const names = new Map(agents.map(a => [a.id, a.name || a.id]))
          return { names, devices: devices.filter(d => names.has(d.user)) }
        },
        () => false,
        60,
      ),
    [b.id],
  )
  useEffect(() => read.stop, [read])
  const act = useAct()
  const asking = useSignal<{ device: ListedDevice; wipe: boolean } | undefined>(undefined)
  const every = useSignal(false)
  const d = read.data.value
  const shown = (d?.devices ?? [])
    .filter(x => every.value || x.status !== 'retired')
    .sort((x, y) => order(x) - order(y) || (x.user < y.user ? -1 : 1))
  const block = (device: ListedDevice, wipe: boolean): void =>
    void act.run(async () => {
      await call('DELETE', '/v1/devices/{id}', {
        path: { id: device.id },
        query: wipe ? { wipe: 'true' } : {},
      })
      read.reload()
      return t(wipe ? 'devices.wiped' : 'devices.blocked', { device: device.id })
    })
  return (
    <>
      <p>{t('devices.about')}</p>
      <Outcome act={act} />
      <div class="tools">
        <label class="inline">
          <input
            type="checkbox"
            checked={every.value}
            onChange={e => {
              every.value = e.currentTarget.checked
            }}
          />
          {t('devices.retired.too')}
        </label>
      </div>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!d && !read.problem.value && <Loading what={t('app.loading')} />}
      {d && shown.length === 0 && <p class="card empty">{t('devices.none')}</p>}
      <ul class="items cards">
        {shown.map(x => (
          <li key={`${x.user} ${x.id}`} class="card item">
            <header>
              <h2>
                <bdi>{d!.names.get(x.user)}</bdi>
              </h2>
              <span class={x.status === 'in_use' ? 'badge' : 'badge warn'}>{word('device', x.status)}</span>
            </header>
            <p class="quiet">
              <bdi>{x.id}</bdi>, {word('platform', x.platform)}
            </p>
            <dl>
              <Fact name={t('devices.called')}>
                {x.called_at ? ago(x.called_at, now.value) : t('team.never')}
              </Fact>
              {x.said ? (
                <>
                  <Fact name={t('devices.waiting')} warn={x.said.waiting > 0 || (x.said.refused ?? 0) > 0}>
                    {number(x.said.waiting)}
                    {x.said.oldest_at && x.said.waiting > 0
                      ? `, ${t('devices.oldest', { since: ago(x.said.oldest_at, now.value) })}`
                      : ''}
                    {(x.said.refused ?? 0) > 0 ? `, ${t('devices.refused', { n: x.said.refused! })}` : ''}
                  </Fact>
                  <Fact name={t('devices.build')}>
                    <bdi>{x.said.build || '–'}</bdi>
                  </Fact>
                  <Fact name={t('devices.storage')} warn={x.said.storage_kept === false}>
                    {t(
                      x.said.storage_kept === undefined || x.said.storage_kept === null
                        ? 'devices.storage.unknown'
                        : x.said.storage_kept
                          ? 'devices.storage.kept'
                          : 'devices.storage.loose',
                    )}
                    {typeof x.said.free_bytes === 'number'
                      ? `, ${t('devices.free', { size: bytes(x.said.free_bytes) })}`
                      : ''}
                  </Fact>
                  <Fact name={t('devices.clock')} warn={Math.abs(x.said.clock_ahead_s) > clockMayBeOff}>
                    {Math.abs(x.said.clock_ahead_s) <= clockMayBeOff
                      ? t('devices.clock.right')
                      : t(x.said.clock_ahead_s > 0 ? 'devices.clock.fast' : 'devices.clock.slow', {
                          time: duration(Math.abs(x.said.clock_ahead_s)),
                        })}
                  </Fact>
                </>
              ) : (
                <Fact name={t('devices.said')}>{t('devices.said.nothing')}</Fact>
              )}
            </dl>
            {x.wipe && <p class="notice warn">{t('devices.wiping')}</p>}
            <div class="buttons">
              {x.waiting_for_approval && (
                <button
                  type="button"
                  class="main"
                  disabled={act.busy.value}
                  onClick={() =>
                    void act.run(async () => {
                      await call('POST', '/v1/devices/{id}/approve', { path: { id: x.id } })
                      read.reload()
                      return t('devices.approved', { device: x.id })
                    })
                  }
                >
                  {t('devices.approve')}
                </button>
              )}
              {!x.blocked && (
                <button
                  type="button"
                  onClick={() => {
                    asking.value = { device: x, wipe: false }
                  }}
                >
                  {t('devices.block')}
                </button>
              )}
              {!x.wipe && (
                <button
                  type="button"
                  class="danger"
                  onClick={() => {
                    asking.value = { device: x, wipe: true }
                  }}
                >
                  {t('devices.wipe')}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {asking.value && (
        <Confirm
          key={`${asking.value.device.id} ${asking.value.wipe}`}
          title={t(asking.value.wipe ? 'devices.wipe.ask' : 'devices.block.ask', {
            name: d?.names.get(asking.value.device.user) ?? asking.value.device.user,
          })}
          go={t(asking.value.wipe ? 'devices.wipe' : 'devices.block')}
          word={asking.value.device.id}
          onGo={() => block(asking.value!.device, asking.value!.wipe)}
          onEnd={() => {
            asking.value = undefined
          }}
        >
          <p>{t('devices.block.what')}</p>
          {asking.value.wipe && <p>{t('devices.wipe.what')}</p>}
          {asking.value.wipe && (asking.value.device.said?.waiting ?? 0) > 0 && (
            <p class="notice bad">{t('devices.wipe.lost', { n: asking.value.device.said!.waiting })}</p>
          )}
          {asking.value.wipe && !asking.value.device.said && (
            <p class="notice warn">{t('devices.wipe.unknown')}</p>
          )}
        </Confirm>
      )}
    </>
  )
}

/** Those that want something first. */
function order(x: ListedDevice): number {
  if (x.waiting_for_approval) return 0
  if ((x.said?.waiting ?? 0) > 0 || (x.said?.refused ?? 0) > 0) return 1
  return x.status === 'in_use' ? 2 : 3
}

function Fact({
  name,
  warn,
  children,
}: {
  name: string
  warn?: boolean
  children: JSX.Element | string | (JSX.Element | string)[]
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{warn ? <span class="badge warn">{children}</span> : children}</dd>
    </div>
  )
}
