import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Answer } from '../../shared/call'
import { call, Refused, readUser, signIn, signInWithFactor, signOut, user } from '../../shared/call'
import { Field, Heading } from '../../shared/ui'
import { say, t } from '../../shared/words'

/** A form with one thing to say when it was refused. */
function useForm(send: () => Promise<void>): {
  busy: boolean
  refused: Refused | undefined
  submit: (e: Event) => void
} {
  const busy = useSignal(false)
  const refused = useSignal<Refused | undefined>(undefined)
  const submit = (e: Event): void => {
    e.preventDefault()
    if (busy.value) return
    busy.value = true
    refused.value = undefined
    send()
      .catch((x: unknown) => {
        refused.value = x instanceof Refused ? x : new Refused('unreadable', String(x), 0)
      })
      .finally(() => {
        busy.value = false
      })
  }
  return { busy: busy.value, refused: refused.value, submit }
}

/** What a form was refused for. It takes the focus, so that it is read at once. */
function Why({ of }: { of: Refused | undefined }): JSX.Element | null {
  const at = useRef<HTMLDivElement>(null)
  useEffect(() => at.current?.focus(), [of])
  if (!of) return null
  return (
    <div class="notice bad" role="alert" tabIndex={-1} ref={at}>
      <p>{problemWords(of)}</p>
    </div>
  )
}

function problemWords(p: Refused): string {
  const known = [
    'offline',
    'unreadable',
    'auth.bad_credentials',
    'auth.limited',
    'auth.password_expired',
    'auth.factor_wrong',
    'auth.challenge_invalid',
    'auth.device_required',
  ]
  return known.includes(p.code) ? say('problem', p.code) : p.message
}

/** Signing in: the password, then a code where the user has a second factor. */
export function SignIn(): JSX.Element {
  const login = useSignal('')
  const password = useSignal('')
  const code = useSignal('')
  const challenge = useSignal('')
  const first = useForm(async () => {
    try {
      await signIn(login.value, password.value)
    } catch (e) {
      const waiting = e instanceof Refused ? e.problem?.challenge : undefined
      if (!waiting) throw e
      challenge.value = waiting.token
    }
    password.value = ''
  })
  const second = useForm(() => signInWithFactor(challenge.value, code.value.replace(/\s/g, '')))
  const plain = location.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(location.hostname)
  if (challenge.value) {
    return (
      <main class="alone" key="second">
        <Heading>{t('factor.title')}</Heading>
        <form class="card" onSubmit={second.submit}>
          <Why of={second.refused} />
          <Field
            label={t('factor.code')}
            hint={t('factor.hint')}
            autocomplete="one-time-code"
            inputMode="text"
            required
            value={code.value}
            onInput={e => {
              code.value = e.currentTarget.value
            }}
          />
          <button type="submit" class="main" disabled={second.busy}>
            {t('signin.go')}
          </button>
          <button
            type="button"
            onClick={() => {
              challenge.value = ''
            }}
          >
            {t('back')}
          </button>
        </form>
      </main>
    )
  }
  return (
    <main class="alone" key="first">
      <Heading>{t('signin.title')}</Heading>
      <form class="card" onSubmit={first.submit}>
        {plain && <p class="notice warn">{t('signin.plain')}</p>}
        <Why of={first.refused} />
        <Field
          label={t('signin.login')}
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          value={login.value}
          onInput={e => {
            login.value = e.currentTarget.value
          }}
        />
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
        <button type="submit" class="main" disabled={first.busy}>
          {first.busy ? t('signin.busy') : t('signin.go')}
        </button>
      </form>
    </main>
  )
}

/** Changing a one-time password, before which nothing else is allowed. */
export function ChangePassword(): JSX.Element {
  const old = useSignal('')
  const fresh = useSignal('')
  const again = useSignal('')
  const differs = useSignal(false)
  const form = useForm(async () => {
    differs.value = fresh.value !== again.value
    if (differs.value) return
    await call('POST', '/v1/users/me/password', { body: { old: old.value, new: fresh.value } })
    // The change ends all sessions: sign in anew with the password that was just chosen.
    await signIn(user.value?.login ?? '', fresh.value)
  })
  return (
    <main class="alone">
      <Heading>{t('password.title')}</Heading>
      <form class="card" onSubmit={form.submit}>
        <p>{t('password.why')}</p>
        <Why of={form.refused} />
        <input type="hidden" autocomplete="username" value={user.value?.login ?? ''} />
        <Field
          label={t('password.old')}
          type="password"
          autocomplete="current-password"
          required
          value={old.value}
          onInput={e => {
            old.value = e.currentTarget.value
          }}
        />
        <Field
          label={t('password.new')}
          hint={t('password.hint')}
          type="password"
          autocomplete="new-password"
          required
          value={fresh.value}
          onInput={e => {
            fresh.value = e.currentTarget.value
          }}
        />
        <Field
          label={t('password.again')}
          type="password"
          autocomplete="new-password"
          required
          error={differs.value ? t('password.differs') : undefined}
          value={again.value}
          onInput={e => {
            again.value = e.currentTarget.value
          }}
        />
        <button type="submit" class="main" disabled={form.busy}>
          {t('password.go')}
        </button>
        <button type="button" onClick={() => void signOut()}>
          {t('signout')}
        </button>
      </form>
    </main>
  )
}

/** Adding a second factor, where the user's role needs one. */
export function AddFactor(): JSX.Element {
  const password = useSignal('')
  const code = useSignal('')
  const begun = useSignal<Answer<'POST /v1/users/me/factors'> | undefined>(undefined)
  const codes = useSignal<string[] | undefined>(undefined)
  const begin = useForm(async () => {
    begun.value = await call('POST', '/v1/users/me/factors', { body: { password: password.value } })
    password.value = ''
  })
  const confirm = useForm(async () => {
    const id = begun.value?.id ?? ''
    const done = await call('POST', '/v1/users/me/factors/{id}/confirm', {
      path: { id },
      body: { code: code.value },
    })
    codes.value = done.recovery_codes ?? []
  })
  const leave = (
    <button type="button" onClick={() => void signOut()}>
      {t('signout')}
    </button>
  )
  if (codes.value) {
    return (
      <main class="alone" key="codes">
        <Heading>{t('recovery.title')}</Heading>
        <div class="card">
          <p>{t('recovery.why')}</p>
          <ul class="codes">
            {codes.value.map(c => (
              <li key={c}>
                <code>{c}</code>
              </li>
            ))}
          </ul>
          <button type="button" class="main" onClick={() => void readUser()}>
            {t('recovery.go')}
          </button>
        </div>
      </main>
    )
  }
  if (begun.value) {
    return (
      <main class="alone" key="confirm">
        <Heading>{t('enrol.title')}</Heading>
        <form class="card" onSubmit={confirm.submit}>
          <p>{t('enrol.secret')}</p>
          <p>
            <code class="secret">{begun.value.secret.replace(/(.{4})/g, '$1 ').trim()}</code>
          </p>
          <p>
            <a href={begun.value.uri}>{t('enrol.open')}</a>
          </p>
          <Why of={confirm.refused} />
          <Field
            label={t('factor.code')}
            autocomplete="one-time-code"
            inputMode="numeric"
            required
            value={code.value}
            onInput={e => {
              code.value = e.currentTarget.value
            }}
          />
          <button type="submit" class="main" disabled={confirm.busy}>
            {t('enrol.confirm')}
          </button>
          {leave}
        </form>
      </main>
    )
  }
  return (
    <main class="alone" key="begin">
      <Heading>{t('enrol.title')}</Heading>
      <form class="card" onSubmit={begin.submit}>
        <p>{t('enrol.why')}</p>
        <Why of={begin.refused} />
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
        <button type="submit" class="main" disabled={begin.busy}>
          {t('enrol.begin')}
        </button>
        {leave}
      </form>
    </main>
  )
}
