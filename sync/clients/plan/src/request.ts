import { weekdays } from "./date.js";
import { decimals, maxMinor } from "./money.js";
import { isObject, Members, type Value } from "./read.js";

/** Weekday is a day of the week. */
export type Weekday = (typeof weekdays)[number];

const frequencies = ["weekly", "fortnightly", "every_4_weeks", "monthly"] as const;
const monthEnds = ["clamp", "last"] as const;
const offerers = ["agent", "debtor"] as const;
const holidayRules = ["none", "next_working_day"] as const;

/** Frequency says how long a period between two instalments is. */
export type Frequency = (typeof frequencies)[number];

/** Kind is a kind of plan. */
export type Kind = "ptp_single" | "instalments" | "reduced_payment" | "interest_freeze" | "extension" | "settlement" |
  "payment_holiday" | "token_payment";

/**
 * PlanRequest is what is asked. Amounts are minor units, dates are "2006-01-02". Which members a kind takes and needs
 * is in server/repayment/README.md; a member that is undefined is absent.
 */
export interface PlanRequest {
  kind: Kind;
  today: string;
  currency: string;
  balance_minor: number;
  start_on: string;
  offered_by?: "agent" | "debtor" | undefined;
  holiday_rule?: "none" | "next_working_day" | undefined;
  holidays?: readonly string[] | undefined;
  weekend?: readonly Weekday[] | undefined;
  guardrails?: { readonly [limit in Guardrail]?: number | undefined } | undefined;
  affordability?: { surplus_minor: number } | undefined;
  pressure?: { new_borrowing_suggested?: boolean | undefined; deadline_days?: number | undefined } | undefined;
  future_interest_minor?: number | undefined;
  frequency?: Frequency | undefined;
  count?: number | undefined;
  amount_minor?: number | undefined;
  weights?: readonly number[] | undefined;
  month_end?: "clamp" | "last" | undefined;
  down_payment_minor?: number | undefined;
  down_payment_on?: string | undefined;
  concession_minor?: number | undefined;
  holiday_periods?: number | undefined;
  original_due_on?: string | undefined;
  review_on?: string | undefined;
}

const guardrails = ["min_instalment_minor", "max_instalments", "max_term_months", "max_concession_bp",
  "max_down_payment_bp", "max_start_days", "max_holiday_periods", "max_extension_days", "min_answer_days",
  "agent_max_concession_bp", "agent_max_term_months"] as const;

/** Guardrail is a limit of a plan. One that is absent limits nothing. */
export type Guardrail = (typeof guardrails)[number];

/** Refusal says why there is no plan, and which member is at fault, such as guardrails.max_term_months. */
export interface Refusal {
  reason: string;
  at: string;
}

/** Checked is a request whose members are all present, in range, and taken by its kind. */
export interface Checked {
  kind: Kind;
  today: number;
  currency: string;
  balance: number;
  start: number;
  byDebtor: boolean;
  moves: boolean;
  holidays: ReadonlySet<number>;
  weekend: ReadonlySet<number>;
  guard: Partial<Record<Guardrail, number>>;
  surplus: number | undefined;
  borrowing: boolean;
  answerDays: number | undefined;
  future: number;
  frequency: Frequency | undefined;
  count: number | undefined;
  amount: number | undefined;
  weights: readonly number[] | undefined;
  toMonthEnd: boolean;
  down: number; // 0: there is none
  downOn: number;
  concession: number;
  pause: number;
  originalDue: number;
  review: number;
}

interface Takes {
  split: boolean; // frequency, and what divides an amount among instalments
  needed: readonly string[];
  taken: readonly string[];
}

const interest = ["future_interest_minor"];

const kinds = new Map<string, Takes>([
  ["ptp_single", { split: false, needed: [], taken: interest }],
  ["extension", { split: false, needed: ["original_due_on"], taken: interest }],
  ["instalments", { split: true, needed: [], taken: interest }],
  ["reduced_payment", { split: true, needed: ["concession_minor"], taken: interest }],
  ["settlement", { split: true, needed: ["concession_minor"], taken: interest }],
  ["interest_freeze", { split: true, needed: interest, taken: [] }],
  ["payment_holiday", { split: true, needed: ["holiday_periods"], taken: interest }],
  ["token_payment", { split: false, needed: ["frequency", "count", "amount_minor", "review_on"],
    taken: ["month_end"] }],
]);

const mostWeight = 1_000_000;
const mostPause = 600;
const mostMonths = 1200;

/**
 * read checks a request. It refuses, in this order, what is malformed, an unknown currency, and an amount out of range.
 * Of several malformed members it names the one that Go's Read names.
 */
export function read(request: unknown): Checked | Refusal {
  const bad = (reason: string, at: string): Refusal => ({ reason, at });
  if (!isObject(request)) return bad("bad_request", "");
  const o = new Members(request, "", {});
  const kind = o.take("kind")?.v;
  const takes = typeof kind === "string" ? kinds.get(kind) : undefined;
  if (!takes) return bad("bad_request", "kind");
  const member = (name: string): Value | undefined =>
    takes.needed.includes(name) ? o.need(name) : takes.taken.includes(name) ? o.take(name) : undefined;

  const common = readCommon(o);
  const future = member("future_interest_minor")?.minor(kind === "interest_freeze" ? 1 : 0) ?? 0;
  const none = { frequency: undefined, count: undefined, amount: undefined, weights: undefined, toMonthEnd: false,
    down: 0, downOn: common.today };
  let terms: Omit<Checked, keyof ReturnType<typeof readCommon> | "kind" | "future" | "concession" | "pause" |
    "originalDue" | "review"> = none;
  if (takes.split) {
    terms = readSplit(o, common.today);
  } else if (kind === "token_payment") {
    terms = { ...none, frequency: o.need("frequency")?.word(frequencies), count: member("count")?.integer(),
      amount: member("amount_minor")?.minor(1), toMonthEnd: member("month_end")?.word(monthEnds) === "last" };
  }
  const concession = member("concession_minor")?.minor(1) ?? 0;
  const pause = member("holiday_periods")?.within(1, mostPause) ?? 0;
  const originalDue = member("original_due_on")?.date() ?? 0;
  const review = member("review_on")?.date() ?? 0;
  o.close();
  const { malformed } = o.findings;
  if (malformed !== undefined) return bad("bad_request", malformed);
  if (decimals(common.currency) === undefined) return bad("unknown_currency", "currency");
  let { outOfRange } = o.findings;
  if (outOfRange === undefined && future > maxMinor - common.balance) outOfRange = "future_interest_minor";
  if (outOfRange !== undefined) return bad("amount_out_of_range", outOfRange);
  return { kind: kind as Kind, ...common, future, ...terms, concession, pause, originalDue, review };
}

function readCommon(o: Members) {
  const today = o.need("today")?.date() ?? 0;
  const currency = o.need("currency")?.text() ?? "";
  const balance = o.need("balance_minor")?.minor(1) ?? 0;
  const start = o.need("start_on")?.date() ?? 0;
  const byDebtor = o.take("offered_by")?.word(offerers) === "debtor";
  const moves = o.take("holiday_rule")?.word(holidayRules) === "next_working_day";
  const holidays = new Set((o.take("holidays")?.list() ?? []).map((v) => v.date()));
  const days = o.take("weekend")?.list().map((v) => v.word(weekdays)) ?? ["sat", "sun"];
  const weekend = new Set(days.map((w) => weekdays.indexOf(w as Weekday)));
  const guard: Partial<Record<Guardrail, number>> = {};
  const limits = o.take("guardrails")?.object();
  if (limits) {
    for (const name of guardrails) {
      const v = limits.take(name);
      if (!v) continue;
      guard[name] = name === "min_instalment_minor" ? v.minor(0)
        : v.within(0, name === "max_term_months" || name === "agent_max_term_months" ? mostMonths : maxMinor);
    }
    limits.close();
  }
  const left = o.take("affordability")?.object();
  const surplus = left?.need("surplus_minor")?.minor(-maxMinor);
  left?.close();
  const pressure = o.take("pressure")?.object();
  const borrowing = pressure?.take("new_borrowing_suggested")?.flag() ?? false;
  const answerDays = pressure?.take("deadline_days")?.within(0, maxMinor);
  pressure?.close();
  return { today, currency, balance, start, byDebtor, moves, holidays, weekend, guard, surplus, borrowing, answerDays };
}

function readSplit(o: Members, today: number) {
  const frequency = o.need("frequency")?.word(frequencies);
  const [many, each] = [o.take("count"), o.take("amount_minor")];
  if ((many === undefined) === (each === undefined)) o.fail("count");
  const count = many?.integer();
  const amount = each?.minor(1);
  const list = o.take("weights");
  const weights = list?.list().map((v) => v.within(1, mostWeight));
  if (list && weights?.length !== count) o.fail("weights");
  const toMonthEnd = o.take("month_end")?.word(monthEnds) === "last";
  const [paid, on] = [o.take("down_payment_minor"), o.take("down_payment_on")];
  const down = paid?.minor(1) ?? 0;
  const downOn = on?.date() ?? today;
  if (on && !paid) o.fail("down_payment_on");
  return { frequency, count, amount, weights, toMonthEnd, down, downOn };
}
