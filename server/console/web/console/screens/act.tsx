import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Refused } from '../../shared/call'
import { type Key, say, t } from '../../shared/words'

/** An act of a user: whether it runs, what it was refused for, and what it did, in words. */
export interface Act {
  busy: Signal<boolean>
  refused: Signal<Refused | undefined>
  done: Signal<string>
  /** Runs one at a time; what f returns says what was done. */
  run: (f: () => Promise<string | undefined>) => Promise<boolean>
}

/** An act that a part of a screen offers. */
export function useAct(): Act {
  const busy = useSignal(false)
  const refused = useSignal<Refused | undefined>(undefined)
  const done = useSignal('')
  const run = async (f: () => Promise<string | undefined>): Promise<boolean> => {
    if (busy.value) return false
    busy.value = true
    refused.value = undefined
    done.value = ''
    try {
      done.value = (await f()) ?? ''
      return true
    } catch (e) {
      refused.value = e instanceof Refused ? e : new Refused('unreadable', String(e), 0)
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, refused, done, run }
}

/** What an act did, or why it was refused, with the places that are to be mended. It takes the focus when refused. */
export function Outcome({ act, children }: { act: Act; children?: ComponentChildren }): JSX.Element {
  const at = useRef<HTMLDivElement>(null)
  const r = act.refused.value
  useEffect(() => {
    if (r) at.current?.focus()
  }, [r])
  const known = r && ['offline', 'unreadable', 'auth.role'].includes(r.code)
  return (
    <>
      <div role="status">
        {act.done.value && (
          <div class="notice good">
            <p>{act.done.value}</p>
            {children}
          </div>
        )}
      </div>
      {r && (
        <div class="notice bad" role="alert" tabIndex={-1} ref={at}>
          <p>{known ? say('problem', r.code) : r.message}</p>
          {(r.problem?.errors ?? []).length > 0 && (
            <ul>
              {r.problem!.errors!.slice(0, 20).map(e => (
                <li key={`${e.location} ${e.message}`}>
                  <bdi>{e.location}</bdi>: {e.message}
                </li>
              ))}
            </ul>
          )}
          {r.problem?.instance && <p class="quiet">{t('problem.instance', { id: r.problem.instance })}</p>}
        </div>
      )}
    </>
  )
}

/** A question before an act with consequences, which are said. With a word the user types it first. */
export function Confirm({
  title,
  go,
  word,
  children,
  onGo,
  onEnd,
}: {
  title: string
  /** What the button says that does it. */
  go: string
  word?: string
  children: ComponentChildren
  onGo: () => void
  onEnd: () => void
}): JSX.Element {
  const at = useRef<HTMLDialogElement>(null)
  const typed = useSignal('')
  const id = useId()
  useEffect(() => at.current?.showModal(), [])
  const ready = !word || typed.value.trim() === word
  return (
    <dialog ref={at} aria-labelledby={id} onClose={onEnd}>
      <form
        class="stack"
        onSubmit={e => {
          e.preventDefault()
          if (!ready) return
          onGo()
          at.current?.close()
        }}
      >
        <h2 id={id}>{title}</h2>
        {children}
        {word && (
          <div class="field">
            <label for={`${id}w`}>{t('confirm.type', { word })}</label>
            <input
              id={`${id}w`}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              value={typed.value}
              onInput={e => {
                typed.value = e.currentTarget.value
              }}
            />
          </div>
        )}
        <div class="buttons">
          <button type="submit" class="danger" disabled={!ready}>
            {go}
          </button>
          <button type="button" onClick={() => at.current?.close()}>
            {t('confirm.leave')}
          </button>
        </div>
      </form>
    </dialog>
  )
}

/** The word for a code of a group; one that is not known stands in a phrase that says so. */
export function word(group: string, code: string): string {
  const key = `${group}.${code}` as Key
  const text = t(key)
  return text === key ? t('office.unknown', { code }) : text
}

/** A choice with its label. */
export function Choice({
  label,
  value,
  options,
  onChange,
  hint,
  required,
}: {
  label: string
  value: string
  options: [string, string][]
  onChange: (v: string) => void
  hint?: string
  required?: boolean
}): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="quiet" id={`${id}h`}>
          {hint}
        </p>
      )}
      <select
        id={id}
        value={value}
        required={required}
        aria-describedby={hint ? `${id}h` : undefined}
        onChange={e => onChange(e.currentTarget.value)}
      >
        {options.map(([v, text]) => (
          <option key={v} value={v}>
            {text}
          </option>
        ))}
      </select>
    </div>
  )
}

/** Several of a list, as boxes to tick. */
export function Several({
  label,
  of,
  chosen,
  onChange,
}: {
  label: string
  of: [string, string][]
  chosen: string[]
  onChange: (v: string[]) => void
}): JSX.Element {
  return (
    <fieldset class="several">
      <legend>{label}</legend>
      {of.map(([v, text]) => (
        <label key={v} class="inline">
          <input
            type="checkbox"
            checked={chosen.includes(v)}
            onChange={e => onChange(e.currentTarget.checked ? [...chosen, v] : chosen.filter(x => x !== v))}
          />
          <bdi>{text}</bdi>
        </label>
      ))}
      {of.length === 0 && <p class="quiet">{t('office.none')}</p>}
    </fieldset>
  )
}

/** Reads all pages of a list, at most some thousands. */
export async function all<T>(
  read: (cursor: string) => Promise<{ items?: T[] | null; next_cursor?: string }>,
): Promise<T[]> {
  const out: T[] = []
  let cursor = ''
  for (let pages = 0; pages < 50; pages++) {
    const x = await read(cursor)
    out.push(...(x.items ?? []))
    cursor = x.next_cursor ?? ''
    if (!cursor) break
  }
  return out
}
