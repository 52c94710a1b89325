import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import type { Refused } from './call'
import { knows, say, t } from './words'

/** The heading of a screen. It takes the focus when the screen is shown, so that a screen reader says where one is. */
export function Heading({ children }: { children: ComponentChildren }): JSX.Element {
  const at = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    at.current?.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [])
  return (
    <h1 ref={at} tabIndex={-1}>
      {children}
    </h1>
  )
}

/** Says that something is being read. It appears after a moment only, so that fast answers do not flicker. */
export function Loading({ what }: { what: string }): JSX.Element {
  return (
    <p class="loading" role="status">
      {what}
    </p>
  )
}

/** What went wrong, in words, with what to do about it. */
export function Trouble({ of, retry }: { of: Refused; retry?: () => void }): JSX.Element {
  const known = knows(`problem.${of.code}`)
  return (
    <div class="notice bad" role="alert">
      <p>{known ? say('problem', of.code) : of.message}</p>
      {of.problem?.instance && <p class="quiet">{t('problem.instance', { id: of.problem.instance })}</p>}
      {retry && (
        <button type="button" onClick={retry}>
          {t('retry')}
        </button>
      )}
    </div>
  )
}

/** A field with its label, a hint and what is wrong with it. */
export function Field({
  label,
  hint,
  error,
  ...input
}: {
  label: string
  hint?: string
  error?: string | undefined
} & JSX.IntrinsicElements['input']): JSX.Element {
  const id = useId()
  const about = [hint && `${id}h`, error && `${id}e`].filter(Boolean).join(' ')
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <label for={id}>{label}</label>
      {hint && (
        <p class="quiet" id={`${id}h`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${id}e`}>
          {error}
        </p>
      )}
      <input
        id={id}
        aria-describedby={about || undefined}
        aria-invalid={error ? true : undefined}
        {...input}
      />
    </div>
  )
}

/** A figure with what it counts, as a line of a list of figures. */
export function Figure({
  n,
  of,
  children,
}: {
  n: string
  of?: string
  children: ComponentChildren
}): JSX.Element {
  return (
    <div class="figure">
      <dt>{children}</dt>
      <dd>
        {n}
        {of && <span class="quiet"> / {of}</span>}
      </dd>
    </div>
  )
}
