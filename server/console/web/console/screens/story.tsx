import type { JSX } from 'preact'
import { moment } from '../../shared/format'
import { t, word } from '../../shared/words'
import type { Entry } from '../story'
import { Picture } from './picture'

/** One thing that happened, with its heading. */
export function Happened({ of: e, zone, id }: { of: Entry; zone: string; id: string }): JSX.Element {
  return (
    <article class={`happened ${e.group}`}>
      <h3>{e.title}</h3>
      <p class="quiet">
        <time dateTime={e.at}>{moment(e.at, zone)}</time>
        {e.by && (
          <>
            {' · '}
            <bdi>{t('story.by', { who: e.by })}</bdi>
          </>
        )}
      </p>
      {e.warn && e.warn.length > 0 && (
        <p>
          <span class="badge warn wrap">
            {t('story.flags', { what: e.warn.map(f => word('code', f)).join(', ') })}
          </span>
        </p>
      )}
      {e.lines.map(l => (
        <p key={l}>{l}</p>
      ))}
      {e.quote && (
        <blockquote dir="auto">
          <p>{e.quote}</p>
        </blockquote>
      )}
      {e.stored?.map(s => (
        <Picture key={s.id} of={s} id={id} />
      ))}
    </article>
  )
}
