import { maxMinor } from "./money.js";
import { preview, type Plan } from "./plan.js";
import { isObject, Members } from "./read.js";
import type { PlanRequest, Refusal } from "./request.js";
import { Course, distinct, type Payment, type State, type Terms } from "./state.js";

/** Question is what POST /v1/plans/preview takes. Beside the request, all may be absent or null. */
export interface Question {
  request: PlanRequest | unknown;
  default_terms?: Terms | null | undefined;
  payments?: readonly Payment[] | null | undefined;
  checks?: readonly { as_of: string }[] | null | undefined;
}

/** Answered is a plan with its states at the dates that were asked for, or why there is none. */
export interface Answered {
  result?: Plan;
  refused?: Refusal;
  checks?: State[];
}

/** MalformedQuestion says which member of a question is at fault, outside of the request. */
export class MalformedQuestion extends Error {
  constructor(readonly at: string) {
    super(`the question is malformed at ${at}`);
  }
}

const mostPayments = 10_000;
const mostChecks = 1000;
const mostGraceDays = 3660;
const longestRef = 128;

/** answer answers a question as the server does. It throws a MalformedQuestion. */
export function answer(question: Question): Answered {
  const { terms, payments, checks } = readQuestion(question);
  const previewed = preview(question.request);
  if ("refused" in previewed || !checks) return previewed;
  const course = new Course(previewed.result, (question.request as PlanRequest).today, terms, payments);
  return { ...previewed, checks: checks.map((asOf) => course.at(asOf)) };
}

function readQuestion(question: unknown): { terms: Terms; payments: Payment[]; checks: string[] | undefined } {
  if (!isObject(question)) throw new MalformedQuestion("");
  const o = new Members(question, "", {});
  o.need("request");
  const terms: Terms = {};
  const said = o.takeNotNull("default_terms")?.object();
  if (said) {
    terms.grace_days = said.take("grace_days")?.within(0, mostGraceDays);
    terms.broken_after = said.take("broken_after")?.within(1, maxMinor);
    terms.partly_from_bp = said.take("partly_from_bp")?.within(0, maxMinor);
    said.close();
  }
  const payments = distinct(readPayments(o));
  let room = maxMinor;
  for (const p of payments) {
    if ((room -= Math.max(0, p.amount_minor)) >= 0) continue;
    o.fail("payments");
    break;
  }
  const list = o.takeNotNull("checks");
  const entries = list?.list(true) ?? [];
  if (entries.length > mostChecks) o.fail("checks");
  const checks = entries.slice(0, mostChecks).map((v) => {
    const check = v.object();
    const asOf = check?.need("as_of");
    asOf?.date();
    check?.close();
    return asOf?.v as string;
  });
  o.close();
  const at = o.findings.malformed ?? o.findings.outOfRange;
  if (at !== undefined) throw new MalformedQuestion(at);
  return { terms, payments, checks: list && checks };
}

function readPayments(o: Members): Payment[] {
  const entries = o.takeNotNull("payments")?.list(true) ?? [];
  if (entries.length > mostPayments) o.fail("payments");
  return entries.slice(0, mostPayments).map((v): Payment => {
    const p = v.object();
    const [ref, on, back] = [p?.need("ref"), p?.need("on"), p?.takeNotNull("reversed_on")];
    const length = [...(ref?.text() ?? "")].length;
    on?.date();
    const amount = p?.need("amount_minor")?.minor(1) ?? 0;
    back?.date();
    if (length === 0 || length > longestRef) p?.fail("ref");
    p?.close();
    return { ref: ref?.v as string, on: on?.v as string, amount_minor: amount, reversed_on: back?.v as string };
  });
}
