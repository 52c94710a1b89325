// Parts that several screens are made of.
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { clock, localDate, longDate } from '../shared/format'
import { Heading } from '../shared/ui'
import { locale } from '../shared/words'
import { minute } from './clock'
import { draw, ratio, type Stroke } from './ink'
import { mayKnock, sourcesOf, type Verdict } from './law'
import { go } from './route'
import { broken, type Doc, readOwn, writeOwn } from './store'
import { t, word } from './words'

/** A screen with its heading and the way back. */
export function Page({
  title,
  back,
  children,
}: {
  title: string
  back?: string[]
  children: ComponentChildren
}): JSX.Element {
  return (
    <main id="main">
      {back && (
        <button type="button" class="back" onClick={() => go(...back)}>
          {t('back')}
        </button>
      )}
      <Heading>{title}</Heading>
      {broken.value && (
        <p class="notice bad" role="alert">
          {t('store.full')}
        </p>
      )}
      {children}
    </main>
  )
}

/** When something is: the hour, with the day if it is another one. */
export function when(at: string, zone: string): string {
  const hour = clock(at, zone)
  const day = localDate(Date.parse(at), zone)
  return day === localDate(minute.value, zone) ? hour : `${longDate(day)}, ${hour}`
}

/** An amount in whole minor units. */
export function money(minor: number, currency: string): string {
  const f = new Intl.NumberFormat(locale(), { style: 'currency', currency })
  return f.format(minor / 10 ** (f.resolvedOptions().maximumFractionDigits ?? 2))
}

/** May I knock now? The same everywhere, judged anew each minute and when the app wakes. */
export function MayIKnock({
  card,
  stop,
  short,
}: {
  card: Doc
  stop?: Doc | undefined
  short?: boolean
}): JSX.Element {
  void minute.value
  const v = mayKnock(card, stop)
  const zone = String(card.time_zone || 'UTC')
  return (
    <div class={`verdict ${v.answer}`} data-answer={v.answer}>
      <p class="big">{answerOf(v, zone)}</p>
      {!short && <Why of={v} />}
    </div>
  )
}

function answerOf(v: Verdict, zone: string): string {
  if (v.answer === 'yes') return t('law.yes', { time: when(v.until, zone) })
  if (v.answer === 'cant_say') return t('law.cantsay')
  return v.again_at ? t('law.no.again', { time: when(v.again_at, zone) }) : t('law.no')
}

function Why({ of: v }: { of: Verdict }): JSX.Element {
  if (v.answer === 'yes') return <p>{t('law.yes.why')}</p>
  if (v.answer === 'cant_say') return <p>{`${word('cantsay', v.why)} ${t('law.call')}`}</p>
  if (v.reason === 'ASKED') return <p>{t('law.asked')}</p>
  const sources = sourcesOf(v.rule)
  return (
    <>
      <p>{word('reason', v.reason)}</p>
      <p class="quiet">
        {t('law.rule', { rule: v.rule })}
        {sources.length > 0 && ` ${t('law.source', { source: sources.join('; ') })}`}
      </p>
    </>
  )
}

/** One choice of several, large enough for a thumb. */
export function Choices({
  label,
  of,
  chosen,
  choose,
}: {
  label: string
  of: [string, string][]
  chosen: string
  choose: (value: string) => void
}): JSX.Element {
  const name = useId()
  return (
    <fieldset class="choices">
      <legend>{label}</legend>
      {of.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            value={value}
            checked={chosen === value}
            onChange={() => choose(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  )
}

/** A text that is kept while it is typed. Its name tells browsers nothing that they would fill in. */
export function Text({
  label,
  hint,
  value,
  set,
  lines,
  most,
}: {
  label: string
  hint?: string
  value: string
  set: (value: string) => unknown
  lines?: number
  most: number
}): JSX.Element {
  const id = useId()
  const waits = useRef<ReturnType<typeof setTimeout>>(undefined)
  const now = useRef(value)
  const keep = (): void => {
    clearTimeout(waits.current)
    waits.current = undefined
    void set(now.current)
  }
  useEffect(() => {
    const leaving = (): void => {
      if (waits.current) keep()
    }
    document.addEventListener('visibilitychange', leaving)
    return () => {
      document.removeEventListener('visibilitychange', leaving)
      leaving()
    }
  }, [])
  const common = {
    id,
    name: `f${id}`,
    autocomplete: 'off',
    maxLength: most,
    'data-1p-ignore': true,
    'data-lpignore': 'true',
    'aria-describedby': hint ? `${id}h` : undefined,
    defaultValue: value,
    onInput: (e: { currentTarget: { value: string } }) => {
      now.current = e.currentTarget.value
      clearTimeout(waits.current)
      waits.current = setTimeout(keep, 300)
    },
    onBlur: () => {
      if (waits.current) keep()
    },
  }
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="quiet" id={`${id}h`}>
          {hint}
        </p>
      )}
      {lines ? <textarea {...common} rows={lines} /> : <input {...common} />}
    </div>
  )
}

/** Where somebody signs: by drawing, or by typing their name. The strokes are kept after each. */
export function SignHere({
  id,
  strokes,
  setStrokes,
  typed,
  setTyped,
}: {
  id: string
  strokes: Stroke[]
  setStrokes: (s: Stroke[]) => void
  typed: string | undefined
  setTyped: (s: string | undefined) => void
}): JSX.Element {
  if (typed !== undefined) {
    return (
      <div class="sign">
        <Text label={t('sign.name')} value={typed} set={setTyped} most={80} />
        <button type="button" onClick={() => setTyped(undefined)}>
          {t('sign.draw')}
        </button>
      </div>
    )
  }
  return (
    <div class="sign">
      <p>{t('sign.here')}</p>
      <Pad id={id} strokes={strokes} setStrokes={setStrokes} />
      <div class="row">
        <button type="button" onClick={() => setStrokes([])}>
          {t('sign.clear')}
        </button>
        <button type="button" onClick={() => setTyped('')}>
          {t('sign.type')}
        </button>
      </div>
    </div>
  )
}

function Pad({
  id,
  strokes,
  setStrokes,
}: {
  id: string
  strokes: Stroke[]
  setStrokes: (s: Stroke[]) => void
}): JSX.Element {
  const at = useRef<HTMLCanvasElement>(null)
  const now = useRef<Stroke[]>(strokes)
  const under = useRef<Stroke | undefined>(undefined)
  const wide = useSignal(0)
  const repaint = (): void => {
    const c = at.current
    const paint = c?.getContext('2d')
    if (!c || !paint || c.width === 0) return
    draw(paint, now.current, c.width, getComputedStyle(c).color)
  }
  useEffect(() => {
    now.current = strokes
    repaint()
  }, [strokes])
  useEffect(() => {
    // Only the width counts: phones change the height when their bar comes and goes. Strokes are drawn again.
    const watch = new ResizeObserver(([e]) => {
      const w = Math.round(e!.contentRect.width)
      if (w === 0 || w === wide.value || !at.current) return
      wide.value = w
      at.current.width = w * Math.min(3, devicePixelRatio)
      at.current.height = at.current.width * ratio
      repaint()
    })
    watch.observe(at.current!)
    return () => watch.disconnect()
  }, [])
  const place = (e: PointerEvent): [number, number] => {
    const box = at.current!.getBoundingClientRect()
    const part = 1000 / box.width
    return [Math.round((e.clientX - box.left) * part), Math.round((e.clientY - box.top) * part)]
  }
  return (
    <canvas
      ref={at}
      class="pad"
      data-pad={id}
      aria-label={t('sign.pad')}
      role="img"
      onPointerDown={e => {
        e.preventDefault()
        at.current!.setPointerCapture(e.pointerId)
        under.current = [place(e)]
        now.current = [...now.current, under.current]
        repaint()
      }}
      onPointerMove={e => {
        if (!under.current || under.current.length > 2000) return
        under.current.push(place(e))
        repaint()
      }}
      onPointerUp={() => {
        if (!under.current) return
        under.current = undefined
        setStrokes(now.current)
      }}
      onPointerCancel={() => {
        under.current = undefined
        setStrokes(now.current)
      }}
    />
  )
}

/** The strokes of a signature under way: what was drawn is on the phone when the finger is lifted. */
export function useStrokes(id: string): [Stroke[], (s: Stroke[]) => void, () => Stroke[]] {
  const strokes = useSignal<Stroke[]>([])
  const now = useRef<Stroke[]>([])
  useEffect(() => {
    void readOwn<Stroke[]>(`strokes.${id}`).then(kept => {
      if (!kept || now.current.length > 0) return
      now.current = strokes.value = kept
    })
  }, [id])
  const set = (s: Stroke[]): void => {
    now.current = strokes.value = s
    void writeOwn(`strokes.${id}`, s)
  }
  return [strokes.value, set, () => now.current]
}
