import { trust } from './trusted'

trust()

import { effect, signal } from '@preact/signals'
import { type JSX, render } from 'preact'
import { useEffect } from 'preact/hooks'
import { Heading, Loading } from '../shared/ui'
import { speakAsWanted } from '../shared/words'
import { doubtful, watchClock } from './clock'
import { sweep } from './draft'
import { bundle, checkLaw } from './law'
import { useLazy } from './lazy'
import { coded, guard, locked, takeTurn, turn, watchIdle } from './lock'
import { isOffice, unsent } from './queue'
import { go, route } from './route'
import { DoorCard, Left } from './screens/door'
import { ChooseCode, Locked, SignIn } from './screens/signin'
import { Today } from './screens/today'
import { agent, ended, whoWasHere } from './session'
import { closeStore, complete, docs, lawKey, line, openStore, refused, rememberKey, wiped } from './store'
import { build, take, waiting, watchBuilds } from './update'
import { t, word } from './words'

const opened = signal(false)
const failed = signal('')

/** Opens the agent's records; signed tells that they have just given their password. */
async function open(signed: boolean): Promise<void> {
  const a = agent.value
  if (!a || opened.value) return
  try {
    await guard(a.id, signed)
    await rememberKey()
    await openStore(a)
    opened.value = true
    effect(() => {
      void docs.value.policy
      void lawKey.value
      void checkLaw()
    })
    setTimeout(() => void sweep(), 1000)
    void navigator.storage?.persist?.()
  } catch (e) {
    failed.value = e instanceof Error ? e.message : String(e)
  }
}

function App(): JSX.Element {
  if (wiped.value) return <Message title={t('wiped.title')} text={t('wiped.why')} />
  if (failed.value) return <Message title={t('failed.title')} text={t('failed.why', { why: failed.value })} />
  if (turn.value === 'asking') return <Loading what={t('app.loading')} />
  if (turn.value !== 'mine') return <Elsewhere />
  const a = agent.value
  if (a === undefined) return <Loading what={t('app.loading')} />
  if (a === null) return <SignIn done={() => void open(true)} />
  if (!opened.value) return <Loading what={t('app.loading')} />
  if (coded.value === false) return <ChooseCode />
  if (locked.value) return <Locked />
  return <Inside />
}

function Message({ title, text }: { title: string; text: string }): JSX.Element {
  return (
    <main id="main">
      <Heading>{title}</Heading>
      <p class="card">{text}</p>
    </main>
  )
}

/** The app is open in another page of this browser: one works at a time. */
function Elsewhere(): JSX.Element {
  return (
    <main id="main">
      <Heading>{t('elsewhere.title')}</Heading>
      <p class="card">{t('elsewhere.why')}</p>
      <button
        type="button"
        class="main wide"
        onClick={() => {
          if (turn.value === 'lost') location.reload()
          else void begin(true)
        }}
      >
        {t('elsewhere.here')}
      </button>
    </main>
  )
}

function Inside(): JSX.Element {
  const [first, id] = route.value
  useEffect(() => {
    document.title = 'Doorstep'
  }, [])
  return (
    <>
      <a class="skip" href="#main">
        {t('skip')}
      </a>
      <Bar />
      <Screen first={first} id={id} />
      <nav class="tabs" aria-label={t('nav')}>
        <Tab to="" on={first === undefined || first === 'door' || first === 'report'}>
          {t('nav.today')}
        </Tab>
        <Tab to="waiting" on={first === 'waiting'}>
          {t('nav.waiting')}
        </Tab>
        <Tab to="code" on={first === 'code'}>
          {t('nav.code')}
        </Tab>
        <Tab to="me" on={first === 'me'}>
          {t('nav.me')}
          {waiting.value && <span class="dot" role="img" aria-label={t('update.waits')} />}
        </Tab>
      </nav>
    </>
  )
}

function Tab({
  to,
  on,
  children,
}: {
  to: string
  on: boolean
  children: preact.ComponentChildren
}): JSX.Element {
  return (
    <button type="button" aria-current={on ? 'page' : undefined} onClick={() => (to ? go(to) : go())}>
      {children}
    </button>
  )
}

/** The line that says how things stand: what waits, and whether the server answers. */
function Bar(): JSX.Element {
  const n = complete.value ? unsent() : 0
  const office = refused.value.filter(isOffice).length
  return (
    <header class={`bar ${line.value}`}>
      <button type="button" onClick={() => go('waiting')}>
        <span role="status">
          {n === 0 ? t('bar.none') : t('bar.some', { n })} ·{' '}
          {word('line', ended.value ? 'signin' : line.value)}
        </span>
        {office > 0 && <span> · {t('bar.office', { n: office })}</span>}
      </button>
      {doubtful.value && complete.value && <p class="notice warn">{t('bar.clock')}</p>}
    </header>
  )
}

function Screen({ first, id }: { first: string | undefined; id: string | undefined }): JSX.Element {
  switch (first) {
    case 'door':
      return <DoorCard key={id} id={id ?? ''} />
    case 'report':
      return <Reports key={id} id={id ?? ''} />
    case 'left':
      return <Left />
    case 'decline':
    case 'waiting':
    case 'code':
    case 'me':
      return <Others key={first} first={first} id={id ?? ''} />
    default:
      return <Today />
  }
}

/** Screens that are loaded when they are shown: the worker has them without network, too. */
function Reports({ id }: { id: string }): JSX.Element {
  const found = useLazy(() => import('./screens/report'))
  return found ? <found.Report id={id} /> : <Loading what={t('app.loading')} />
}

function Others({ first, id }: { first: string; id: string }): JSX.Element {
  const found = useLazy(() => import('./screens/others'))
  if (!found) return <Loading what={t('app.loading')} />
  if (first === 'decline') return <found.Decline id={id} />
  if (first === 'waiting') return <found.Waiting />
  return first === 'code' ? <found.MyCode /> : <found.Me />
}

async function begin(steal: boolean): Promise<void> {
  const mine = await takeTurn(steal, () => void closeStore())
  if (!mine) return
  await whoWasHere()
  await open(false)
}

/** At a cold start, with nothing open, the build that waits is taken. */
function takeAtStart(): void {
  if (
    waiting.value &&
    route.value[0] !== 'report' &&
    document.visibilityState === 'visible' &&
    performance.now() < 3000
  )
    take()
}

// For those who look into the app: which build this is, and whether the law's policy was verified.
Object.defineProperty(globalThis, 'doorstep', { value: { build, policy: () => bundle.value?.hash } })

void (async () => {
  await speakAsWanted()
  await watchClock()
  watchIdle()
  render(<App />, document.getElementById('app')!)
  void watchBuilds().then(takeAtStart)
  await begin(false)
})()
