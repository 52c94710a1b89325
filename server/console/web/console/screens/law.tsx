import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Source } from '../../shared/api'
import { type Answer, call, Refused } from '../../shared/call'
import { clock, longDate, moment } from '../../shared/format'
import { Loading, Trouble } from '../../shared/ui'
import { say, t } from '../../shared/words'
import { tellTime } from '../live'

/** The rules that are Doorstep's own, by what they cite. */
const own = 'house'

/** Whether a case may be visited now, and when next, with the rule and its source. */
export function Law({ id, rev }: { id: string; rev: number | undefined }): JSX.Element {
  const law = useSignal<Answer<'GET /v1/cases/{id}/law'> | undefined>(undefined)
  const trouble = useSignal<Refused | undefined>(undefined)
  const sources = useSignal<Source[]>([])
  const read = async (): Promise<void> => {
    trouble.value = undefined
    try {
      const x = await call('GET', '/v1/cases/{id}/law', { path: { id } })
      law.value = x
      tellTime(x.as_of)
      if ((x.cite ?? []).some(c => c !== own)) {
        const p = await call('GET', '/v1/conduct/policy', { query: { hash: x.policy_hash } })
        sources.value = p.sources ?? []
      }
    } catch (e) {
      if (!law.value) trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
    }
  }
  useEffect(() => {
    void read()
    const timer = setInterval(() => void read(), 60_000)
    return () => clearInterval(timer)
  }, [id, rev])
  const l = law.value
  const closed = trouble.value?.code === 'case.closed'
  return (
    <section class="card law" aria-labelledby="law-h">
      <h2 id="law-h">{t('law.title')}</h2>
      {closed && <p class="big">{t('law.closed')}</p>}
      {trouble.value && !closed && <Trouble of={trouble.value} retry={() => void read()} />}
      {!l && !trouble.value && <Loading what={t('law.loading')} />}
      {l && (
        <>
          <p class={l.allowed ? 'big yes' : 'big no'}>
            {l.allowed && l.to && t('law.yes', { time: moment(l.to, l.time_zone) })}
            {!l.allowed && l.from && t('law.from', { time: moment(l.from, l.time_zone) })}
            {!l.from && t('law.never', { date: longDate(l.searched) })}
          </p>
          {l.code && (
            <>
              <p>
                {t('law.why')} <b>{say('reason', l.code)}</b>
              </p>
              {l.rule && (
                <dl class="rule">
                  <dt>{t('leftout.rule')}</dt>
                  <dd>
                    <code>{l.rule}</code>
                  </dd>
                  <dt>{t('leftout.source')}</dt>
                  <dd>
                    {(l.cite ?? []).length === 0 && t('leftout.nosource')}
                    {(l.cite ?? []).map(c => (
                      <Cited key={c} cite={c} source={sources.value.find(s => s.key === c)} />
                    ))}
                  </dd>
                </dl>
              )}
            </>
          )}
          <p class="quiet">{t('law.asked', { time: clock(l.as_of, l.time_zone) })}</p>
        </>
      )}
    </section>
  )
}

function Cited({ cite, source }: { cite: string; source: Source | undefined }): JSX.Element {
  // Of an address that is known to be wrong, what is cited is how it was found out.
  if (cite === own || !source) return <span>{t('leftout.own')}</span>
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
