import { useComputed, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Source } from '../../shared/api'
import { call } from '../../shared/call'
import { longDate } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { say, t } from '../../shared/words'
import { type Reason, reasonsOf, remedyOf, remedyOrder } from '../day'
import { resource } from '../live'
import { address, keep, kept } from '../route'

/** The rules that are Doorstep's own, by what they cite. */
const own = 'house'

/** The cases of a round that get no visit, by what can be done about it. */
export function LeftOut({ id }: { id: string }): JSX.Element {
  const read = useMemo(
    () =>
      resource(
        () => call('GET', '/v1/rounds/{id}', { path: { id } }),
        p => p.rounds.includes(id),
        300,
      ),
    [id],
  )
  useEffect(() => read.stop, [read])
  const sources = useSignal<Map<string, Source>>(new Map())
  const wanted = useSignal(kept('code'))
  const text = useSignal('')
  const reasons = useComputed(() => reasonsOf(read.data.value?.unassigned ?? []))
  const cites = useComputed(() => reasons.value.some(r => r.cite.some(c => c !== own)))
  useEffect(() => {
    if (!cites.value) return
    const hash = read.data.value?.policy_hash
    call('GET', '/v1/conduct/policy', { query: { hash } }).then(
      p => {
        sources.value = new Map((p.sources ?? []).map(s => [s.key, s]))
      },
      () => undefined, // The reasons stand without the titles of their sources.
    )
  }, [cites.value])
  const r = read.data.value
  const shown = reasons.value
    .filter(x => wanted.value === '' || x.code === wanted.value)
    .map(x => ({
      ...x,
      cases: x.cases.filter(c => c.toLowerCase().includes(text.value.trim().toLowerCase())),
    }))
    .filter(x => x.cases.length > 0)
  return (
    <>
      <div class="top">
        <Heading>{r ? t('leftout.title', { date: longDate(r.date) }) : t('leftout.loading')}</Heading>
        {r && (
          <p class="summary">
            {t('leftout.summary', { n: r.unassigned.length, total: r.cases ?? 0 })}
            {' · '}
            <a href={address.board(id)}>{t('leftout.board')}</a>
          </p>
        )}
      </div>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!r && !read.problem.value && <Loading what={t('leftout.loading')} />}
      {r && reasons.value.length === 0 && <p class="card empty">{t('leftout.none')}</p>}
      {r && reasons.value.length > 0 && (
        <>
          <div class="tools">
            <label class="inline">
              {t('leftout.reason')}
              <select
                value={wanted.value}
                onChange={e => {
                  wanted.value = e.currentTarget.value
                  keep('code', wanted.value)
                }}
              >
                <option value="">{t('leftout.all')}</option>
                {[...new Set(reasons.value.map(x => x.code))].map(c => (
                  <option key={c} value={c}>
                    {say('reason', c)}
                  </option>
                ))}
              </select>
            </label>
            <label class="inline">
              {t('board.search')}
              <input
                type="search"
                value={text.value}
                onInput={e => {
                  text.value = e.currentTarget.value
                }}
              />
            </label>
          </div>
          {shown.length === 0 && <p class="card empty">{t('leftout.notfound')}</p>}
          {remedyOrder.map(remedy => {
            const of = shown.filter(x => remedyOf(x.code) === remedy)
            if (of.length === 0) return null
            return (
              <section key={remedy} class="remedy" aria-labelledby={`remedy-${remedy}`}>
                <h2 id={`remedy-${remedy}`}>{t(`remedy.${remedy}`)}</h2>
                <p class="quiet">{t(`remedy.${remedy}.do`)}</p>
                {of.map(x => (
                  <ReasonCard key={`${x.code} ${x.rule}`} reason={x} sources={sources.value} />
                ))}
              </section>
            )
          })}
        </>
      )}
    </>
  )
}

function ReasonCard({ reason: x, sources }: { reason: Reason; sources: Map<string, Source> }): JSX.Element {
  return (
    <details class="card reason" open={x.cases.length <= 8}>
      <summary>
        <h3>{say('reason', x.code)}</h3>
        <span class="count">{t('leftout.cases', { n: x.cases.length })}</span>
      </summary>
      {x.rule && (
        <dl class="rule">
          <dt>{t('leftout.rule')}</dt>
          <dd>
            <code>{x.rule}</code>
          </dd>
          <dt>{t('leftout.source')}</dt>
          <dd>
            {x.cite.length === 0 && t('leftout.nosource')}
            {x.cite.map(c => (
              <Cited key={c} cite={c} source={sources.get(c)} />
            ))}
          </dd>
        </dl>
      )}
      <ul class="cases">
        {x.cases.map(c => (
          <li key={c}>
            <bdi>{c}</bdi>
          </li>
        ))}
      </ul>
    </details>
  )
}

function Cited({ cite, source }: { cite: string; source: Source | undefined }): JSX.Element {
  if (cite === own) return <span>{t('leftout.own')}</span>
  if (!source) return <bdi>{cite}</bdi>
  return (
    <span class="source">
      <bdi>{source.title}</bdi>{' '}
      {source.url && /^https?:/.test(source.url) && (
        <a href={source.url} target="_blank" rel="noreferrer noopener">
          {t('leftout.read')}
        </a>
      )}
    </span>
  )
}
