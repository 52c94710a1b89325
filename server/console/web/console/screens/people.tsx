import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { NewUserBody, RoundTakenBack, User } from '../../shared/api'
import { call, user } from '../../shared/call'
import { Field, Loading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { branch, branches } from '../branch'
import { resource } from '../live'
import { keep, kept } from '../route'
import { type Act, all, Choice, Confirm, Outcome, Several, useAct, word } from './act'

const roles = ['agent', 'supervisor', 'auditor', 'lender', 'admin'] as const
type Role = (typeof roles)[number]

/** Who works here. Administrators add and change people; supervisors see the agents of the branch. */
export function People(): JSX.Element {
  return user.value?.role === 'admin' ? <Everybody /> : <Agents />
}

function Agents(): JSX.Element {
  const b = branch.value!
  const read = useMemo(
    () =>
      resource(
        () => all(cursor => call('GET', '/v1/agents', { query: { branch: b.id, limit: 200, cursor } })),
        () => false,
      ),
    [b.id],
  )
  useEffect(() => read.stop, [read])
  const list = read.data.value
  return (
    <>
      <p>{t('people.byadmin')}</p>
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!list && !read.problem.value && <Loading what={t('app.loading')} />}
      {list && (
        <div class="scroll">
          <table>
            <caption class="hidden">{t('people.agents')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('people.name')}</th>
                <th scope="col">{t('people.badge')}</th>
                <th scope="col">{t('people.state')}</th>
              </tr>
            </thead>
            <tbody>
              {list.map(a => (
                <tr key={a.id}>
                  <th scope="row">
                    <bdi>{a.name || a.id}</bdi>
                  </th>
                  <td>{a.badge_no ? <bdi>{a.badge_no}</bdi> : <Missing />}</td>
                  <td>{t(a.disabled ? 'people.disabled' : 'people.enabled')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

function Missing(): JSX.Element {
  return <span class="badge warn">{t('people.nobadge')}</span>
}

/** A one-time password, which is shown once. */
interface Once {
  login: string
  password: string
}

function Everybody(): JSX.Element {
  const read = useMemo(
    () =>
      resource(
        () => all(cursor => call('GET', '/v1/users', { query: { limit: 200, cursor } })),
        () => false,
      ),
    [],
  )
  useEffect(() => read.stop, [read])
  const once = useSignal<Once | undefined>(undefined)
  const adding = useSignal(false)
  const open = useSignal(kept('user'))
  const find = useSignal('')
  const role = useSignal('')
  const act = useAct()
  const list = read.data.value
  const wanted = find.value.trim().toLowerCase()
  const shown = (list ?? []).filter(
    u =>
      (!role.value || u.role === role.value) &&
      (!wanted || `${u.name} ${u.login} ${u.badge_no ?? ''}`.toLowerCase().includes(wanted)),
  )
  const choose = (id: string): void => {
    open.value = id
    keep('user', id)
  }
  const chosen = list?.find(u => u.id === open.value)
  return (
    <>
      {once.value && (
        <section class="card once" aria-labelledby="once-h">
          <h2 id="once-h">{t('people.once', { login: once.value.login })}</h2>
          <p>
            <code class="secret">{once.value.password}</code>
          </p>
          <p>{t('people.once.why')}</p>
          <button
            type="button"
            onClick={() => {
              once.value = undefined
            }}
          >
            {t('people.once.go')}
          </button>
        </section>
      )}
      <Outcome act={act} />
      <div class="tools">
        <button
          type="button"
          class="main"
          aria-expanded={adding.value}
          onClick={() => {
            adding.value = !adding.value
          }}
        >
          {t('people.add')}
        </button>
        <label class="inline">
          {t('people.find')}
          <input
            type="search"
            value={find.value}
            onInput={e => {
              find.value = e.currentTarget.value
            }}
          />
        </label>
        <label class="inline">
          {t('people.role')}
          <select
            value={role.value}
            onChange={e => {
              role.value = e.currentTarget.value
            }}
          >
            <option value="">{t('people.allroles')}</option>
            {roles.map(r => (
              <option key={r} value={r}>
                {word('role.is', r)}
              </option>
            ))}
          </select>
        </label>
      </div>
      {adding.value && (
        <Add
          onMade={(u, password) => {
            adding.value = false
            once.value = password ? { login: u.login, password } : undefined
            act.done.value = t('people.added', { name: u.name || u.login })
            read.reload()
          }}
        />
      )}
      {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
      {!list && !read.problem.value && <Loading what={t('app.loading')} />}
      {chosen && (
        <Person
          key={chosen.id}
          of={chosen}
          act={act}
          onOnce={p => {
            once.value = { login: chosen.login, password: p }
          }}
          onChanged={read.reload}
          onEnd={() => choose('')}
        />
      )}
      {list && (
        <div class="scroll">
          <table>
            <caption class="hidden">{t('office.people')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('people.name')}</th>
                <th scope="col">{t('signin.login')}</th>
                <th scope="col">{t('people.role')}</th>
                <th scope="col">{t('branch')}</th>
                <th scope="col">{t('people.badge')}</th>
                <th scope="col">{t('people.state')}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(u => (
                <tr key={u.id} class={u.id === open.value ? 'on' : ''}>
                  <th scope="row">
                    <button type="button" class="link" onClick={() => choose(u.id)}>
                      <bdi>{u.name || u.login}</bdi>
                    </button>
                  </th>
                  <td>
                    <bdi>{u.login}</bdi>
                  </td>
                  <td>{word('role.is', u.role)}</td>
                  <td>
                    {(u.branches ?? []).length > 0 ? (
                      <bdi>{u.branches!.join(', ')}</bdi>
                    ) : (
                      <span class="quiet">{t('people.everywhere')}</span>
                    )}
                  </td>
                  <td>
                    {u.badge_no ? <bdi>{u.badge_no}</bdi> : u.role === 'agent' && !u.disabled && <Missing />}
                  </td>
                  <td>
                    {u.disabled ? <span class="badge">{t('people.disabled')}</span> : t('people.enabled')}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {shown.length === 0 && <p class="card empty">{t('people.notfound')}</p>}
        </div>
      )}
    </>
  )
}

function Add({ onMade }: { onMade: (u: User, password: string) => void }): JSX.Element {
  const act = useAct()
  const name = useSignal('')
  const login = useSignal('')
  const role = useSignal<Role>('agent')
  const where = useSignal(branch.value ? [branch.value.id] : [])
  const badge = useSignal('')
  const lender = useSignal('')
  const needsBranch = role.value !== 'admin' && role.value !== 'lender'
  const submit = (e: Event): void => {
    e.preventDefault()
    void act.run(async () => {
      const body: NewUserBody = { login: login.value.trim(), name: name.value.trim(), role: role.value }
      if (needsBranch) body.branches = where.value
      if (role.value === 'agent' && badge.value.trim()) body.badge_no = badge.value.trim()
      if (role.value === 'lender') body.lender = lender.value.trim()
      const x = await call('POST', '/v1/users', { body })
      onMade(x.user, x.one_time_password ?? '')
      return undefined
    })
  }
  return (
    <form class="card stack" onSubmit={submit}>
      <h2>{t('people.add')}</h2>
      <Outcome act={act} />
      <div class="fields">
        <Field
          label={t('people.name')}
          required
          autocomplete="off"
          value={name.value}
          onInput={e => {
            name.value = e.currentTarget.value
          }}
        />
        <Field
          label={t('signin.login')}
          required
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          value={login.value}
          onInput={e => {
            login.value = e.currentTarget.value
          }}
        />
        <Choice
          label={t('people.role')}
          value={role.value}
          options={roles.map(r => [r, word('role.is', r)])}
          onChange={r => {
            role.value = r as Role
          }}
        />
        {role.value === 'agent' && (
          <Field
            label={t('people.badge')}
            autocomplete="off"
            value={badge.value}
            onInput={e => {
              badge.value = e.currentTarget.value
            }}
          />
        )}
        {role.value === 'lender' && (
          <Field
            label={t('people.lender')}
            required
            autocomplete="off"
            value={lender.value}
            onInput={e => {
              lender.value = e.currentTarget.value
            }}
          />
        )}
      </div>
      <p class="quiet">{word('role.may', role.value)}</p>
      {needsBranch && (
        <Several
          label={t('people.branches')}
          of={(branches.value ?? []).map(b => [b.id, b.name || b.id])}
          chosen={where.value}
          onChange={v => {
            where.value = role.value === 'agent' ? v.slice(-1) : v
          }}
        />
      )}
      <p class="quiet">{t('people.once.how')}</p>
      <div class="buttons">
        <button type="submit" class="main" disabled={act.busy.value}>
          {t('people.add.go')}
        </button>
      </div>
    </form>
  )
}

/** What became of the stops of an agent who may not visit any more, in words. */
export function takenBack(list: RoundTakenBack[] | null | undefined): string {
  const gone = (list ?? []).reduce((n, x) => n + x.revoked, 0)
  const stayed = (list ?? []).reduce((n, x) => n + x.stayed, 0)
  if (gone + stayed === 0) return ''
  return ` ${t('people.takenback', { gone, stayed })}`
}

function Person({
  of: u,
  act,
  onOnce,
  onChanged,
  onEnd,
}: {
  of: User
  act: Act
  onOnce: (password: string) => void
  onChanged: () => void
  onEnd: () => void
}): JSX.Element {
  const name = useSignal(u.name)
  const badge = useSignal(u.badge_no ?? '')
  const role = useSignal(u.role)
  const asking = useSignal<'disable' | 'factors' | 'password' | ''>('')
  const self = u.id === user.value?.id
  const who = u.name || u.login
  const path = { id: u.id }
  const change = (
    body: Parameters<typeof call<'PATCH', '/v1/users/{id}'>>[2] extends infer O
      ? O extends { body?: infer B }
        ? B
        : never
      : never,
    said: string,
  ): Promise<boolean> =>
    act.run(async () => {
      const x = await call('PATCH', '/v1/users/{id}', { path, body })
      onChanged()
      return said + takenBack(x.taken_back)
    })
  return (
    <section class="card stack person" aria-labelledby="person-h">
      <header class="top">
        <h2 id="person-h">
          <bdi>{who}</bdi>
        </h2>
        <button type="button" onClick={onEnd}>
          {t('office.close')}
        </button>
      </header>
      <p class="quiet">{word('role.may', u.role)}</p>
      <form
        class="stack"
        onSubmit={e => {
          e.preventDefault()
          const body: { name: string; badge_no?: string; role?: Role } = { name: name.value.trim() }
          if (badge.value !== (u.badge_no ?? '')) body.badge_no = badge.value.trim()
          if (role.value !== u.role) body.role = role.value as Role
          void change(body, t('people.changed', { name: who }))
        }}
      >
        <div class="fields">
          <Field
            label={t('people.name')}
            autocomplete="off"
            required
            value={name.value}
            onInput={e => {
              name.value = e.currentTarget.value
            }}
          />
          {u.role === 'agent' && (
            <Field
              label={t('people.badge')}
              autocomplete="off"
              value={badge.value}
              onInput={e => {
                badge.value = e.currentTarget.value
              }}
            />
          )}
          {!self && (
            <Choice
              label={t('people.role')}
              value={role.value}
              options={roles
                .filter(r => r !== 'lender' || u.role === 'lender')
                .map(r => [r, word('role.is', r)])}
              hint={role.value !== u.role ? t('people.role.why') : ''}
              onChange={r => {
                role.value = r
              }}
            />
          )}
        </div>
        <div class="buttons">
          <button type="submit" class="main" disabled={act.busy.value}>
            {t('office.save')}
          </button>
          {!self && (
            <>
              <button type="button" onClick={() => (asking.value = 'password')}>
                {t('people.password')}
              </button>
              {u.role !== 'agent' && (
                <button type="button" onClick={() => (asking.value = 'factors')}>
                  {t('people.factors')}
                </button>
              )}
              {u.disabled ? (
                <button
                  type="button"
                  onClick={() => void change({ disabled: false }, t('people.enabled.done', { name: who }))}
                >
                  {t('people.enable')}
                </button>
              ) : (
                <button type="button" class="danger" onClick={() => (asking.value = 'disable')}>
                  {t('people.disable')}
                </button>
              )}
            </>
          )}
        </div>
      </form>
      {asking.value === 'disable' && (
        <Confirm
          title={t('people.disable.ask', { name: who })}
          go={t('people.disable')}
          word={u.login}
          onGo={() => void change({ disabled: true }, t('people.disabled.done', { name: who }))}
          onEnd={() => (asking.value = '')}
        >
          <p>{t('people.disable.what')}</p>
          {u.role === 'agent' && <p>{t('people.disable.agent')}</p>}
        </Confirm>
      )}
      {asking.value === 'password' && (
        <Confirm
          title={t('people.password.ask', { name: who })}
          go={t('people.password')}
          onGo={() =>
            void act.run(async () => {
              const fresh = oneTime()
              await call('PATCH', '/v1/users/{id}', { path, body: { password: fresh } })
              onOnce(fresh)
              onChanged()
              return t('people.password.done', { name: who })
            })
          }
          onEnd={() => (asking.value = '')}
        >
          <p>{t('people.password.what')}</p>
        </Confirm>
      )}
      {asking.value === 'factors' && (
        <Confirm
          title={t('people.factors.ask', { name: who })}
          go={t('people.factors')}
          word={u.login}
          onGo={() =>
            void act.run(async () => {
              await call('DELETE', '/v1/users/{id}/factors', { path })
              onChanged()
              return t('people.factors.done', { name: who })
            })
          }
          onEnd={() => (asking.value = '')}
        >
          <p>{t('people.factors.what')}</p>
        </Confirm>
      )}
    </section>
  )
}

/** A password of 100 random bits, in letters that are not mistaken for one another. */
function oneTime(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789+'
  const bytes = crypto.getRandomValues(new Uint8Array(20))
  return [...bytes]
    .map(b => letters[b % 32])
    .join('')
    .replace(/(.{5})(?=.)/g, '$1-')
}
