import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { CaseFile as File } from '../../shared/api'
import { call, Refused } from '../../shared/call'
import { localDate, longDate, money } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { t, word } from '../../shared/words'
import { now } from '../live'
import { keep, kept } from '../route'
import { bindingHolds, groups, storyOf } from '../story'
import { Acts } from './acts'
import { Law } from './law'
import { Happened } from './story'

/** A case with its story, what the law says of it now, and what can be done. */
export function CaseFile({ id }: { id: string }): JSX.Element {
  const file = useSignal<File | undefined>(undefined)
  const trouble = useSignal<Refused | undefined>(undefined)
  // It is read when it is opened and after each act, and not at every change of the branch: each reading is noted.
  const read = async (): Promise<File | undefined> => {
    trouble.value = undefined
    try {
      file.value = await call('GET', '/v1/cases/{id}', { path: { id } })
      return file.value
    } catch (e) {
      trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
      return undefined
    }
  }
  useEffect(() => {
    void read()
  }, [id])
  const f = file.value
  return (
    <>
      {trouble.value && !f && <Heading>{t('nav.case')}</Heading>}
      {trouble.value && <Trouble of={trouble.value} retry={() => void read()} />}
      {!f && !trouble.value && <Loading what={t('case.loading')} />}
      {f && <Shown file={f} reload={read} />}
    </>
  )
}

function Shown({ file: f, reload }: { file: File; reload: () => Promise<File | undefined> }): JSX.Element {
  const only = useSignal(kept('story'))
  const release = useSignal('')
  const today = localDate(now.value, f.time_zone)
  const holds = bindingHolds(f, today)
  const story = storyOf(f)
  const shown = story.filter(e => only.value === '' || e.group === only.value)
  const there = groups.filter(g => story.some(e => e.group === g))
  const facts = (list: [string, string | undefined | null][]): JSX.Element => (
    <dl class="facts">
      {list.map(([name, v]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{v ? <bdi>{v}</bdi> : <span class="quiet">{t('case.unknown')}</span>}</dd>
        </div>
      ))}
    </dl>
  )
  return (
    <>
      <div class="top">
        <div>
          <Heading>
            <bdi>{f.debtor_name || f.case_ref}</bdi>
          </Heading>
          <p class="summary">
            <bdi>{f.id}</bdi> · {word('code', f.status)}
          </p>
        </div>
        <button type="button" class="noprint" onClick={() => window.print()}>
          {t('case.print')}
        </button>
      </div>
      {f.erased && <p class="notice warn">{t('case.erased')}</p>}
      {holds.length > 0 && (
        <section class="notice bad holds" aria-labelledby="holds-h">
          <h2 id="holds-h">{t('holds.title')}</h2>
          <ul>
            {holds.map(h => (
              <li key={h.hold_id}>
                <b>{word('code', h.kind)}</b>
                {h.since && `, ${t('holds.since', { date: longDate(h.since) })}`},{' '}
                {h.until ? t('holds.until', { date: longDate(h.until) }) : t('holds.open')}
                {h.ending && <p>{t('holds.ending', { who: h.ending.by, why: h.ending.reason })}</p>}{' '}
                <button
                  type="button"
                  class="noprint"
                  onClick={() => {
                    release.value = h.hold_id
                  }}
                >
                  {t('holds.release')}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <div class="columns file">
        <div>
          <Law id={f.id} rev={f.rev} />
          <section aria-labelledby="story-h" class="story">
            <div class="top">
              <h2 id="story-h">{t('story.title')}</h2>
              <label class="inline noprint">
                {t('story.filter')}
                <select
                  value={only.value}
                  onChange={e => {
                    only.value = e.currentTarget.value
                    keep('story', only.value)
                  }}
                >
                  <option value="">{t('story.all')}</option>
                  {there.map(g => (
                    <option key={g} value={g}>
                      {t(`story.${g}`)}
                    </option>
                  ))}
                </select>
              </label>
            </div>
            {shown.length === 0 && <p class="card empty">{t('story.none')}</p>}
            <ol class="happenings">
              {shown.map(e => (
                <li key={`${e.group} ${e.id} ${e.at}`}>
                  <Happened of={e} zone={f.time_zone} id={f.id} />
                </li>
              ))}
            </ol>
          </section>
        </div>
        <aside aria-label={t('case.person')}>
          <div class="noprint">
            <Acts file={f} reload={reload} release={release} />
          </div>
          <section class="card" aria-labelledby="person-h">
            <h2 id="person-h">{t('case.person')}</h2>
            {facts([
              [t('case.name'), f.debtor_name],
              [t('case.phone'), f.phone],
              [t('case.address'), [f.address, f.postal_code, f.city].filter(Boolean).join(', ')],
              [t('case.address.state'), f.address_verification && word('code', f.address_verification)],
              [t('case.language'), f.language && languageName(f.language)],
              [t('case.zone'), f.time_zone],
            ])}
          </section>
          <section class="card" aria-labelledby="debt-h">
            <h2 id="debt-h">{t('case.debt')}</h2>
            {facts([
              [t('case.due'), money(f.amount_due_minor, f.currency)],
              [t('case.principal'), money(f.principal_minor, f.currency)],
              [t('case.since'), longDate(f.due_date)],
              [t('case.lender'), f.lender],
            ])}
          </section>
          <section class="card" aria-labelledby="work-h">
            <h2 id="work-h">{t('case.work')}</h2>
            {facts([
              [t('case.status'), word('code', f.status)],
              [t('case.territory'), f.territory || t('cases.outside')],
              [t('case.team'), f.team || t('case.noteam')],
            ])}
          </section>
        </aside>
      </div>
    </>
  )
}

/** A language by its own name. */
function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}
