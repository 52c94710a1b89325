import type { InboxItem } from '../shared/api'
import { act } from '../shared/call'
import { t } from '../shared/words'

/** What a decision says beside yes or no. */
export interface Said {
  reason: string
  outcome: string
  channel: string
  at: string
}

/** A decision that can be made on an item of the inbox. */
export interface Choice {
  word: string
  /** What must be written with it. */
  needs: 'nothing' | 'reason' | 'answer'
  send: (said: Said, key: string) => Promise<void>
}

/** The two decisions on an item: a for yes, r for no. */
export interface Choices {
  yes?: Choice | undefined
  no?: Choice | undefined
}

/** What can be decided on an item without leaving the inbox. Items of other kinds are read in their own screens. */
export function choicesOf(x: InboxItem): Choices {
  const via = (
    operations: string[],
    word: string,
    needs: Choice['needs'],
    body: (s: Said) => unknown,
  ): Choice | undefined => {
    const action = (x.do ?? []).find(d => operations.includes(d.operation))
    if (!action) return undefined
    return { word, needs, send: (s, key) => act(action.method, action.path, body(s), key) }
  }
  const reviews = ['reviewVisit', 'reviewCorrection']
  switch (x.kind) {
    case 'plans_to_approve':
      return {
        yes: via(['approvePlan'], t('decide.yes.plans_to_approve'), 'nothing', () => ({})),
        no: via(['rejectPlan'], t('decide.no.plans_to_approve'), 'reason', s => ({ reason: s.reason })),
      }
    case 'complaint_holds':
    case 'hold_releases':
      return {
        yes: via(['releaseHold'], t('decide.yes.holds'), 'reason', s => ({ reason: s.reason })),
        no: via(['keepHold'], t('decide.no.holds'), 'nothing', () => undefined),
      }
    case 'flagged_visits':
    case 'corrections':
      return {
        yes: via(reviews, t('decide.yes.review'), 'nothing', () => ({ state: 'accepted' })),
        no: via(reviews, t('decide.no.review'), 'reason', s => ({ state: 'invalid', notes: s.reason })),
      }
    case 'replies':
    case 'vulnerable_replies':
      return { yes: via(['handleReply'], t('decide.yes.replies'), 'reason', s => ({ note: s.reason })) }
    case 'complaints':
      return {
        yes: via(['answerComplaint'], t('decide.yes.complaints'), 'answer', s => ({
          at: s.at,
          channel: s.channel,
          outcome: s.outcome,
          text: s.reason,
        })),
      }
    case 'dead_alerts':
      return { yes: via(['retryAlert'], t('decide.yes.dead_alerts'), 'nothing', () => undefined) }
  }
  return {}
}

/** What is due when: the date of the duty, or the day since which it waits. */
export const dutyOf = (x: InboxItem): string => x.until ?? x.since.slice(0, 10)

/** The oldest duty first, and of one day what has waited longest. */
export function byDuty(a: InboxItem, b: InboxItem): number {
  const [x, y] = [dutyOf(a) + a.since, dutyOf(b) + b.since]
  return x < y ? -1 : x > y ? 1 : 0
}

/** What tells an item from the others. */
export const keyOf = (x: InboxItem): string => `${x.kind} ${x.case ?? ''} ${x.id}`
