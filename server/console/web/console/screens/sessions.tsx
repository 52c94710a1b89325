import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { call } from '../../shared/call'
import { ago } from '../../shared/format'
import { Loading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { now, resource } from '../live'
import { Outcome, useAct } from './act'

/** Where the user is signed in, each to be ended. */
export function Sessions(): JSX.Element {
  const read = useMemo(
    () =>
      resource(
        () => call('GET', '/v1/me/sessions'),
        () => false,
        60,
      ),
    [],
  )
  useEffect(() => read.stop, [read])
  const act = useAct()
  const items = read.data.value?.items ?? []
  const others = items.filter(s => !s.current)
  const end = (ids: string[]): void =>
    void act.run(async () => {
      for (const id of ids) await call('DELETE', '/v1/me/sessions/{id}', { path: { id } })
      read.reload()
      return t('sessions.ended', { n: ids.length })
    })
  return (
    <>
      <p>{t('sessions.about')}</p>
      <Outcome act={act} />
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!read.data.value && !read.problem.value && <Loading what={t('app.loading')} />}
      <ul class="items">
        {items.map(s => (
          <li key={s.id} class="card item">
            <header>
              <h2>{s.device ? <bdi>{s.device}</bdi> : t('sessions.browser')}</h2>
              {s.current && <span class="badge">{t('sessions.this')}</span>}
            </header>
            <dl>
              <div>
                <dt>{t('sessions.begun')}</dt>
                <dd>{ago(s.begun_at, now.value)}</dd>
              </div>
              <div>
                <dt>{t('sessions.used')}</dt>
                <dd>{ago(s.last_used_at, now.value)}</dd>
              </div>
              <div>
                <dt>{t('sessions.ends')}</dt>
                <dd>{ago(s.ends_at, now.value)}</dd>
              </div>
            </dl>
            {!s.current && (
              <button type="button" disabled={act.busy.value} onClick={() => end([s.id])}>
                {t('sessions.end')}
              </button>
            )}
          </li>
        ))}
      </ul>
      {others.length > 1 && (
        <p>
          <button type="button" disabled={act.busy.value} onClick={() => end(others.map(s => s.id))}>
            {t('sessions.endall')}
          </button>
        </p>
      )}
    </>
  )
}
