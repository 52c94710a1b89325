import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { SessionBody } from '../../shared/api'
import { Field, Heading } from '../../shared/ui'
import { choose, reopen, unlock } from '../lock'
import { again, agent, answerFactor, changePassword, enter, leave, Refused, signIn } from '../session'
import { sendNow } from '../store'
import { noOffline } from '../update'
import { t, word } from '../words'

const standalone = (): boolean =>
  matchMedia('(display-mode: standalone)').matches ||
  (navigator as { standalone?: boolean }).standalone === true
const apple = (): boolean => /iPhone|iPad|iPod/.test(navigator.userAgent)

/** How to install, and why: shown before the sign-in while the app runs within a browser. */
function Install(): JSX.Element | null {
  if (standalone()) return null
  return (
    <details class="card" open={apple()}>
      <summary>{t('install.title')}</summary>
      <p>{apple() ? t('install.ios') : t('install.android')}</p>
      <p class="quiet">{apple() ? t('install.ios.why') : t('install.why')}</p>
    </details>
  )
}

interface Form {
  busy: boolean
  why: string
  submit: (e: Event) => void
}

/** A form that is sent once at a time, and says why it was not taken. */
function useForm(work: () => Promise<void>): Form {
  const busy = useSignal(false)
  const why = useSignal('')
  const submit = (e: Event): void => {
    e.preventDefault()
    if (busy.value) return
    busy.value = true
    why.value = ''
    work()
      .catch(e => {
        const known = [
          'offline',
          'unreadable',
          'busy',
          'auth.bad_credentials',
          'auth.limited',
          'device_wiped',
        ]
        const code = e instanceof Refused ? e.code : 'unknown'
        why.value = known.includes(code) ? word('signin.why', code) : (e as Error).message
      })
      .finally(() => {
        busy.value = false
      })
  }
  return { busy: busy.value, why: why.value, submit }
}

const Why = ({ text }: { text: string }): JSX.Element | null =>
  text ? (
    <p class="notice bad" role="alert">
      {text}
    </p>
  ) : null

/** Signing in, with what may stand between: a second factor, and a password to be chosen. */
export function SignIn({ done }: { done: () => void }): JSX.Element {
  const login = useSignal('')
  const password = useSignal('')
  const code = useSignal('')
  const fresh = useSignal('')
  const challenge = useSignal('')
  const step = useSignal<'first' | 'factor' | 'password' | 'role'>('first')
  const name = (): string => login.value.trim().toLowerCase()
  const came = async (s: SessionBody): Promise<void> => {
    if (s.user.role !== 'agent' || s.user.must_enrol_factor) {
      step.value = 'role'
      return
    }
    if (s.user.must_change_password) {
      step.value = 'password'
      return
    }
    password.value = ''
    await enter(name())
    done()
  }
  const form = useForm(async () => {
    if (step.value === 'factor')
      return came(await answerFactor(name(), challenge.value, code.value.replace(/\s/g, '')))
    if (step.value === 'password') return came(await changePassword(name(), password.value, fresh.value))
    try {
      await came(await signIn(name(), password.value))
    } catch (e) {
      if (!(e instanceof Refused) || !e.challenge) throw e
      challenge.value = e.challenge
      step.value = 'factor'
    }
  })
  const typed = (into: { value: string }) => (e: { currentTarget: { value: string } }) => {
    into.value = e.currentTarget.value
  }
  return (
    <main id="main">
      <Heading key={step.value}>{t('signin.title')}</Heading>
      <Install />
      {noOffline.value === 'insecure' && <p class="notice warn">{t('signin.insecure')}</p>}
      <form class="card" onSubmit={form.submit}>
        <Why text={form.why} />
        {step.value === 'first' && (
          <>
            <Field
              label={t('signin.login')}
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              required
              value={login.value}
              onInput={typed(login)}
            />
            <Field
              label={t('signin.password')}
              type="password"
              autocomplete="current-password"
              required
              value={password.value}
              onInput={typed(password)}
            />
          </>
        )}
        {step.value === 'factor' && (
          <Field
            label={t('signin.factor')}
            autocomplete="one-time-code"
            required
            value={code.value}
            onInput={typed(code)}
          />
        )}
        {step.value === 'password' && (
          <Field
            label={t('signin.fresh')}
            hint={t('signin.fresh.hint')}
            type="password"
            autocomplete="new-password"
            required
            value={fresh.value}
            onInput={typed(fresh)}
          />
        )}
        {step.value === 'role' ? (
          <p>{t('signin.role')}</p>
        ) : (
          <button type="submit" class="main" disabled={form.busy}>
            {form.busy ? t('signin.busy') : t('signin.go')}
          </button>
        )}
      </form>
    </main>
  )
}

/** Choosing the code of the lock. */
export function ChooseCode(): JSX.Element {
  const code = useSignal('')
  const form = useForm(async () => {
    await choose(code.value)
  })
  return (
    <main id="main">
      <Heading>{t('code.title')}</Heading>
      <form class="card" onSubmit={form.submit}>
        <p>{t('code.why')}</p>
        <Field
          label={t('code.new')}
          type="password"
          inputMode="numeric"
          autocomplete="off"
          pattern="[0-9]{6}"
          title={t('code.new')}
          required
          value={code.value}
          onInput={e => {
            code.value = e.currentTarget.value
          }}
        />
        <button type="submit" class="main" disabled={form.busy}>
          {t('code.go')}
        </button>
      </form>
    </main>
  )
}

/** The lock. The app works on below it: what waits is sent. */
export function Locked(): JSX.Element {
  const code = useSignal('')
  const password = useSignal('')
  const byPassword = useSignal(false)
  const wrong = useSignal(false)
  const form = useForm(async () => {
    wrong.value = false
    if (byPassword.value) {
      await again(password.value)
      sendNow()
      reopen()
      return
    }
    const said = await unlock(code.value)
    code.value = ''
    wrong.value = said === 'wrong'
    byPassword.value = said === 'password'
  })
  return (
    <main id="main">
      <Heading>{t('locked.title', { name: agent.value?.name ?? '' })}</Heading>
      <form class="card" onSubmit={form.submit}>
        <Why text={form.why} />
        {wrong.value && <Why text={t('locked.wrong')} />}
        {byPassword.value ? (
          <Field
            key="password"
            label={t('signin.password')}
            hint={t('locked.password')}
            type="password"
            autocomplete="current-password"
            required
            value={password.value}
            onInput={e => {
              password.value = e.currentTarget.value
            }}
          />
        ) : (
          <Field
            key="code"
            label={t('locked.code')}
            type="password"
            inputMode="numeric"
            autocomplete="off"
            required
            value={code.value}
            onInput={e => {
              code.value = e.currentTarget.value
            }}
          />
        )}
        <button type="submit" class="main" disabled={form.busy}>
          {t('locked.go')}
        </button>
        {!byPassword.value && (
          <button
            type="button"
            onClick={() => {
              byPassword.value = true
            }}
          >
            {t('locked.forgot')}
          </button>
        )}
        <button type="button" onClick={() => void leave().then(() => location.reload())}>
          {t('locked.other')}
        </button>
      </form>
    </main>
  )
}

/** The session ended: the app goes on, and asks for the password where it suits. */
export function SignInAgain(): JSX.Element {
  const password = useSignal('')
  const form = useForm(async () => {
    await again(password.value)
    password.value = ''
    sendNow()
  })
  return (
    <form class="card" onSubmit={form.submit}>
      <p>{t('ended.why')}</p>
      <Why text={form.why} />
      <Field
        label={t('signin.password')}
        type="password"
        autocomplete="current-password"
        required
        value={password.value}
        onInput={e => {
          password.value = e.currentTarget.value
        }}
      />
      <button type="submit" class="main" disabled={form.busy}>
        {t('signin.go')}
      </button>
    </form>
  )
}
