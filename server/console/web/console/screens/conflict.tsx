import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { CaseFile, Quarantined } from '../../shared/api'
import { act, call, fill, Refused } from '../../shared/call'
import { duration, moment } from '../../shared/format'
import { Heading, Loading, Trouble } from '../../shared/ui'
import { knows, say, t, word } from '../../shared/words'
import { branch } from '../branch'
import { caseOf, correctedOf, hereOf, inWords, memberWord, type Side, sentOf, sidesOf } from '../compare'
import { decide, decisions } from '../pending'
import { address, go } from '../route'
import { Words } from './acts'

/** What a phone sent that was not applied, beside what stands here, to choose part by part. */
export function Conflict({ id }: { id: string }): JSX.Element {
  const b = branch.value!
  const item = useSignal<{ q: Quarantined; file: CaseFile | undefined } | undefined>(undefined)
  const trouble = useSignal<Refused | undefined>(undefined)
  const read = async (): Promise<void> => {
    trouble.value = undefined
    try {
      const q = await call('GET', '/v1/quarantine/{id}', { path: { id }, query: { branch: b.id } })
      const of = caseOf(q)
      const file = of
        ? await call('GET', '/v1/cases/{id}', { path: { id: of } }).catch(() => undefined)
        : undefined
      item.value = { q, file }
    } catch (e) {
      trouble.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
    }
  }
  useEffect(() => {
    void read()
  }, [id])
  const x = item.value
  return (
    <>
      {!x && <Heading>{t('nav.conflict')}</Heading>}
      {trouble.value && <Trouble of={trouble.value} retry={() => void read()} />}
      {!x && !trouble.value && <Loading what={t('conflict.loading')} />}
      {x && <Sides q={x.q} file={x.file} id={id} />}
    </>
  )
}

function Sides({ q, file, id }: { q: Quarantined; file: CaseFile | undefined; id: string }): JSX.Element {
  const chosen = useSignal<ReadonlyMap<string, 'phone' | 'office'>>(new Map())
  const note = useSignal('')
  const wrong = useSignal(0)
  const zone = file?.time_zone ?? branch.value?.time_zone ?? 'UTC'
  const sent = sentOf(q)
  const here = hereOf(q, file)
  const { differ, same } = sent ? sidesOf(sent, here) : { differ: [], same: 0 }
  const open = q.state === 'open' || q.state === 'waiting'
  const left = here ? differ.filter(s => !chosen.value.has(s.member)).length : 0
  const key = `${q.outcome === 'conflict' ? 'conflicts' : 'quarantine'} ${q.case ?? ''} ${id}`
  const under = decisions.value.some(d => d.about === key && d.state !== 'failed')
  const settle = (accept: boolean): void => {
    if (accept && left > 0) {
      wrong.value = left
      return
    }
    wrong.value = 0
    const corrected = here ? correctedOf(differ, chosen.value) : {}
    // When everything stays as it is here, there is nothing of the phone's to record.
    const takes = accept && !(here && differ.length > 0 && Object.keys(corrected).length === differ.length)
    const path = fill('/v1/quarantine/{id}', { id }, { branch: branch.value!.id })
    const body = {
      accept: takes,
      note: note.value.trim(),
      ...(takes && Object.keys(corrected).length > 0 ? { corrected } : {}),
    }
    const what = [accept ? t('conflict.accept') : t('conflict.dismiss'), file?.id].filter(Boolean).join(', ')
    decide(
      key,
      what,
      k => act('POST', path, body, k),
      () => {},
    )
    go(address.inbox())
  }
  return (
    <>
      <div class="top">
        <div>
          <Heading>
            {q.outcome === 'conflict' ? t('conflict.title') : t('conflict.refused')}:{' '}
            {word('kind', q.of_type ?? '')}
          </Heading>
          <p class="summary">
            {file && (
              <a href={address.case(file.id)}>
                <bdi>{file.id}</bdi>
              </a>
            )}
            {' · '}
            <a href={address.inbox()}>{t('conflict.back')}</a>
          </p>
        </div>
      </div>
      <div class="card">
        <p>
          {t('conflict.why')}: <b>{whyOf(q)}</b>
        </p>
        {Math.abs(q.skew_s ?? 0) >= 60 && (
          <p>{t('conflict.clock', { time: duration(Math.abs(q.skew_s ?? 0)) })}</p>
        )}
        {q.outcome === 'conflict' && typeof here?.rev === 'number' && (
          <p>{t('conflict.rev', { n: here.rev })}</p>
        )}
        {!open && (
          <p class="notice warn">
            {t('conflict.handled', {
              who: q.handled_by ?? '',
              what: q.state === 'accepted' ? t('conflict.accepted') : t('conflict.dismissed'),
              when: q.handled_at ? moment(q.handled_at, zone) : '',
            })}
          </p>
        )}
      </div>
      {!sent && <p class="notice bad">{t('conflict.lost')}</p>}
      {sent && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <section class="scroll" tabIndex={0} aria-label={t('conflict.sides')}>
          <table class="sides">
            <caption class="hidden">{t('conflict.title')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('conflict.part')}</th>
                <th scope="col">
                  {t('conflict.phone')}
                  <p class="quiet">
                    <bdi>{q.agent}</bdi>
                    {q.written_at &&
                      `, ${t('conflict.written', { when: moment(q.written_at, zone), device: q.device ?? '' })}`}
                    {q.at && `, ${t('conflict.sent', { when: moment(q.at, zone) })}`}
                  </p>
                </th>
                <th scope="col">
                  {t('conflict.office')}
                  <p class="quiet">{here ? <bdi>{String(here.by ?? '')}</bdi> : t('conflict.none')}</p>
                </th>
              </tr>
            </thead>
            <tbody>
              {differ.map(s => (
                <Row
                  key={s.member}
                  side={s}
                  zone={zone}
                  choose={open && here !== undefined}
                  chosen={chosen.value.get(s.member)}
                  set={v => {
                    chosen.value = new Map([...chosen.value, [s.member, v]])
                    wrong.value = 0
                  }}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {same > 0 && <p class="quiet">{t('conflict.same', { n: same })}</p>}
      {open && !under && (
        <form
          class="card decision"
          onSubmit={e => {
            e.preventDefault()
            const by = (e as SubmitEvent).submitter
            settle(by?.getAttribute('value') !== 'dismiss')
          }}
        >
          {wrong.value > 0 && (
            <p class="error" role="alert">
              {t('conflict.unchosen', { n: wrong.value })}
            </p>
          )}
          <Words
            label={t('conflict.note')}
            hint={t('act.reason.need')}
            most={200}
            value={note.value}
            set={v => {
              note.value = v
            }}
          />
          <div class="buttons">
            {sent && (
              <button type="submit" class="main" value="accept">
                {t('conflict.accept')}
              </button>
            )}
            <button type="submit" value="dismiss">
              {t('conflict.dismiss')}
            </button>
          </div>
        </form>
      )}
    </>
  )
}

function whyOf(q: Quarantined): string {
  const code = q.code ?? ''
  if (code.startsWith('validation.')) {
    return t('conflict.bad', { what: memberWord(code.slice('validation.'.length)) })
  }
  if (knows(`code.${code}`)) return word('code', code)
  if (knows(`reason.${code}`)) return say('reason', code)
  return word('code', q.outcome ?? 'other')
}

function Row({
  side: s,
  zone,
  choose,
  chosen,
  set,
}: {
  side: Side
  zone: string
  choose: boolean
  chosen: 'phone' | 'office' | undefined
  set: (v: 'phone' | 'office') => void
}): JSX.Element {
  const cell = (v: 'phone' | 'office'): JSX.Element => {
    const text = inWords(v === 'phone' ? s.phone : s.office, zone)
    if (!choose) return <bdi>{text}</bdi>
    return (
      <label>
        <input
          type="radio"
          name={`side ${s.member}`}
          aria-label={`${memberWord(s.member)}, ${v === 'phone' ? t('conflict.phone') : t('conflict.office')}: ${text}`}
          checked={chosen === v}
          onChange={() => set(v)}
        />{' '}
        <bdi>{text}</bdi>
      </label>
    )
  }
  return (
    <tr>
      <th scope="row">{memberWord(s.member)}</th>
      <td class={chosen === 'phone' ? 'chosen' : ''}>{cell('phone')}</td>
      <td class={chosen === 'office' ? 'chosen' : ''}>{cell('office')}</td>
    </tr>
  )
}
