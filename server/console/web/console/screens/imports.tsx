import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { Import, ImportReport, TerritoryImport, UndoImportRequest, UndoReport } from '../../shared/api'
import { call, fill, read as readAnswer, request } from '../../shared/call'
import { ago, number } from '../../shared/format'
import { Figure, Loading, Trouble } from '../../shared/ui'
import { t } from '../../shared/words'
import { branch } from '../branch'
import { now, resource } from '../live'
import { Choice, Outcome, useAct, word } from './act'

const kinds = ['cases', 'contacts', 'payments', 'territories'] as const
type Kind = (typeof kinds)[number]
const reasons = [
  'wrong_file',
  'wrong_branch',
  'bad_data',
  'sent_twice',
  'test_data',
  'lender_asked',
  'other',
] as const

type Report = { kind: Kind; name: string } & Partial<ImportReport> & Partial<TerritoryImport>

/** The media type of a file, by the end of its name. */
export function typeOf(kind: Kind, name: string): string {
  if (kind === 'territories') return 'application/geo+json'
  return /\.(ndjson|jsonl)$/i.test(name) ? 'application/x-ndjson' : 'text/csv'
}

/** Imports: a file is dropped or chosen, what is wrong is listed by line and column, and an import can be undone. */
export function Imports(): JSX.Element {
  const b = branch.value!
  const read = useMemo(
    () =>
      resource(
        () => call('GET', '/v1/imports', { query: { branch: b.id, limit: 50 } }),
        () => false,
      ),
    [b.id],
  )
  useEffect(() => read.stop, [read])
  const act = useAct()
  const kind = useSignal<Kind>('cases')
  const over = useSignal(false)
  const report = useSignal<Report | undefined>(undefined)
  const undoing = useSignal<Import | undefined>(undefined)
  const send = (file: File | null | undefined): void => {
    if (!file) return
    report.value = undefined
    void act.run(async () => {
      const type = typeOf(kind.value, file.name)
      const path = fill(`/v1/imports/${kind.value}`, {}, { branch: b.id })
      const r = await request('POST', path, new Blob([file], { type }))
      report.value = {
        kind: kind.value,
        name: file.name,
        ...(await readAnswer<ImportReport & TerritoryImport>(r)),
      }
      read.reload()
      return t('imports.read', { name: file.name })
    })
  }
  return (
    <>
      <section class="card stack" aria-labelledby="import-h">
        <h2 id="import-h">{t('imports.new')}</h2>
        <Choice
          label={t('imports.kind')}
          value={kind.value}
          options={kinds.map(k => [k, word('import', k)])}
          hint={word('import.is', kind.value)}
          onChange={v => {
            kind.value = v as Kind
          }}
        />
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the field within takes a file without dropping */}
        <div
          class={`drop${over.value ? ' over' : ''}`}
          onDragOver={e => {
            e.preventDefault()
            over.value = true
          }}
          onDragLeave={() => {
            over.value = false
          }}
          onDrop={e => {
            e.preventDefault()
            over.value = false
            send(e.dataTransfer?.files[0])
          }}
        >
          <label for="import-file">{t('imports.drop')}</label>
          <input
            id="import-file"
            type="file"
            disabled={act.busy.value}
            accept={kind.value === 'territories' ? '.geojson,.json' : '.csv,.ndjson,.jsonl'}
            onChange={e => {
              send(e.currentTarget.files?.[0])
              e.currentTarget.value = ''
            }}
          />
        </div>
        {act.busy.value && <p role="status">{t('imports.busy')}</p>}
      </section>
      <Outcome act={act} />
      {report.value && <Read report={report.value} />}
      {undoing.value && (
        <Undo
          key={undoing.value.id}
          of={undoing.value}
          onDone={said => {
            undoing.value = undefined
            act.done.value = said
            read.reload()
          }}
          onEnd={() => {
            undoing.value = undefined
          }}
        />
      )}
      <section aria-labelledby="imports-h">
        <h2 id="imports-h">{t('imports.list')}</h2>
        {read.problem.value && <Trouble of={read.problem.value} retry={read.reload} />}
        {!read.data.value && !read.problem.value && <Loading what={t('app.loading')} />}
        {read.data.value && (read.data.value.items ?? []).length === 0 && (
          <p class="card empty">{t('imports.none')}</p>
        )}
        <ul class="items">
          {(read.data.value?.items ?? []).map(x => (
            <li key={x.id} class="card item">
              <header>
                <h3>{word('import', x.kind)}</h3>
                <span class="badge">{word('imported', x.state)}</span>
              </header>
              <dl>
                <div>
                  <dt>{t('imports.by')}</dt>
                  <dd>
                    <bdi>{x.by}</bdi>, {ago(x.at, now.value)}
                  </dd>
                </div>
                <Count name={t('imports.accepted')} n={x.accepted} />
                <Count name={t('imports.updated')} n={x.updated} />
                <Count name={t('imports.unchanged')} n={x.unchanged} />
                <Count name={t('imports.rejected')} n={x.rejected} />
              </dl>
              {x.broken && <p class="notice warn">{t('imports.broken')}</p>}
              {x.state === 'done' && (
                <button
                  type="button"
                  onClick={() => {
                    undoing.value = x
                  }}
                >
                  {t('imports.undo')}
                </button>
              )}
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}

function Count({ name, n }: { name: string; n: number }): JSX.Element | null {
  if (n === 0) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{number(n)}</dd>
    </div>
  )
}

/** What an import did, and what is wrong with the lines that it refused. */
function Read({ report: r }: { report: Report }): JSX.Element {
  const errors = r.errors ?? []
  return (
    <section class="card" aria-labelledby="report-h">
      <h2 id="report-h">
        <bdi>{r.name}</bdi>
      </h2>
      <dl class="figures">
        <Figure n={number(r.accepted ?? 0)}>{t('imports.accepted')}</Figure>
        <Figure n={number(r.updated ?? 0)}>{t('imports.updated')}</Figure>
        <Figure n={number(r.unchanged ?? 0)}>{t('imports.unchanged')}</Figure>
        <Figure n={number(r.rejected ?? 0)}>{t('imports.rejected')}</Figure>
      </dl>
      {(r.unassigned ?? 0) > 0 && <p class="notice warn">{t('imports.unassigned', { n: r.unassigned! })}</p>}
      {errors.length > 0 && (
        <>
          <h3>{t('imports.errors')}</h3>
          <p>{t('imports.mend')}</p>
          <Lines list={errors} />
          {(r.errors_left_out ?? 0) > 0 && <p>{t('imports.more', { n: r.errors_left_out! })}</p>}
        </>
      )}
      {(r.warnings ?? []).length > 0 && (
        <>
          <h3>{t('imports.warnings')}</h3>
          <Lines list={r.warnings!} />
        </>
      )}
    </section>
  )
}

interface Line {
  line?: number
  feature?: number
  column?: string
  path?: string
  id?: string
  message: string
  code: string
}

function Lines({ list }: { list: Line[] }): JSX.Element {
  return (
    <div class="scroll">
      <table class="lines">
        <caption class="hidden">{t('imports.errors')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('imports.line')}</th>
            <th scope="col">{t('imports.column')}</th>
            <th scope="col">{t('imports.wrong')}</th>
          </tr>
        </thead>
        <tbody>
          {list.map((e, i) => (
            <tr key={i}>
              <td>{e.line ?? e.id ?? (e.feature ?? 0) + 1}</td>
              <td>{e.column || e.path ? <bdi>{e.column ?? e.path}</bdi> : t('imports.whole')}</td>
              <td>{e.message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Undoing an import: first what would become of it, then the reason. */
function Undo({
  of: x,
  onDone,
  onEnd,
}: {
  of: Import
  onDone: (said: string) => void
  onEnd: () => void
}): JSX.Element {
  const act = useAct()
  const reason = useSignal<UndoImportRequest['reason'] | ''>('')
  const would = useSignal<UndoReport | undefined>(undefined)
  const path = { import: x.id ?? '' }
  useEffect(() => {
    void act.run(async () => {
      would.value = await call('POST', '/v1/imports/{import}/undo', {
        path,
        query: { dry_run: 'true' },
        body: { reason: 'other' },
      })
      return undefined
    })
  }, [])
  const w = would.value
  return (
    <section class="card stack" aria-labelledby="undo-h">
      <h2 id="undo-h">
        {t('imports.undo.ask', { kind: word('import', x.kind), when: ago(x.at, now.value) })}
      </h2>
      <Outcome act={act} />
      {!w && act.busy.value && <Loading what={t('imports.undo.looking')} />}
      {w && (
        <>
          <ul>
            {w.closed > 0 && <li>{t('imports.undo.closed', { n: w.closed })}</li>}
            {w.restored > 0 && <li>{t('imports.undo.restored', { n: w.restored })}</li>}
            {w.reversed > 0 && <li>{t('imports.undo.reversed', { n: w.reversed })}</li>}
            {w.struck > 0 && <li>{t('imports.undo.struck', { n: w.struck })}</li>}
            {(w.removed ?? 0) > 0 && <li>{t('imports.undo.removed', { n: w.removed! })}</li>}
            {w.partly > 0 && <li>{t('imports.undo.partly', { n: w.partly })}</li>}
            {w.left > 0 && <li>{t('imports.undo.left', { n: w.left })}</li>}
          </ul>
          <form
            class="stack"
            onSubmit={e => {
              e.preventDefault()
              if (!reason.value) return
              const body = { reason: reason.value }
              void act.run(async () => {
                await call('POST', '/v1/imports/{import}/undo', { path, body })
                onDone(t('imports.undo.done'))
                return undefined
              })
            }}
          >
            <Choice
              label={t('imports.undo.why')}
              value={reason.value}
              required
              options={[
                ['', t('office.choose')],
                ...reasons.map((r): [string, string] => [r, word('undo', r)]),
              ]}
              onChange={v => {
                reason.value = v as UndoImportRequest['reason']
              }}
            />
            <div class="buttons">
              <button type="submit" class="danger" disabled={act.busy.value}>
                {t('imports.undo')}
              </button>
              <button type="button" onClick={onEnd}>
                {t('confirm.leave')}
              </button>
            </div>
          </form>
        </>
      )}
    </section>
  )
}
