import { trust } from './trusted'

trust()

import { useSignal, useSignalEffect } from '@preact/signals'
import { type JSX, render } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Refused } from '../shared/call'
import { resume, signOut, user } from '../shared/call'
import { clock } from '../shared/format'
import { Heading, Loading, Trouble } from '../shared/ui'
import { language, languages, speak, speakAsWanted, t } from '../shared/words'
import { branch, branches, choose, forget, readBranches } from './branch'
import icon from './icon.svg'
import { ahead, follow, hearing } from './live'
import { address, route, takeLinks } from './route'
import { Board } from './screens/board'
import { Inbox } from './screens/inbox'
import { LeftOut } from './screens/leftout'
import { AddFactor, ChangePassword, SignIn } from './screens/signin'
import { Today } from './screens/today'
import { chooseTheme, type Theme, theme } from './theme'

/** The roles that the console has screens for. */
const roles = ['admin', 'supervisor']

function App(): JSX.Element {
  const u = user.value
  if (u === undefined) return <Loading what={t('app.resuming')} />
  if (u === null) return <Outside>{<SignIn />}</Outside>
  if (u.must_change_password) return <Outside>{<ChangePassword />}</Outside>
  if (u.must_enrol_factor) return <Outside>{<AddFactor />}</Outside>
  if (!roles.includes(u.role)) return <Outside>{<WrongRole />}</Outside>
  return <Inside />
}

/** The page of who is not signed in. */
function Outside({ children }: { children: JSX.Element }): JSX.Element {
  return (
    <>
      <header class="bar">
        <span class="brand">
          <img src={icon} alt="" /> Doorstep
        </span>
        <span class="grow" />
        <Settings />
      </header>
      {children}
    </>
  )
}

function WrongRole(): JSX.Element {
  return (
    <main class="alone">
      <Heading>{t('role.title')}</Heading>
      <div class="card">
        <p>{t('role.why')}</p>
        <button type="button" onClick={() => void signOut()}>
          {t('signout')}
        </button>
      </div>
    </main>
  )
}

/** The page of a supervisor. */
function Inside(): JSX.Element {
  const trouble = useSignal<Refused | undefined>(undefined)
  const read = (): void => {
    trouble.value = undefined
    readBranches().catch((e: Refused) => {
      trouble.value = e
    })
  }
  useEffect(() => {
    read()
    // Whoever signs in next begins with nothing of this user's.
    return forget
  }, [])
  const b = branch.value
  useEffect(() => (b ? follow(b.id) : undefined), [b?.id])
  const lost = !hearing.value.live
  const r = route.value
  const at = (screen: string): 'page' | undefined => (r.screen === screen ? 'page' : undefined)
  return (
    <>
      <a class="skip" href="#main">
        {t('skip')}
      </a>
      <header class="bar">
        <a class="brand" href={address.today()}>
          <img src={icon} alt="" /> Doorstep
        </a>
        <nav aria-label={t('nav')}>
          <a href={address.today()} aria-current={at('today')}>
            {t('nav.today')}
          </a>
          <a href={address.inbox()} aria-current={at('inbox')}>
            {t('nav.inbox')}
          </a>
          <a href={address.office()} aria-current={at('office')}>
            {t('nav.office')}
          </a>
        </nav>
        <span class="grow" />
        {(branches.value?.length ?? 0) > 1 && (
          <label class="inline">
            <span class="hidden">{t('branch')}</span>
            <select value={b?.id ?? ''} onChange={e => choose(e.currentTarget.value)}>
              {branches.value!.map(x => (
                <option key={x.id} value={x.id}>
                  {x.name || x.id}
                </option>
              ))}
            </select>
          </label>
        )}
        <Settings />
        <button type="button" class="flat" onClick={() => void signOut()}>
          {t('signout')}
        </button>
      </header>
      <div class={`lost${lost ? ' on' : ''}`} role="status">
        {lost && b && t('app.lost', { time: clock(hearing.value.heard + ahead.value, b.time_zone ?? 'UTC') })}
      </div>
      <main id="main" tabIndex={-1} class={lost ? 'stale' : ''}>
        {trouble.value && <Trouble of={trouble.value} retry={read} />}
        {!trouble.value && !branches.value && <Loading what={t('app.loading')} />}
        {branches.value?.length === 0 && <Lazy load={() => import('./screens/first')} />}
        {b && <Screen key={`${b.id} ${r.screen}`} />}
      </main>
    </>
  )
}

/** A screen whose code is loaded when it is shown first. */
function Lazy<P extends object>({
  load,
  ...props
}: { load: () => Promise<{ default: (p: P) => JSX.Element }> } & P): JSX.Element {
  const of = useSignal<((p: P) => JSX.Element) | undefined>(undefined)
  const failed = useSignal(false)
  useEffect(() => {
    load().then(
      m => {
        of.value = m.default
      },
      () => {
        failed.value = true
      },
    )
  }, [])
  if (failed.value) {
    return (
      <div class="notice bad" role="alert">
        <p>{t('app.otherbuild')}</p>
        <button type="button" onClick={() => location.reload()}>
          {t('app.reload')}
        </button>
      </div>
    )
  }
  const Loaded = of.value
  return Loaded ? <Loaded {...(props as unknown as P)} /> : <Loading what={t('app.loading')} />
}

function Screen(): JSX.Element {
  const r = route.value
  useSignalEffect(() => {
    const names = {
      today: 'nav.today',
      board: 'nav.board',
      leftout: 'nav.leftout',
      inbox: 'nav.inbox',
      office: 'nav.office',
      unknown: 'nav',
    } as const
    document.title = `${t(names[route.value.screen])} · Doorstep`
  })
  switch (r.screen) {
    case 'today':
      return <Today />
    case 'board':
      return <Board key={r.round} id={r.round} />
    case 'leftout':
      return <LeftOut key={r.round} id={r.round} />
    case 'inbox':
      return <Inbox kind={r.kind} />
    case 'office':
      return <Lazy load={() => import('./screens/office')} page={r.page} />
    case 'unknown':
      return (
        <>
          <Heading>{t('unknown.title')}</Heading>
          <p>
            <a href={address.today()}>{t('unknown.go')}</a>
          </p>
        </>
      )
  }
}

/** The language and the theme. */
function Settings(): JSX.Element {
  const themes: Theme[] = ['system', 'light', 'dark']
  return (
    <>
      <label class="inline">
        <span class="hidden">{t('language')}</span>
        <select
          value={language.value.tag}
          onChange={e => {
            const l = languages.find(x => x.tag === e.currentTarget.value)
            if (l) void speak(l, true)
          }}
        >
          {languages.map(l => (
            <option key={l.tag} value={l.tag} lang={l.tag}>
              {l.name}
            </option>
          ))}
        </select>
      </label>
      <label class="inline">
        <span class="hidden">{t('theme')}</span>
        <select value={theme.value} onChange={e => chooseTheme(e.currentTarget.value as Theme)}>
          {themes.map(x => (
            <option key={x} value={x}>
              {t(`theme.${x}`)}
            </option>
          ))}
        </select>
      </label>
    </>
  )
}

takeLinks()
void speakAsWanted().then(() => {
  render(<App />, document.getElementById('app')!)
  void resume()
})
