import { addMonths, dateText, weekdayOf } from "./date.js";
import { divided, isMore, plain } from "./money.js";
import { read, type Checked, type PlanRequest, type Refusal } from "./request.js";

/** Instalment is an amount that is due on a day. n is 0 for the down payment, and counts from 1 for the others. */
export interface Instalment {
  n: number;
  due_on: string;
  amount_minor: number;
}

/** Plan is a computed plan; server/repayment/README.md says what each member means. */
export interface Plan {
  total_minor: number;
  total_plain: string;
  concession_minor: number;
  remaining_after_minor: number;
  needs_approval: boolean;
  advice: string[];
  instalments: Instalment[];
}

/** Previewed is a plan, or why there is none. */
export type Previewed = { result: Plan } | { refused: Refusal };

const mostInstalments = 600;
const searchDays = 60;

/** preview computes a plan. It takes any value and throws nothing. */
export function preview(request: PlanRequest | unknown): Previewed {
  const r = read(request);
  if ("reason" in r) return { refused: r };
  const plan = compute(r);
  return "reason" in plan ? { refused: plan } : { result: plan };
}

const isOne = (r: Checked): boolean => r.kind === "ptp_single" || r.kind === "extension";

/** above tells whether a part is more than so many basis points of the whole. */
const above = (part: number, bp: number | undefined, whole: number): boolean =>
  bp !== undefined && isMore(part, 10_000, bp, whole);

/** placeOf returns the member at fault where nothing else is. */
function placeOf(r: Checked): string {
  if (isOne(r)) return "start_on";
  return r.count === undefined ? "amount_minor" : "count";
}

function compute(r: Checked): Plan | Refusal {
  const no = (reason: string, at: string): Refusal => ({ reason, at });
  if (r.start < r.today) return no("start_in_past", "start_on");
  if (r.down > 0 && r.downOn < r.today) return no("start_in_past", "down_payment_on");
  const frozen = r.kind === "interest_freeze";
  const concession = frozen ? r.future : r.concession;
  const payable = frozen ? r.balance : r.balance + r.future - r.concession;
  if (payable < 1 || above(concession, r.guard.max_concession_bp, r.balance)) {
    return no("concession_too_large", frozen ? "future_interest_minor" : "concession_minor");
  }
  const rest = payable - r.down;
  if (r.down > 0) {
    if (rest < 1) return no("down_payment_too_large", "down_payment_minor");
    if (above(r.down, r.guard.max_down_payment_bp, payable)) return no("down_payment_pressure", "down_payment_minor");
    if (r.downOn >= nominal(r, 0)) return no("down_payment_late", "down_payment_on");
  }
  const amounts = amountsOf(r, rest);
  if (!Array.isArray(amounts)) return amounts;
  const last = nominal(r, amounts.length - 1);
  const bad = judgeDates(r, last);
  if (bad) return bad;

  const due = amounts.map((amount, i) => ({ n: i + 1, on: nominal(r, i), amount }));
  if (r.down > 0) due.unshift({ n: 0, on: r.downOn, amount: r.down });
  if (r.moves && !move(r, due)) return no("no_working_day", "holidays");
  const pressure = judgePressure(r, amounts);
  if (pressure.refused) return pressure.refused;
  const total = due.reduce((sum, d) => sum + d.amount, 0);
  return {
    total_minor: total,
    total_plain: plain(total, r.currency),
    concession_minor: concession,
    remaining_after_minor: payable - total,
    needs_approval: above(concession, r.guard.agent_max_concession_bp, r.balance) ||
      isAfter(r, last, r.guard.agent_max_term_months),
    advice: pressure.advice,
    instalments: due.map((d) => ({ n: d.n, due_on: dateText(d.on), amount_minor: d.amount })),
  };
}

/** amountsOf divides the rest among the instalments. */
function amountsOf(r: Checked, rest: number): number[] | Refusal {
  const no = (reason: string): Refusal => ({ reason, at: placeOf(r) });
  const n = r.count ?? (r.amount === undefined ? 1 : divided(rest - 1, 1, r.amount)[0] + 1);
  const isToken = r.kind === "token_payment";
  if (n < (isOne(r) || r.kind === "settlement" ? 1 : 2)) return no("too_few_instalments");
  if (n > Math.min(r.guard.max_instalments ?? mostInstalments, mostInstalments)) return no("too_many_instalments");
  if (isToken) {
    const each = r.amount ?? 0;
    return isMore(rest, 1, n, each) ? Array<number>(n).fill(each) : no("not_a_token");
  }
  const amounts = r.amount === undefined ? divide(rest, r.weights ?? Array<number>(n).fill(1))
    : byAmount(rest, r.amount, n);
  if (amounts.includes(0)) return no("too_small_to_split");
  const least = r.guard.min_instalment_minor;
  if (least !== undefined && !isOne(r) && n > 1) {
    const judged = r.amount === undefined ? amounts : amounts.slice(0, -1);
    if (judged.some((amount) => amount < least)) return no("below_minimum");
  }
  return amounts;
}

function byAmount(rest: number, amount: number, n: number): number[] {
  const out = Array<number>(n).fill(amount);
  out[n - 1] = rest - (n - 1) * amount;
  return out;
}

/**
 * divide gives each weight its share of an amount, rounded down. The units that are left go to those with the largest
 * remainders, to the earlier of equal ones.
 */
function divide(amount: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const shares = weights.map((w) => divided(amount, w, sum));
  const out = shares.map(([whole]) => whole);
  const left = out.reduce((a, b) => a - b, amount);
  const order = shares.map(([, remainder], i) => ({ remainder, i }));
  order.sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  for (const { i } of order.slice(0, left)) out[i]!++;
  return out;
}

/** nominal returns the date of the instalment i, from 0, before it moves, counted from the start. */
function nominal(r: Checked, i: number): number {
  const periods = i + r.pause;
  switch (r.frequency) {
    case "weekly":
      return r.start + 7 * periods;
    case "fortnightly":
      return r.start + 14 * periods;
    case "every_4_weeks":
      return r.start + 28 * periods;
    case "monthly":
      return addMonths(r.start, periods, r.toMonthEnd);
    case undefined:
      return r.start;
  }
}

const isAfter = (r: Checked, day: number, months: number | undefined): boolean =>
  months !== undefined && day > addMonths(r.today, months, false);

function judgeDates(r: Checked, last: number): Refusal | undefined {
  const over = (n: number, most: number | undefined) => most !== undefined && n > most;
  if (r.kind === "extension") {
    if (r.start <= r.originalDue) return { reason: "extension_not_later", at: "start_on" };
    if (over(r.start - r.originalDue, r.guard.max_extension_days)) {
      return { reason: "extension_too_long", at: "start_on" };
    }
  }
  if (over(r.pause, r.guard.max_holiday_periods)) return { reason: "holiday_too_long", at: "holiday_periods" };
  if (r.kind === "token_payment" && r.review <= last) return { reason: "review_before_end", at: "review_on" };
  if (over(r.start - r.today, r.guard.max_start_days)) return { reason: "start_too_late", at: "start_on" };
  if (isAfter(r, last, r.guard.max_term_months)) return { reason: "term_too_long", at: placeOf(r) };
  return undefined;
}

/** move moves each date to the first working day that is later than the date before it; false if there is none. */
function move(r: Checked, due: { on: number }[]): boolean {
  let before = -1;
  for (const d of due) {
    let day = Math.max(d.on, before + 1);
    while (r.weekend.has(weekdayOf(day)) || r.holidays.has(day)) {
      if (++day > d.on + searchDays) return false;
    }
    if (day > d.on + searchDays) return false;
    d.on = before = day;
  }
  return true;
}

/** perMonth says how many instalments of a frequency fall into a month, as a fraction: 52 weeks are 12 months. */
const perMonth = { weekly: [52, 12], fortnightly: [26, 12], every_4_weeks: [13, 12], monthly: [1, 1] } as const;

function judgePressure(r: Checked, amounts: number[]): { refused?: Refusal; advice: string[] } {
  const no = (reason: string, at: string) => ({ refused: { reason, at }, advice: [] });
  if (r.borrowing) return no("new_borrowing", "pressure.new_borrowing_suggested");
  const least = r.guard.min_answer_days;
  if (r.answerDays !== undefined && least !== undefined && r.answerDays < least) {
    return no("deadline_too_short", "pressure.deadline_days");
  }
  if (r.surplus === undefined || r.kind === "token_payment") return { advice: [] };
  const single = isOne(r) || (r.kind === "settlement" && amounts.length === 1);
  const [times, per] = single ? [1, 1] : perMonth[r.frequency ?? "monthly"];
  if (!isMore(Math.max(...amounts), times, r.surplus, per)) return { advice: [] };
  if (r.byDebtor) return { advice: ["above_surplus"] };
  return single ? no("lump_sum_pressure", "kind") : no("above_surplus", placeOf(r));
}
