// A policy as the bundle's parts hold it, compiled. server/conduct/pack.go does the same on the server.

import * as lists from "./lists.js";
import { Members } from "./members.js";
import { CantSay, isObject, parseClock, parseDay } from "./time.js";

/** Words is a set of words of a closed list; "all" holds every word, but not an absent one. */
export type Words = "all" | ReadonlySet<string>;

export const holds = (set: Words, word: string | undefined): boolean =>
  word !== undefined && (set === "all" || set.has(word));

/** Lift is one way to lift a rule: a consent of a scope, for some days (0: until it ends), or the age of the debt. */
export type Lift = { scope: string; days: number } | { pastDue: number };

export interface Rule {
  id: string;
  reason: string;
  channels: Words;
  places: Words;
  unless: Lift[];
  agencyOnly: boolean;
  placeKnown: boolean;
}

export interface CapRule extends Rule {
  counts: ReadonlySet<string> | undefined;
  scope: string;
  max: number;
  monthly: boolean;
  n: number;
  presumptive: boolean;
}

export interface PartyRow {
  id: string;
  allow: boolean;
  allowIfFlag: string[];
  unless: Lift[];
  purposes: Words;
  disclose: boolean;
  stopOnRefusal: boolean;
  refusedFlag: string;
  max: number;
}

export interface StopRule extends Rule {
  flag: string | undefined;
  maxDays: number;
  unlessFlags: string[];
  unlessParty: Words;
  allowPurpose: ReadonlySet<string>;
}

export interface NoticeRule extends Rule {
  agency: boolean;
  minDays: number;
  forms: string[];
  contents: string[];
  short: string;
}

export interface Profile {
  id: string;
  extends: string[];
  inForceFrom: number; // a date; Infinity for a draft
  zone: string | undefined;
  calendar: string | undefined;
  national: boolean;
  hours: (Rule & { days: Words; allow: [number, number][]; endInclusive: boolean })[];
  closed: (Rule & { days: Words; holidays: boolean })[];
  caps: CapRule[];
  cooldowns: CapRule[];
  parties: Map<string, PartyRow> | undefined;
  places: Map<string, string>;
  requests: { times: boolean; places: boolean; channels: boolean } | undefined;
  channels: (Rule & { needsTag?: string; needsConsent?: string; denyIfOptOut: boolean })[];
  stops: StopRule[];
  notices: NoticeRule[];
  team: (Rule & { minAgents: number; needs: string[] })[];
  recording: Rule[];
  onsite: (Rule & { event: string; needsConsent?: string; after?: string; needs?: string; forbidden: boolean })[];
  content: (Rule & { forbid: string[]; forbidUndisclosed: string[] })[];
  lastResort: (Rule & { flag?: string; needs: { channel: string; min: number }[] })[];
}

/** Chain holds the profiles that must all allow an act, base first, and the holidays that each goes by. */
export interface Chain {
  profiles: Profile[];
  holidays: ReadonlySet<number>[];
  zone: string | undefined;
}

// Sections that are kept and shown, but have no effect on decisions.
const notDecided = ["complaint", "instruments", "outsourcing", "plan", "privacy", "proposed_effective", "retention",
  "training"];

const placeModes = ["allow", "deny", "unless_consent", "deny_unless_requested", "unless_flag_home_unavailable",
  "unless_employer_prohibits"];

/** Policy is compiled from the texts of the bundle's parts. A profile that cannot be read fails where it is used. */
export class Policy {
  readonly reasons: string[] = [];
  readonly flags = new Set<string>(lists.knownFlags);
  readonly scopes = new Set<string>(lists.scopes);
  readonly tags = new Set<string>();
  private readonly profiles = new Map<string, Profile | CantSay>();
  private readonly raw = new Map<string, unknown>();
  private readonly calendars = new Map<string, ReadonlySet<number>>();

  constructor(texts: Iterable<string>) {
    for (const text of texts) this.readPart(new Members(JSON.parse(text), "part", "unknown_rule"));
    for (const [id, v] of this.raw) {
      try {
        this.profiles.set(id, this.compile(id, new Members(v, `profiles.${id}`, "unknown_rule")));
      } catch (e) {
        if (!(e instanceof CantSay)) throw e;
        this.profiles.set(id, e);
      }
    }
  }

  private readPart(o: Members): void {
    if (o.need("schema") !== "conduct-policy/v1") o.fail("schema", "this engine does not know it");
    this.reasons.push(...(o.texts("reason_priority") ?? []));
    o.skip("sources");
    const calendars = o.take("calendars") ?? {};
    const profiles = o.take("profiles") ?? {};
    if (!isObject(calendars) || !isObject(profiles)) return o.fail("profiles", "this must be an object");
    for (const [name, days] of Object.entries(calendars)) {
      const read = Array.isArray(days) ? days.map(parseDay) : [undefined];
      if (read.includes(undefined)) o.fail(`calendars.${name}`, "this must be a list of dates");
      this.calendars.set(name, new Set(read as number[]));
    }
    for (const [id, profile] of Object.entries(profiles)) this.raw.set(id, profile);
    o.done();
  }

  /** chain returns base, the named profiles and all they extend. */
  chain(ids: readonly string[]): Chain {
    const c: Chain = { profiles: [], holidays: [], zone: undefined };
    const add = (id: string): void => {
      const p = this.profiles.get(id);
      if (!p) throw new CantSay("unknown_rule", `the bundle has no profile ${id}`);
      if (p instanceof CantSay) throw p;
      if (c.profiles.includes(p)) return;
      p.extends.forEach(add);
      c.profiles.push(p);
    };
    if (this.profiles.has("base")) add("base");
    ids.forEach(add);
    c.zone = c.profiles.find((p) => p.zone)?.zone;
    const of = (p: Profile | undefined): ReadonlySet<number> => {
      if (!p) return new Set();
      return this.calendars.get(p.calendar!) ?? new Members({}, p.id, "unknown_rule").fail("calendar", "there is none");
    };
    const first = of(c.profiles.find((p) => p.calendar));
    c.holidays = c.profiles.map((p) => (p.calendar ? of(p) : first));
    return c;
  }

  private extendsBase(id: string, seen: Set<string>): boolean {
    if (seen.has(id)) return false;
    seen.add(id);
    const raw = this.raw.get(id);
    const list = isObject(raw) && Array.isArray(raw["extends"]) ? (raw["extends"] as unknown[]) : [];
    return list.some((up) => up === "base" || (typeof up === "string" && this.extendsBase(up, seen)));
  }

  private compile(id: string, o: Members): Profile {
    if (o.need("id") !== id) o.fail("id", "this is not the key it stands under");
    const status = o.word("status", ["in_force", "draft"]) ?? o.fail("status", "this must be given");
    const from = o.text("effective_from");
    const since = from === undefined ? -Infinity : (parseDay(from) ?? o.fail("effective_from", "this must be a date"));
    const tz = o.object("timezone");
    const zone = tz?.text("default");
    tz?.word("basis", ["debtor_location"]);
    tz?.word("when_ambiguous", ["intersection"]);
    tz?.skip("cite", "certainty", "note");
    tz?.done();
    const rules = <T>(key: string, read: (r: Members) => T): T[] =>
      o.objects(key).map((r) => {
        const out = read(r);
        r.done();
        return out;
      });
    const p: Profile = {
      id,
      extends: o.texts("extends") ?? [],
      inForceFrom: status === "in_force" ? since : Infinity,
      zone,
      calendar: o.text("calendar"),
      national: id !== "base" && this.extendsBase(id, new Set()),
      hours: rules("hours", (r) => ({
        ...this.rule(r, "OUTSIDE_HOURS"),
        days: this.words(r, "days", lists.weekdays),
        endInclusive: r.flag("end_inclusive"),
        allow: (r.list("allow") ?? []).map((s): [number, number] => {
          const [a, b] = Array.isArray(s) && s.length === 2 ? [parseClock(s[0]), parseClock(s[1])] : [];
          return a === undefined || b === undefined || a >= b ? r.fail("allow", "this must be a span") : [a, b];
        }),
      })),
      closed: rules("closed_days", (r) => {
        const holidays = r.flag("public_holidays");
        const none = r.list("days")?.length === 0 && holidays;
        return { ...this.rule(r, "CLOSED_DAY"), holidays,
          days: none ? new Set<string>() : this.words(r, "days", lists.weekdays) };
      }),
      caps: rules("caps", (r) => this.cap(r)),
      cooldowns: rules("cooldowns", (r) => this.cooldown(r)),
      parties: this.parties(id, o.object("parties")),
      places: this.places(o.object("places")),
      requests: undefined,
      channels: rules("channel_rules", (r) => ({
        ...this.rule(r),
        ...this.note(r, "needs_content_tag", "needsTag", this.tags),
        ...this.note(r, "needs_consent", "needsConsent", this.scopes),
        denyIfOptOut: r.word("deny_if_request", ["opt_out"]) !== undefined,
      })),
      stops: [
        ...rules("prohibited_channels", (r) => this.stop(r, "CHANNEL_PROHIBITED")),
        ...rules("stops", (r) => {
          const s = this.stop(r);
          return s.flag === undefined ? r.fail("flag", "this must be given") : s;
        }),
      ],
      notices: [
        ...rules("notice", (r) => ({
          ...this.rule(r, r.text("reason_missing") ?? "NOTICE_MISSING"),
          ...this.noticed(r),
          agency: false,
          short: this.reason(r, r.text("reason_short") ?? "NOTICE_TOO_SHORT"),
          minDays: r.whole("min_working_days", 0, 365) ?? 0,
        })),
        ...rules("agency_notice", (r) => ({
          ...this.rule(r, "AGENCY_NOTICE_MISSING"), ...this.noticed(r), agency: true, short: "", minDays: 0,
        })),
      ],
      team: rules("team", (r) => ({
        ...this.rule(r, "TEAM_TOO_SMALL"),
        minAgents: r.whole("min_agents", 1, 100) ?? 0,
        needs: r.words("needs", lists.papers),
      })),
      recording: rules("recording", (r) => {
        r.skip("media", "any_of", "whole_visit");
        return { rule: this.rule(r, "RECORDING_REQUIRED"), required: r.flag("required") };
      }).filter((r) => r.required).map((r) => r.rule),
      onsite: rules("onsite", (r) => ({
        ...this.rule(r),
        event: r.word("event", lists.events) ?? r.fail("event", "this must be given"),
        ...this.note(r, "needs_consent", "needsConsent", this.scopes),
        ...this.given("after", r.word("after", lists.onsites)),
        ...this.given("needs", r.word("needs", lists.onsites)),
        forbidden: r.take("allowed") !== undefined && !r.flag("allowed"),
      })),
      content: rules("content", (r) => {
        const forbid = r.texts("forbid_tags") ?? [];
        const forbidUndisclosed = r.texts("forbid_tags_when_no_disclosure") ?? [];
        for (const tag of [...forbid, ...forbidUndisclosed]) this.tags.add(tag);
        return { ...this.rule(r), forbid, forbidUndisclosed };
      }),
      lastResort: rules("last_resort", (r) => ({
        ...this.rule(r, "LAST_RESORT_NOT_MET"),
        ...this.note(r, "needs_flag", "flag", this.flags),
        needs: r.objects("needs_history").map((n) => {
          const need = { channel: n.word("channel", lists.channels) ?? n.fail("channel", "this must be given"),
            min: n.whole("min", 1, 1000) ?? 0 };
          n.done();
          return need;
        }),
      })),
    };
    const requests = o.object("requests");
    if (requests) {
      p.requests = { times: requests.flag("honour_no_contact_times"), places: requests.flag("honour_no_contact_places"),
        channels: requests.flag("honour_no_channel") };
      requests.skip("cite", "certainty", "note");
      requests.done();
    }
    o.skip("title", "note", ...notDecided);
    o.done();
    return p;
  }

  private given<K extends string>(key: K, v: string | undefined): { [k in K]?: string } {
    return (v === undefined ? {} : { [key]: v }) as { [k in K]?: string };
  }

  /** note reads a text that names something of the policy, and notes that a case may have it. */
  private note<K extends string>(r: Members, key: string, as: K, list: Set<string>): { [k in K]?: string } {
    const v = r.text(key);
    if (v !== undefined) list.add(v);
    return this.given(as, v);
  }

  private rule(r: Members, reason?: string): Rule {
    const by = r.word("by", ["agency"]);
    r.skip("cite", "certainty", "note", "obligation", "must_state");
    return {
      id: r.need("id"),
      channels: this.words(r, "channels", lists.channels),
      places: this.words(r, "places", lists.places),
      unless: this.unless(r),
      agencyOnly: by !== undefined,
      placeKnown: r.flag("place_known"),
      reason: this.reason(r, r.text("reason") ?? reason ?? r.fail("reason", "this must be given")),
    };
  }

  private reason(r: Members, name: string): string {
    return this.reasons.includes(name) ? name : r.fail("reason", `the bundle's reasons lack ${name}`);
  }

  private words(r: Members, key: string, list: readonly string[]): Words {
    const v = r.take(key);
    if (v === undefined || v === "all") return "all";
    const set = new Set(r.words(key, list));
    return set.size === 0 ? r.fail(key, "this is empty") : set;
  }

  private unless(r: Members): Lift[] {
    return (r.texts("unless") ?? []).map((s) => {
      const consent = /^consent:([^:]+)(?::(\d{1,4}))?$/.exec(s);
      const past = /^past_due_gt:([+-]?\d{1,9})$/.exec(s);
      if (past) return { pastDue: Number(past[1]) };
      if (!consent) return r.fail("unless", `this engine does not know ${s}`);
      this.scopes.add(consent[1]!);
      return { scope: consent[1]!, days: Number(consent[2] ?? 0) };
    });
  }

  private noticed(r: Members): { forms: string[]; contents: string[] } {
    return { forms: r.words("form", lists.forms), contents: r.texts("contents") ?? [] };
  }

  private capScope(r: Members): string {
    return r.word("scope", ["case", "debt", "number", "debtor"]) ?? r.fail("scope", "this must be given");
  }

  private cap(r: Members): CapRule {
    const count = r.word("count", Object.keys(lists.counted)) ?? r.fail("count", "this must be given");
    const w = r.object("window") ?? r.fail("window", "this must be given");
    const type = w.word("type", ["calendar_day", "rolling_days", "calendar_month"]) ?? w.fail("type", "give it");
    const n = w.whole("n", 1, 1000) ?? 1;
    w.done();
    return { ...this.rule(r, "FREQ_CAP"), counts: lists.counted[count], scope: this.capScope(r),
      presumptive: r.flag("presumptive"), max: r.whole("max", 0, 10000) ?? r.fail("max", "this must be given"),
      monthly: type === "calendar_month", n };
  }

  private cooldown(r: Members): CapRule {
    const after = r.word("after", ["attempt", "contact", "conversation"]) ?? r.fail("after", "this must be given");
    const days = r.whole("days", 1, 1000) ?? r.fail("days", "this must be given");
    const next = r.take("first_day_is_event") !== undefined && !r.flag("first_day_is_event");
    return { ...this.rule(r, "COOLDOWN"), counts: lists.counted[after + "s"], scope: this.capScope(r),
      presumptive: r.flag("presumptive"), max: 1, monthly: false, n: days + (next ? 1 : 0) };
  }

  private stop(r: Members, reason?: string): StopRule {
    const lone = r.take("unless_flag");
    const unlessFlags = typeof lone === "string" ? [lone] : (r.texts("unless_flag") ?? []);
    const purposes = (key: string) =>
      r.take(key) === undefined ? [] : this.words(r, key, lists.purposes) === "all" ? lists.purposes : r.texts(key)!;
    const s = {
      ...this.rule(r, reason),
      flag: r.text("flag"),
      maxDays: r.whole("max_days", 1, 10000) ?? 0,
      unlessFlags,
      unlessParty: r.take("unless_party") === undefined ? new Set<string>()
        : this.words(r, "unless_party", lists.parties),
      allowPurpose: new Set<string>([...purposes("allow_purpose"), ...purposes("unless_purpose")]),
    };
    for (const f of [s.flag, ...unlessFlags]) if (f !== undefined) this.flags.add(f);
    return s;
  }

  private parties(id: string, table: Members | undefined): Map<string, PartyRow> | undefined {
    if (!table) return undefined;
    table.skip("unreachable_definition", "note");
    const rows = new Map<string, PartyRow>();
    for (const party of lists.parties) {
      const r = table.object(party);
      if (!r) continue;
      if (r.take("allow") === undefined) r.fail("allow", "this must be given");
      const allow = r.flag("allow");
      const row: PartyRow = {
        id: `${id}-party-${party}`,
        allow,
        allowIfFlag: r.texts("allow_if_flag") ?? [],
        unless: this.unless(r),
        purposes: this.words(r, "purposes", lists.purposes),
        disclose: r.take("disclose_debt") === undefined ? allow : r.flag("disclose_debt"),
        stopOnRefusal: r.flag("stop_on_refusal"),
        refusedFlag: `refused_${party}`,
        max: r.whole("max_contacts_ever", 1, 1000) ?? 0,
      };
      for (const f of [row.refusedFlag, ...row.allowIfFlag]) this.flags.add(f);
      r.skip("must_state", "cite", "certainty", "note");
      r.done();
      rows.set(party, row);
    }
    table.done();
    return rows;
  }

  private places(table: Members | undefined): Map<string, string> {
    const modes = new Map<string, string>();
    if (!table) return modes;
    table.skip("source", "note", "certainty");
    for (const place of lists.places) {
      const mode = table.word(place, placeModes);
      if (mode !== undefined) modes.set(place, mode);
    }
    table.done();
    return modes;
  }
}
