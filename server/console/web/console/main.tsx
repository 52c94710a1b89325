import { trust } from './trusted'

trust()

import { useSignal, useSignalEffect } from '@preact/signals'
import { type JSX, render } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Refused } from '../shared/call'
import { resume, signOut, user } from '../shared/call'
import { clock } from '../shared/format'
import { Heading, Loading, Trouble } from '../shared/ui'
import { language, languages, learn, officeWords, speak, speakAsWanted, t } from '../shared/words'
import { branch, branches, choose, forget, readBranches } from './branch'
import icon from './icon.svg'
import { ahead, follow, hearing } from './live'
import { flush } from './pending'
import { address, type Route, route, takeLinks } from './route'
import { Board } from './screens/board'
import { Later } from './screens/later'
import { LeftOut } from './screens/leftout'
import { PlanRound } from './screens/plan'
import { Planning } from './screens/planning'
import { Replan } from './screens/replan'
import { AddFactor, ChangePassword, SignIn } from './screens/signin'
import { Today } from './screens/today'
import { Waiting } from './screens/waiting'
import { chooseTheme, type Theme, theme } from './theme'

/** The roles that the console has screens for. */
const roles = ['admin', 'supervisor', 'auditor']

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
  const auditor = user.value?.role === 'auditor'
  // Auditors see nothing that changes under their eyes, and may not follow a branch.
  useEffect(() => (b && !auditor ? follow(b.id) : undefined), [b?.id])
  const lost = !auditor && !hearing.value.live
  const r = route.value
  const at = (screen: string): 'page' | undefined => (r.screen === screen ? 'page' : undefined)
  return (
    <>
      <a class="skip" href="#main">
        {t('skip')}
      </a>
      <header class="bar">
        <a class="brand" href={auditor ? address.audit() : address.today()}>
          <img src={icon} alt="" /> Doorstep
        </a>
        <nav aria-label={t('nav')}>
          {!auditor && (
            <>
              <a href={address.today()} aria-current={at('today')}>
                {t('nav.today')}
              </a>
              <a href={address.plan()} aria-current={at('plan') ?? at('planning')}>
                {t('nav.plan')}
              </a>
              <a href={address.inbox()} aria-current={at('inbox') ?? at('conflict')}>
                {t('nav.inbox')}
              </a>
              <a href={address.cases()} aria-current={at('cases') ?? at('case')}>
                {t('nav.cases')}
              </a>
              <a href={address.office()} aria-current={at('office')}>
                {t('nav.office')}
              </a>
            </>
          )}
          {user.value?.role !== 'supervisor' && (
            <a href={address.audit()} aria-current={at('audit')}>
              {t('nav.audit')}
            </a>
          )}
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
        <button type="button" class="flat" onClick={() => void flush().then(signOut)}>
          {t('signout')}
        </button>
      </header>
      <div class={`lost${lost ? ' on' : ''}`} role="status">
        {lost && b && t('app.lost', { time: clock(hearing.value.heard + ahead.value, b.time_zone ?? 'UTC') })}
      </div>
      <main id="main" tabIndex={-1} class={lost ? 'stale' : ''}>
        {trouble.value && <Trouble of={trouble.value} retry={read} />}
        {!trouble.value && !branches.value && <Loading what={t('app.loading')} />}
        {branches.value?.length === 0 && <Later of={first} with={{}} />}
        {b && <Screen key={`${b.id} ${r.screen}`} />}
      </main>
      <Waiting />
    </>
  )
}

function Screen(): JSX.Element {
  const auditor = user.value?.role === 'auditor'
  const r: Route = auditor && route.value.screen !== 'audit' ? { screen: 'audit' } : route.value
  useSignalEffect(() => {
    const names = {
      today: 'nav.today',
      board: 'nav.board',
      leftout: 'nav.leftout',
      inbox: 'nav.inbox',
      office: 'nav.office',
      plan: 'nav.plan',
      planning: 'nav.plan',
      replan: 'nav.replan',
      cases: 'nav.cases',
      case: 'nav.case',
      conflict: 'nav.conflict',
      audit: 'nav.audit',
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
      return <Later key="inbox" of={inbox} with={{ kind: r.kind }} />
    case 'cases':
      return <Later key="cases" of={cases} with={{}} />
    case 'case':
      return <Later key={r.id} of={caseFile} with={{ id: r.id }} />
    case 'conflict':
      return <Later key={r.id} of={conflict} with={{ id: r.id }} />
    case 'audit':
      return <Later key="audit" of={audit} with={{}} />
    case 'plan':
      return <PlanRound />
    case 'planning':
      return <Planning key={r.round} id={r.round} />
    case 'replan':
      return <Replan key={r.round} id={r.round} />
    case 'office':
      return <Later key="office" of={office} with={{ page: r.page }} />
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

// Screens that are loaded when they are first shown.
const office = () => Promise.all([import('./screens/office'), learn(officeWords)]).then(([m]) => m.default)
const first = () => Promise.all([import('./screens/first'), learn(officeWords)]).then(([m]) => m.default)
const inbox = () => import('./screens/inbox').then(m => m.Inbox)
const cases = () => import('./screens/cases').then(m => m.Cases)
const caseFile = () => import('./screens/casefile').then(m => m.CaseFile)
const conflict = () => import('./screens/conflict').then(m => m.Conflict)
const audit = () => import('./screens/audit').then(m => m.Audit)

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
