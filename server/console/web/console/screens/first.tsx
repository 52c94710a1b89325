import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { call, user } from '../../shared/call'
import { Field, Heading, Loading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { branch, branches, choose, readBranches } from '../branch'
import { resource } from '../live'
import { address, go } from '../route'
import { Outcome, useAct } from './act'

/** The first start, when there is no branch yet. */
export default function NoBranchYet(): JSX.Element {
  return (
    <>
      <Heading>{t('office.start')}</Heading>
      {user.value?.role === 'admin' ? <FirstStart /> : <p class="card empty">{t('nobranch.why')}</p>}
    </>
  )
}

/** The three steps to a first round: a password of one's own, a branch with its data, a map. */
export function FirstStart(): JSX.Element {
  const b = branch.value
  const read = useMemo(
    () =>
      resource(
        async () => {
          const map = await call('GET', '/v1/map')
          if (!b) return { map: map.available, territories: 0, cases: false, teams: 0 }
          const [places, imports, teams] = await Promise.all([
            call('GET', '/v1/territories', { query: { branch: b.id } }),
            call('GET', '/v1/imports', { query: { branch: b.id, kind: 'cases', limit: 1 } }),
            call('GET', '/v1/teams', { query: { branch: b.id } }),
          ])
          return {
            map: map.available,
            territories: places.features?.length ?? 0,
            cases: (imports.items ?? []).length > 0,
            teams: (teams.items ?? []).length,
          }
        },
        () => false,
      ),
    [b?.id],
  )
  useEffect(() => read.stop, [read])
  const d = read.data.value
  const more = useSignal(!b)
  return (
    <>
      <p>{t('first.about')}</p>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!d && !read.problem.value && <Loading what={t('app.loading')} />}
      {d && (
        <ol class="steps">
          <Step title={t('first.password')} done>
            <p>{t('first.password.done')}</p>
          </Step>
          <Step title={t('first.branch')} done={!!b && d.territories > 0 && d.cases && d.teams > 0}>
            {b && <p>{t('first.branch.done', { name: b.name || b.id })}</p>}
            {more.value ? (
              <NewBranch />
            ) : (
              <p>
                <button
                  type="button"
                  onClick={() => {
                    more.value = true
                  }}
                >
                  {t('first.another')}
                </button>
              </p>
            )}
            {b && (
              <ul>
                <li>
                  <a href={address.office('imports')}>{t('first.territories')}</a>{' '}
                  <Tick done={d.territories > 0} />
                </li>
                <li>
                  <a href={address.office('imports')}>{t('first.cases')}</a> <Tick done={d.cases} />
                </li>
                <li>
                  <a href={address.office('people')}>{t('first.people')}</a>
                </li>
                <li>
                  <a href={address.office('teams')}>{t('first.teams')}</a> <Tick done={d.teams > 0} />
                </li>
              </ul>
            )}
          </Step>
          <Step title={t('first.map')} done={d.map}>
            {d.map ? (
              <p>{t('first.map.done')}</p>
            ) : (
              <>
                <p>{t('first.map.how')}</p>
                <pre dir="ltr">{'doorstep map prepare city.osm.pbf\ndoorstep serve --map city.mbtiles'}</pre>
              </>
            )}
          </Step>
        </ol>
      )}
      <p class="quiet">{t('first.demo')}</p>
      <pre dir="ltr">doorstep demo --morning</pre>
    </>
  )
}

function Tick({ done }: { done: boolean }): JSX.Element {
  return <span class={done ? 'badge' : 'badge warn'}>{t(done ? 'first.ready' : 'first.missing')}</span>
}

function Step({
  title,
  done,
  children,
}: {
  title: string
  done: boolean
  children: ComponentChildren
}): JSX.Element {
  return (
    <li class="card stack">
      <header class="top">
        <h2>{title}</h2>
        <Tick done={done} />
      </header>
      {children}
    </li>
  )
}

function NewBranch(): JSX.Element {
  const act = useAct()
  const id = useSignal('')
  const name = useSignal('')
  const country = useSignal('')
  const zone = useSignal(Intl.DateTimeFormat().resolvedOptions().timeZone)
  const zones = useMemo(() => Intl.supportedValuesOf('timeZone'), [])
  return (
    <form
      class="stack"
      onSubmit={e => {
        e.preventDefault()
        void act.run(async () => {
          const body = {
            name: name.value.trim(),
            country: country.value.trim().toUpperCase(),
            time_zone: zone.value,
          }
          const x = await call('PUT', '/v1/branches/{id}', { path: { id: id.value.trim() }, body })
          await readBranches()
          if (branches.value?.some(y => y.id === x.id)) choose(x.id)
          go(address.office('start'))
          return t('first.branch.made', { name: x.name || x.id })
        })
      }}
    >
      <Outcome act={act} />
      <div class="fields">
        <Field
          label={t('first.id')}
          hint={t('teams.id.hint')}
          required
          pattern="[A-Za-z0-9._\-]+"
          autocomplete="off"
          value={id.value}
          onInput={e => {
            id.value = e.currentTarget.value
          }}
        />
        <Field
          label={t('people.name')}
          required
          autocomplete="off"
          value={name.value}
          onInput={e => {
            name.value = e.currentTarget.value
          }}
        />
        <Field
          label={t('first.country')}
          hint={t('first.country.hint')}
          required
          pattern="[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?"
          autocomplete="off"
          value={country.value}
          onInput={e => {
            country.value = e.currentTarget.value
          }}
        />
        <div class="field">
          <label for="first-zone">{t('first.zone')}</label>
          <p class="quiet" id="first-zone-h">
            {t('first.zone.hint')}
          </p>
          <input
            id="first-zone"
            list="first-zones"
            required
            autocomplete="off"
            aria-describedby="first-zone-h"
            value={zone.value}
            onInput={e => {
              zone.value = e.currentTarget.value
            }}
          />
          <datalist id="first-zones">
            {zones.map(z => (
              <option key={z} value={z} />
            ))}
          </datalist>
        </div>
      </div>
      <div class="buttons">
        <button type="submit" class="main" disabled={act.busy.value}>
          {t('first.branch.go')}
        </button>
      </div>
    </form>
  )
}
