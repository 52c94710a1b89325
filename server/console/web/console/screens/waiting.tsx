import type { JSX } from 'preact'
import { Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { type Decision, decisions, second, sendNow, undo } from '../pending'

/** The decisions that are not sent yet, on every screen. */
export function Waiting(): JSX.Element | null {
  const all = decisions.value
  return (
    <section class="waiting" aria-label={t('undo.title')} hidden={all.length === 0}>
      {all.map(d => (
        <One key={d.id} of={d} />
      ))}
    </section>
  )
}

function One({ of: d }: { of: Decision }): JSX.Element {
  const left = Math.max(0, Math.ceil((d.at - second.value) / 1000))
  return (
    <div class="card">
      {d.state === 'failed' && d.problem && <Trouble of={d.problem} />}
      <p role="status">
        {d.state === 'waiting' && (
          // The seconds are not announced: only that it waits is.
          <span aria-hidden="true">{t('undo.wait', { what: d.what, n: left })}</span>
        )}
        {d.state === 'waiting' && <span class="hidden">{`${t('undo.title')}: ${d.what}`}</span>}
        {d.state === 'sending' && t('undo.sending', { what: d.what })}
        {d.state === 'failed' && t('undo.failed', { what: d.what })}
      </p>
      {d.state === 'waiting' && (
        <div class="buttons">
          <button type="button" class="main" onClick={() => undo(d.id)}>
            {t('undo.go')}
          </button>
          <button type="button" onClick={() => void sendNow(d.id)}>
            {t('undo.now')}
          </button>
        </div>
      )}
      {d.state === 'failed' && (
        <div class="buttons">
          <button type="button" class="main" onClick={() => void sendNow(d.id)}>
            {t('retry')}
          </button>
          <button type="button" onClick={() => undo(d.id)}>
            {t('undo.close')}
          </button>
        </div>
      )}
    </div>
  )
}
