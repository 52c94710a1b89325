import { type Plan, type PlanRequest, preview } from '@doorstep/plan'
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { localDate, longDate } from '../../shared/format'
import { minute } from '../clock'
import { Choices, money, Page, SignHere, useStrokes } from '../parts'
import { go } from '../route'
import { t, word } from '../words'
import { Foot, type Of, sign, useFinish, visitFor } from './report'

const counts = ['2', '3', '4', '6', '9', '12']
const frequencies = ['monthly', 'fortnightly', 'weekly'] as const

/** A date so many days after another. */
function later(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

/** What the lender allows in plans, as the card tells it. */
interface Rules {
  guardrails?: PlanRequest['guardrails']
  holiday_rule?: PlanRequest['holiday_rule']
  holidays?: string[]
  weekend?: PlanRequest['weekend']
  kinds?: string[]
  agent_max_days?: number
  agent_max_instalments?: number
  agent_max_total_minor?: number
}

/** Whether a plan is more than an agent may agree to alone, or of a kind that the lender does not offer: the office
 * answers then. The server judges again. */
function beyond(plan: Plan, rules: Rules, today: string): boolean {
  const last = plan.instalments.at(-1)?.due_on ?? today
  const days = (Date.parse(last) - Date.parse(today)) / 86_400_000
  return (
    plan.instalments.length > (rules.agent_max_instalments ?? Number.POSITIVE_INFINITY) ||
    days > (rules.agent_max_days ?? Number.POSITIVE_INFINITY) ||
    plan.total_minor > (rules.agent_max_total_minor ?? Number.POSITIVE_INFINITY) ||
    !(rules.kinds ?? ['instalments']).includes('instalments')
  )
}

/** A repayment plan, computed on the phone as the server computes it. */
export function PlanReport({ draft, card, stop, back }: Of): JSX.Element {
  const c = draft.content.value
  const [strokes, setStrokes, inkNow] = useStrokes(draft.id)
  const why = useSignal('')
  const [busy, run] = useFinish()
  const today = localDate(minute.value, String(card.time_zone || 'UTC'))
  const currency = String(card.currency)
  const frequency = String(c.frequency ?? '')
  const count = Number(c.count ?? 0)
  const start = String(c.start_on ?? later(today, 14))
  const request = { kind: 'instalments' as const, start_on: start, frequency: frequency as 'monthly', count }
  const ready = frequency !== '' && count > 0
  const rules = (card.plan_rules ?? {}) as Rules
  const made = ready
    ? preview({
        ...request,
        today,
        currency,
        balance_minor: Number(card.amount_due_minor ?? 0),
        guardrails: rules.guardrails,
        holiday_rule: rules.holiday_rule,
        holidays: rules.holidays,
        weekend: rules.weekend,
      })
    : undefined
  const result = made && 'result' in made ? made.result : undefined
  const accepted = c.state === 'accepted'
  const save = async (): Promise<void> => {
    why.value = ''
    const visit = visitFor(stop, c)
    if (accepted) {
      try {
        const by = { type: 'plans' as const, id: draft.id, card: card.id }
        await sign(by, inkNow(), String(draft.content.value.typed ?? ''), visit)
      } catch {
        why.value = t('sign.none')
        return
      }
    }
    const at = new Date().toISOString()
    await draft.finish({
      ...visit,
      at,
      request,
      total_minor: result!.total_minor,
      instalments: result!.instalments.map(i => ({ n: i.n, due_on: i.due_on, amount_minor: i.amount_minor })),
      state: accepted ? 'accepted' : 'offered',
      offered_by: 'agent',
      ...(accepted ? { acceptance: { at, channel: 'visit', method: 'on_screen_signature' } } : {}),
    })
    go(...back)
  }
  return (
    <Page title={t('plan.title')} back={back}>
      <p>{t('plan.owed', { amount: money(Number(card.amount_due_minor ?? 0), currency) })}</p>
      <Choices
        label={t('plan.count')}
        of={counts.map(n => [n, n])}
        chosen={String(c.count ?? '')}
        choose={v => void draft.set({ count: Number(v) })}
      />
      <Choices
        label={t('plan.frequency')}
        of={frequencies.map(f => [f, word('frequency', f)])}
        chosen={frequency}
        choose={v => void draft.set({ frequency: v })}
      />
      <div class="field">
        <label for="start">{t('plan.start')}</label>
        <input
          id="start"
          type="date"
          min={today}
          value={start}
          onChange={e => void draft.set({ start_on: e.currentTarget.value })}
        />
      </div>
      {made && 'refused' in made && (
        <p class="notice bad" role="alert">
          {t('plan.refused', { why: `${made.refused.reason} (${made.refused.at})` })}
        </p>
      )}
      {result && (
        <>
          <table>
            <caption>{t('plan.shown')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('plan.due')}</th>
                <th scope="col">{t('plan.amount')}</th>
              </tr>
            </thead>
            <tbody>
              {result.instalments.map(i => (
                <tr key={`${i.n} ${i.due_on}`}>
                  <td>{longDate(i.due_on)}</td>
                  <td>{money(i.amount_minor, currency)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="notice warn">{beyond(result, rules, today) ? t('plan.beyond') : t('plan.within')}</p>
          <Choices
            label={t('plan.state')}
            of={[
              ['accepted', t('plan.accepted')],
              ['offered', t('plan.offered')],
            ]}
            chosen={String(c.state ?? '')}
            choose={v => void draft.set({ state: v })}
          />
          {accepted && (
            <SignHere
              id={draft.id}
              strokes={strokes}
              setStrokes={setStrokes}
              typed={c.typed as string | undefined}
              setTyped={v => void draft.set({ typed: v })}
            />
          )}
        </>
      )}
      {why.value && (
        <p class="notice bad" role="alert">
          {why.value}
        </p>
      )}
      <button
        type="button"
        class="main wide"
        disabled={busy || !result || !c.state}
        onClick={() => run(save)}
      >
        {t('plan.save')}
      </button>
      <Foot draft={draft} back={back} />
    </Page>
  )
}
