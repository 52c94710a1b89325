import { Matter, type Elsewhere } from "./matter.js";
import { Members } from "./members.js";
import { Policy } from "./policy.js";
import { allowedFrom } from "./search.js";
import { CantSay, daySeconds, instantText, isObject, parseDay, parseWhen, Zones, type Why } from "./time.js";
import { tryAt } from "./trial.js";

/** semantics is the version of the meaning of rules and cards that this engine knows. */
export const semantics = 1;

/** Bundle is a policy whose signature and parts were checked. verify makes it; nothing else can. */
export class Bundle {
  /** Only verify calls it: what it is given must have been checked. */
  constructor(
    readonly hash: string,
    /** org is the number of the organisation's entry that put the policy in force. It never falls. */
    readonly org: number,
    /** dated is the date on which the bundle was signed, from which its zone offsets hold. */
    readonly dated: string,
    readonly policy: Policy,
    readonly zones: Zones,
  ) {}

  /** before tells whether the bundle is older than another one. */
  before(seen: Seen): boolean {
    return this.org < seen.org || (this.org === seen.org && this.dated < seen.dated);
  }
}

/** Seen is the newest bundle that a phone ever verified. Keep it apart from the synced records and never lower it. */
export interface Seen {
  org: number;
  dated: string;
}

/** Question is an act at the door and what the phone knows of itself. */
export interface Question {
  /** at is when the act would begin, an instant: the phone's clock set right by the server_time of its pulls. */
  at: string;
  /** clock is "sure" if the phone knows how far its clock is off: it was not set or restarted since it pulled. */
  clock: "sure" | "doubtful";
  /** synced says that the first pull came to its end (more: false), and every later one that was begun. */
  synced: boolean;
  /** seen is the newest bundle ever verified on this phone. */
  seen: Seen;
  /** place, party, purpose, agents, items, recording, duration_min, event and onsite are as in the vectors. */
  place?: string;
  party?: string;
  purpose?: string;
  agents?: number;
  items?: string[];
  recording?: boolean;
  duration_min?: number;
  event?: string;
  onsite?: { asked_to_leave?: boolean; distressed?: boolean; identity_verified?: boolean };
  /** contacts are visits that this phone recorded and that the card does not have yet, in the shape of its history. */
  contacts?: unknown[];
  /** consents are those that this phone recorded and that the card does not have yet, in the shape of the vectors. */
  consents?: unknown[];
}

/** Answer is what judge says. It is never "yes" in doubt. */
export type Answer =
  /** The act is lawful if it begins before until and nothing else becomes known. */
  | { answer: "yes"; until: string }
  /** The act is not lawful now. again_at is when it would be, as far as card and bundle reach; null: not so soon. */
  | { answer: "no"; again_at: string | null; reason: string; rule: string; all: [string, string][] }
  /** Nobody may act on a guess: detail is for the app's makers, why for the app. */
  | { answer: "cant_say"; why: Why; detail: string };

/** judge answers whether a visit to a case is lawful. card is the record of type cases as it was pulled. */
export function judge(bundle: Bundle | undefined, card: unknown, question: Question): Answer {
  try {
    return answer(bundle, card, question);
  } catch (e) {
    if (e instanceof CantSay) return { answer: "cant_say", why: e.why, detail: e.message };
    throw e;
  }
}

function answer(bundle: Bundle | undefined, card: unknown, q: Question): Answer {
  if (!(bundle instanceof Bundle)) throw new CantSay("unverified", "the bundle was not verified");
  if (!Number.isSafeInteger(q.seen?.org)) throw new CantSay("question", "seen must be given");
  if (bundle.before(q.seen)) throw new CantSay("old_bundle", `the phone has seen ${q.seen.org} of ${q.seen.dated}`);
  if (q.synced !== true) throw new CantSay("not_synced", "the first pull is not complete");
  if (q.clock !== "sure") throw new CantSay("clock", "the phone's clock is in doubt");
  const asked = parseWhen(q.at);
  if (!asked || asked.wall) throw new CantSay("question", "at must be an instant");
  if (!isObject(card) || !isObject(card["door"])) throw new CantSay("card", "the card has nothing to judge by");
  const door = readDoor(card["door"], bundle);
  const dated = parseDay(bundle.dated);
  if (dated === undefined || asked.sec < dated * daySeconds || asked.sec < door.asOf - 300) {
    throw new CantSay("clock", "the phone's clock is behind what the server told it");
  }
  // What came while the clock was a little behind counts too.
  const at = Math.max(asked.sec, door.asOf);
  const { clock: _, synced: __, seen: ___, at: ____, contacts = [], consents = [], ...act } = q;
  const m = new Matter(bundle.policy, bundle.policy.chain(door.profiles), bundle.zones, {
    profiles: door.profiles,
    action: { ...act, at: instantText(at), channel: "visit", place: q.place ?? "home", case: card["id"], tz: door.tz },
    case: { past_due_days: door.pastDue, flags: door.flags, requests: door.requests,
      consents: [...door.consents, ...consents],
      notice: door.notice },
    history: [...door.history, ...contacts],
    elsewhere: door.elsewhere,
  });
  if (m.zones.length === 0) return no(null, [["TZ_UNKNOWN", "engine"]]);
  const today = m.zone.dayAt(at);
  if (today < door.from || today > door.to) throw new CantSay("card", "the card does not speak of this day: pull");
  if (door.pastDue !== undefined) {
    const n = door.pastDue;
    m.pastDue = (t) => n + m.zone.dayAt(t) - door.from;
  }
  door.uses.forEach((left, i) => {
    if (left !== undefined && left <= contacts.length) m.consents[i]!.to = -Infinity; // it may be used up
  });
  const held = (day: number): boolean => door.holds.some((h) => h.since <= day && day <= h.until);
  const kept = (day: number): boolean => m.purpose === "collect" && m.flagUp("plan_performing", day);
  const hits = tryAt(m, at).hits;
  if (hits.length === 0 && held(today)) hits.push(["ON_HOLD", "house-hold"]);
  if (hits.length === 0 && kept(today)) hits.push(["PLAN_PERFORMING", "house-plan"]);
  // No offset and no fact is known beyond the bundle's reach and the card's last day.
  const reach = Math.min(at + 60 * daySeconds + 1, bundle.zones.to - m.duration - daySeconds,
    endOf(door.to, m));
  const span = at < reach ? allowedFrom(m, at, reach, (day) => !held(day) && !kept(day)) : undefined;
  if (hits.length > 0) return no(span ? instantText(span[0]) : null, hits);
  if (!span || span[0] !== at) throw new CantSay("offsets", "the offsets end with the act");
  return { answer: "yes", until: instantText(span[1]) };
}

const no = (again: string | null, all: [string, string][]): Answer =>
  ({ answer: "no", again_at: again, reason: all[0]![0], rule: all[0]![1], all });

/** endOf returns the first instant after a local date, in the first zone. */
function endOf(day: number, m: Matter): number {
  const limit = m.zone.to - daySeconds;
  let t = Math.min((day + 1) * daySeconds - m.zone.offsets[0]!, limit);
  while (t < limit && m.zone.dayAt(t) <= day) t += 900;
  while (m.zone.dayAt(t - 1) > day) t -= 900;
  return t;
}

interface Door {
  asOf: number;
  from: number;
  to: number;
  profiles: string[];
  tz: string[];
  pastDue: number | undefined;
  flags: unknown;
  requests: unknown;
  consents: unknown[];
  uses: (number | undefined)[];
  notice: unknown;
  holds: { since: number; until: number }[];
  history: unknown[];
  elsewhere: Elsewhere[];
}

/** readDoor reads the part of the card that the decision needs. server/record/door.go describes its members. */
function readDoor(v: unknown, bundle: Bundle): Door {
  const o = new Members(v, "door", "card");
  if (o.whole("semantics", 0, 1e9) !== semantics) throw new CantSay("semantics", "another version of the card");
  if (o.need("policy_hash") !== bundle.hash) throw new CantSay("card", "the card was made under another policy");
  const date = (of: Members, key: string, none: number): number => {
    const text = of.text(key);
    return text === undefined ? none : (parseDay(text) ?? of.fail(key, "this must be a date"));
  };
  const asOf = parseWhen(o.need("as_of"));
  const door: Door = {
    asOf: asOf && !asOf.wall ? asOf.sec : o.fail("as_of", "this must be an instant"),
    from: date(o, "from", Infinity),
    to: date(o, "to", -Infinity),
    profiles: o.texts("profiles") ?? o.fail("profiles", "this must be given"),
    tz: o.texts("tz") ?? [],
    pastDue: o.whole("past_due_days", -1e6, 1e6),
    flags: o.take("flags"),
    requests: o.take("requests"),
    consents: [],
    uses: [],
    notice: o.take("notice"),
    holds: o.objects("holds").map((h) => {
      const span = { since: date(h, "since", -Infinity), until: date(h, "until", Infinity) };
      h.done();
      return span;
    }),
    history: o.list("history") ?? [],
    elsewhere: o.objects("elsewhere").map((e) => {
      const one = { rule: e.need("rule"), party: e.text("party") ?? "debtor", at: e.texts("at") ?? [] };
      e.done();
      return one;
    }),
  };
  for (const c of o.list("consents") ?? []) {
    const { uses_left: left, ...consent } = isObject(c) ? c : o.fail("consents", "this must be a list of consents");
    if (left !== undefined && !Number.isSafeInteger(left)) o.fail("consents", "uses_left must be a whole number");
    door.consents.push(consent);
    door.uses.push(left as number | undefined);
  }
  o.done();
  return door;
}
