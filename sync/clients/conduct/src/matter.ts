// A question prepared for judging: words are checked, times are instants. server/conduct/matter.go is the same on the
// server.

import * as lists from "./lists.js";
import { Members } from "./members.js";
import type { Chain, Lift, Policy } from "./policy.js";
import { CantSay, daySeconds, dayOf, parseClock, parseDay, parseWhen, type When, type Zone,
  type Zones } from "./time.js";

/** Request is a question in the shapes of the vectors: an act, what is known of the case, and its history. */
export interface Request {
  profiles: readonly string[];
  action: unknown;
  case: unknown;
  history: readonly unknown[];
  /** elsewhere are instants of contacts of other cases, by the rule that counts them. */
  elsewhere?: readonly Elsewhere[];
}

/** Elsewhere says when contacts were made that a rule counts though they are of a case that the phone may not see. */
export interface Elsewhere {
  rule: string;
  party?: string; // without it, the debtor
  at: readonly string[];
}

export interface Entry {
  at: number;
  day: number; // -Infinity if the offsets do not reach so far
  channel: string;
  result: string | undefined;
  place: string | undefined;
  sameCase: boolean;
  thisCase: boolean;
  sameDebt: boolean;
  sameNumber: boolean;
  sameParty: boolean;
  samePerson: boolean;
}

export interface Notice {
  at: number | undefined;
  form: string | undefined;
  contents: string[];
}

interface Consent {
  scope: string;
  from: number;
  to: number;
  given: number;
}

/** Matter is what a trial judges, at as many instants as it likes. */
export class Matter {
  zones: Zone[] = []; // none: the debtor's zone is not known
  at = 0;
  readonly channel: string;
  readonly place: string | undefined;
  readonly party: string;
  readonly purpose: string;
  readonly event: string | undefined;
  readonly byLender: boolean;
  readonly duration: number;
  readonly agents: number;
  readonly items: string[];
  readonly tags: string[];
  readonly recording: boolean;
  readonly onsite = new Set<string>();
  readonly flags = new Map<string, { since: number; until: number }>();
  readonly consents: Consent[] = [];
  noTimes: [number, number][] = [];
  readonly noPlaces = new Set<string>();
  readonly noChannels = new Set<string>();
  optOut = false;
  visitNotice: Notice | undefined;
  agencyNotice: Notice | undefined;
  readonly history: Entry[] = [];
  readonly elsewhere: { rule: string; sameParty: boolean; at: number; day: number }[] = [];
  pastDue: (t: number) => number | undefined = () => undefined;

  constructor(readonly policy: Policy, readonly chain: Chain, all: Zones, q: Request) {
    const a = new Members(q.action, "action", "question");
    this.channel = a.word("channel", lists.channels) ?? a.fail("channel", "this must be given");
    this.place = a.word("place", lists.places);
    this.party = a.word("party", lists.parties) ?? "debtor";
    this.purpose = a.word("purpose", lists.purposes) ?? "collect";
    this.event = a.word("event", lists.events);
    this.byLender = a.word("by", lists.bys) === "lender";
    this.agents = a.whole("agents", 1, 1000) ?? 1;
    this.duration = (a.whole("duration_min", 0, 1440) ?? 0) * 60;
    this.items = a.words("items", lists.papers);
    this.recording = a.flag("recording");
    this.tags = a.texts("content_tags") ?? [];
    for (const tag of this.tags) if (!policy.tags.has(tag)) a.fail("content_tags", `no rule knows ${tag}`);
    const onsite = a.object("onsite");
    for (const fact of lists.onsites) if (onsite?.flag(fact)) this.onsite.add(fact);
    onsite?.done();
    if (this.channel === "visit" && this.place === undefined) a.fail("place", "a visit needs its place");
    if (this.channel !== "visit" && this.event !== undefined) a.fail("event", "only a visit has events");
    const keys = { case: a.text("case"), debt: a.text("debt"), number: a.text("number"), ref: a.text("party_ref") };
    const at = readWhen(a, "at") ?? a.fail("at", "this must be given");
    const tz = a.texts("tz") ?? [];
    a.done();
    const names = new Set(tz.length > 0 ? tz : [chain.zone ?? ""]);
    if (names.size > 8) a.fail("tz", "at most 8 zones");
    const zones = [...names].map((name) => all.zone(name));
    const facts = new Members(q.case, "case", "card");
    if (zones.includes(undefined)) return;
    this.zones = zones as Zone[];
    this.at = resolve(at, this.zone);
    this.readFacts(facts, keys.number);
    facts.done();
    for (const e of q.history) this.readEntry(e, keys);
    for (const e of q.elsewhere ?? []) {
      for (const text of e.at) {
        const t = parseWhen(text);
        if (!t || t.wall) throw new CantSay("card", "elsewhere.at: this must be an instant");
        this.elsewhere.push({ rule: e.rule, sameParty: (e.party ?? "debtor") === this.party, at: t.sec,
          day: this.pastDay(t.sec) });
      }
    }
  }

  get zone(): Zone {
    return this.zones[0]!;
  }

  /** pastDay is the local date of an earlier contact; one from before the offsets is older than any rule asks for. */
  private pastDay(t: number): number {
    return t < this.zone.from ? -Infinity : this.zone.dayAt(t);
  }

  private readFacts(c: Members, number: string | undefined): void {
    const pastDue = c.whole("past_due_days", -(2 ** 30), 2 ** 30);
    this.pastDue = () => pastDue;
    const flags = c.object("flags");
    for (const name of flags?.keys() ?? []) {
      if (!this.policy.flags.has(name)) c.fail("flags", `this engine does not know ${name}`);
      const v = flags!.take(name);
      if (v === false) continue;
      let [since, until]: (number | undefined)[] = [-Infinity, Infinity];
      if (v !== true) {
        const f = flags!.object(name) ?? flags!.fail(name, "this must be a flag");
        const [a, b] = [f.text("since"), f.text("until")];
        f.done();
        if (a !== undefined) since = parseDay(a);
        if (b !== undefined) until = parseDay(b);
        if (since === undefined || until === undefined || since > until || (a ?? b) === undefined) {
          f.fail("since", "this must be a span of dates");
        }
      }
      this.flags.set(name, { since: since!, until: until! });
    }
    const r = c.object("requests");
    const spans = (r?.list("no_contact_times") ?? []).map((s): [number, number] => {
      const [from, to] = Array.isArray(s) && s.length === 2 ? [parseClock(s[0]), parseClock(s[1])] : [];
      return from === undefined || to === undefined || from === daySeconds ? r!.fail("no_contact_times", "a span")
        : [from, to];
    });
    this.noTimes = joined(spans);
    for (const w of r?.words("no_places", lists.places) ?? []) this.noPlaces.add(w);
    for (const w of r?.words("no_channels", lists.channels) ?? []) this.noChannels.add(w);
    for (const v of r?.list("opt_out") ?? []) {
      const o = new Members(typeof v === "string" ? { channel: v } : v, "case.requests.opt_out", "card");
      const channel = o.word("channel", lists.channels) ?? o.fail("channel", "this must be given");
      const of = o.text("number");
      o.done();
      this.optOut ||= channel === this.channel && same(of, number);
    }
    r?.done();
    for (const o of c.objects("consents")) {
      const scope = o.need("scope");
      if (!this.policy.scopes.has(scope)) o.fail("scope", `this engine does not know ${scope}`);
      const given = this.instant(o, "given_at") ?? o.fail("given_at", "this must be given");
      this.consents.push({
        scope, given,
        from: Math.max(given, this.instant(o, "valid_from") ?? given),
        to: Math.min(this.instant(o, "expires_at") ?? Infinity, this.instant(o, "revoked_at") ?? Infinity),
      });
      o.done();
    }
    const notices = c.object("notice");
    const notice = (key: string): Notice | undefined => {
      const o = notices?.object(key);
      const n = o && { at: this.instant(o, "sent_at"), form: o.word("form", lists.forms),
        contents: o.texts("contents") ?? [] };
      o?.done();
      return n;
    };
    [this.visitNotice, this.agencyNotice] = [notice("visit"), notice("agency")];
    notices?.done();
  }

  private instant(o: Members, key: string): number | undefined {
    const w = readWhen(o, key);
    return w && resolve(w, this.zone);
  }

  private readEntry(v: unknown, act: { case?: string | undefined; debt?: string | undefined;
    number?: string | undefined; ref?: string | undefined }): void {
    const o = new Members(v, "history", "card");
    const e = { channel: o.word("channel", lists.channels) ?? o.fail("channel", "this must be given"),
      result: o.word("result", lists.results), party: o.word("party", lists.parties) ?? "debtor",
      place: o.word("place", lists.places), ref: o.text("party_ref"), case: o.text("case"), debt: o.text("debt"),
      number: o.text("number"), event: o.word("event", lists.events), excluded: o.flag("excluded") };
    o.word("purpose", lists.purposes);
    const at = this.instant(o, "at") ?? o.fail("at", "this must be given");
    o.done();
    if (e.event !== undefined && e.channel !== "visit") o.fail("event", "only a visit has events");
    if (e.result === undefined && e.event === undefined) o.fail("result", "this must be given");
    if (e.excluded || e.event !== undefined) return;
    const sameParty = e.party === this.party;
    this.history.push({
      at, day: this.pastDay(at), channel: e.channel, result: e.result, place: e.place, sameParty,
      sameCase: same(e.case, act.case), thisCase: e.case !== undefined && e.case === act.case,
      sameDebt: same(e.debt, act.debt), sameNumber: same(e.number, act.number),
      samePerson: e.ref !== undefined && act.ref !== undefined ? e.ref === act.ref : sameParty,
    });
  }

  flagUp(name: string, day: number): boolean {
    const f = this.flags.get(name);
    return f !== undefined && f.since <= day && day <= f.until;
  }

  /** consented tells whether a consent of the scope holds at an instant; days limits it to the first local dates. */
  consented(scope: string, t: number, days = 0): boolean {
    return this.consents.some((c) => {
      if (c.scope !== scope || t < c.from || t >= c.to) return false;
      if (days === 0) return true;
      // A date from before the offsets is taken too early rather than too late.
      const first = c.given < this.zone.from ? dayOf(c.given) - 1 : this.zone.dayAt(c.given);
      return this.zone.dayAt(t) < first + days;
    });
  }

  lifted(unless: readonly Lift[], t: number): boolean {
    return unless.some((l) => {
      if ("scope" in l) return this.consented(l.scope, t, l.days);
      const n = this.pastDue(t);
      return n !== undefined && n > l.pastDue;
    });
  }
}

function readWhen(o: Members, key: string): When | undefined {
  const text = o.text(key);
  return text === undefined ? undefined : (parseWhen(text) ?? o.fail(key, "this must be a time"));
}

const resolve = (w: When, z: Zone): number => (w.wall ? z.instantOf(w.sec) : w.sec);

/** same compares two keys; a missing key equals every other. */
const same = (a: string | undefined, b: string | undefined): boolean => a === undefined || b === undefined || a === b;

/** joined cuts spans of the day at midnight and joins those that meet. */
function joined(spans: readonly [number, number][]): [number, number][] {
  const cut = spans.flatMap(([from, to]): [number, number][] =>
    from < to ? [[from, to]] : from === to ? [[0, daySeconds]] : [[from, daySeconds], [0, to]]);
  cut.sort((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [from, to] of cut) {
    const last = out[out.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else if (from < to) out.push([from, to]);
  }
  return out;
}
