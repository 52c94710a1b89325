import { dateText, readDate } from "./date.js";
import { isMore } from "./money.js";
import type { Plan } from "./plan.js";

/** Terms say when a plan is broken; Go's DefaultTerms stand for what is absent. */
export interface Terms {
  grace_days?: number | undefined;
  broken_after?: number | undefined;
  partly_from_bp?: number | undefined;
}

/** Payment is what came in on a day. It counts until the day before it was reversed. Two of one ref are one. */
export interface Payment {
  ref: string;
  on: string;
  amount_minor: number;
  reversed_on?: string | null | undefined;
}

/** State is what payments have made of a plan by the evening of a day. */
export interface State {
  as_of: string;
  state: "active" | "kept" | "partially_kept" | "broken";
  since: string;
  paid_minor: number;
  excess_minor: number;
  arrears_minor: number;
  next: { n: number; due_on: string; open_minor: number } | null;
}

/** defaults are the terms where there are none. */
const defaults = { grace_days: 3, broken_after: 1, partly_from_bp: 0 };

const day = (text: string): number => {
  const d = readDate(text);
  if (d === undefined) throw new RangeError("a date is written as 2006-01-02");
  return d;
};

/** distinct returns the payments without those that are told again. The earliest reversal of a ref counts. */
export function distinct(payments: readonly Payment[]): Payment[] {
  const out = new Map<string, Payment>();
  for (const p of payments) {
    const first = out.get(p.ref);
    if (!first) {
      out.set(p.ref, { ...p });
    } else if (p.reversed_on && (!first.reversed_on || p.reversed_on < first.reversed_on)) {
      first.reversed_on = p.reversed_on;
    }
  }
  return [...out.values()];
}

/** Course is a plan with what was paid on it, for all days. today is that of its request. */
export class Course {
  private readonly due: readonly { n: number; on: number; upTo: number }[];
  private readonly steps: { from: number; paid: number }[] = [];
  private readonly grace: number;
  private readonly broke: { on: number; as: "broken" | "partially_kept" } | undefined;
  private readonly today: number;

  constructor(private readonly plan: Plan, today: string, terms: Terms, payments: readonly Payment[]) {
    this.today = day(today);
    this.grace = terms.grace_days ?? defaults.grace_days;
    let upTo = 0;
    this.due = plan.instalments.map((d) => ({ n: d.n, on: day(d.due_on), upTo: (upTo += d.amount_minor) }));
    const changes = new Map<number, number>();
    const change = (on: number, by: number) => changes.set(on, (changes.get(on) ?? 0) + by);
    for (const p of distinct(payments)) {
      const on = day(p.on);
      const back = p.reversed_on ? day(p.reversed_on) : Infinity;
      if (on < this.today || back <= on) continue;
      change(on, p.amount_minor);
      if (p.reversed_on) change(back, -p.amount_minor);
    }
    let paid = 0;
    const days = [...changes.keys()].sort((a, b) => a - b);
    for (const from of days) this.steps.push({ from, paid: (paid += changes.get(from)!) });
    // What is missed changes only on these days and on the days after a grace.
    const edges = new Set([...days, ...this.due.map((d) => d.on + this.grace + 1)]);
    const { broken_after, partly_from_bp } = { broken_after: terms.broken_after ?? defaults.broken_after,
      partly_from_bp: terms.partly_from_bp ?? defaults.partly_from_bp };
    for (const on of [...edges].sort((a, b) => a - b)) {
      const sum = this.paid(on);
      const late = this.before(on - this.grace);
      const missed = late - this.full(sum);
      if (missed < 1 || (missed < broken_after && late < this.due.length)) continue;
      const partly = sum > 0 && !isMore(partly_from_bp, this.due[late - 1]!.upTo, sum, 10_000);
      this.broke = { on, as: partly ? "partially_kept" : "broken" };
      break;
    }
  }

  private paid(on: number): number {
    return this.steps[first(this.steps.length, (i) => this.steps[i]!.from > on) - 1]?.paid ?? 0;
  }

  /** full returns how many instalments a paid sum fills, in their order. */
  private full(paid: number): number {
    return first(this.due.length, (i) => this.due[i]!.upTo > paid);
  }

  /** before returns how many instalments are due before a day. */
  private before(on: number): number {
    return first(this.due.length, (i) => this.due[i]!.on >= on);
  }

  /** at returns the state in the evening of a day. */
  at(asOf: string): State {
    const on = day(asOf);
    const paid = this.paid(on);
    const total = this.plan.total_minor;
    const next = this.due[this.full(paid)];
    let [state, since]: [State["state"], number] = ["active", this.today];
    if (this.broke && this.broke.on <= on) [state, since] = [this.broke.as, this.broke.on];
    else if (!next) [state, since] = ["kept", this.fullSince(on)];
    return {
      as_of: asOf,
      state,
      since: dateText(since),
      paid_minor: Math.min(paid, total),
      excess_minor: Math.max(0, paid - total),
      arrears_minor: Math.max(0, (this.due[this.before(on) - 1]?.upTo ?? 0) - paid),
      next: next ? { n: next.n, due_on: dateText(next.on), open_minor: next.upTo - paid } : null,
    };
  }

  /** fullSince returns the first day from which all is paid without interruption, until a day on which it is. */
  private fullSince(on: number): number {
    let since = on;
    for (let i = first(this.steps.length, (j) => this.steps[j]!.from > on) - 1; i >= 0; i--) {
      if (this.steps[i]!.paid < this.plan.total_minor) break;
      since = this.steps[i]!.from;
    }
    return since;
  }
}

/** first returns the first of n indices for which a condition holds that holds from there on; n if there is none. */
function first(n: number, holds: (i: number) => boolean): number {
  let [low, high] = [0, n];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
