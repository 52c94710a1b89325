// The rules. server/conduct/judge.go, judge_time.go and judge_count.go are the same on the server.

import * as lists from "./lists.js";
import type { Matter, Notice } from "./matter.js";
import { holds, type CapRule, type NoticeRule, type Profile, type Rule } from "./policy.js";
import { CantSay, daySeconds, dayOf, firstOfMonth, weekdayOf } from "./time.js";

/** Hit is a reason why an act is denied, and the rule that gives it. */
export type Hit = [reason: string, rule: string];

/** Verdict is what the rules say of an act at one instant. */
export interface Verdict {
  hits: Hit[]; // by the policy's order of reasons, then by rule
  presumptive: string[];
  advisory: string[]; // profiles of the chain that cannot deny
}

/** Part says which rules are judged. Those of the clock are hours, closed days and no-contact times. */
export type Part = "all" | "clockless" | "clock";

/** tryAt judges the matter at an instant. */
export function tryAt(m: Matter, t: number): Verdict {
  return new Trial(m, t, "all").run();
}

/** allows tells whether a part of the rules allows the matter at an instant. */
export function allows(m: Matter, t: number, part: Part): boolean {
  return new Trial(m, t, part).run().hits.length === 0;
}

class Trial {
  private readonly day: number;
  private readonly hits: Hit[] = [];
  private readonly presumptive: string[] = [];

  constructor(private readonly m: Matter, private readonly t: number, private readonly part: Part) {
    this.day = m.zones.length > 0 ? m.zone.dayAt(t) : 0;
  }

  run(): Verdict {
    const { m } = this;
    if (m.zones.length === 0) {
      this.hit("TZ_UNKNOWN", "engine");
      return { hits: this.hits, presumptive: [], advisory: [] };
    }
    const inForce = (p: Profile): boolean => p.inForceFrom <= this.day;
    const bound = m.chain.profiles.filter(inForce);
    if (this.part === "clock") {
      m.chain.profiles.forEach((p, i) => {
        if (!inForce(p)) return;
        this.hours(p, m.chain.holidays[i]!);
        this.noTimes(p);
      });
      return { hits: this.hits, presumptive: [], advisory: [] };
    }
    const tables = bound.flatMap((p) => (p.parties ? [p.parties] : []));
    const rows = tables.flatMap((rows) => rows.get(m.party) ?? []);
    const disclose = (rule: string): void => {
      if (m.event === "disclose_debt") this.hit("PARTY_DISCLOSURE", rule);
    };
    for (const row of rows) if (!row.disclose) disclose(row.id);
    if (rows.length === 0) disclose("engine");
    const disclosable = rows.length > 0 && rows.every((row) => row.disclose);
    if (!bound.some((p) => p.national)) this.hit("PROFILE_NOT_IN_FORCE", "engine");
    else if (tables.length === 0 && m.party !== "debtor") this.hit("PARTY_NOT_ALLOWED", "engine");
    m.chain.profiles.forEach((p, i) => {
      if (inForce(p)) this.profile(p, m.chain.holidays[i]!, disclosable);
    });
    const order = (h: Hit): number => m.policy.reasons.indexOf(h[0]);
    this.hits.sort((a, b) => order(a) - order(b) || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
    return {
      hits: this.hits.filter((h, i) => i === 0 || h[0] !== this.hits[i - 1]![0] || h[1] !== this.hits[i - 1]![1]),
      presumptive: this.presumptive.sort(),
      advisory: m.chain.profiles.filter((p) => !inForce(p)).map((p) => p.id),
    };
  }

  private hit(reason: string, rule: string): void {
    if (!this.m.policy.reasons.includes(reason)) {
      throw new CantSay("unknown_rule", `the bundle's reasons lack ${reason}`);
    }
    this.hits.push([reason, rule]);
  }

  private binds(r: Rule): boolean {
    const { m } = this;
    return holds(r.channels, m.channel) && ((m.place === undefined && !r.placeKnown) || holds(r.places, m.place)) &&
      !(r.agencyOnly && m.byLender) && !m.lifted(r.unless, this.t);
  }

  private hitIf(denied: boolean, r: Rule): void {
    if (denied && this.binds(r)) this.hit(r.reason, r.id);
  }

  private profile(p: Profile, holidays: ReadonlySet<number>, disclosable: boolean): void {
    const { m, t } = this;
    this.stops(p);
    if (this.part !== "clockless") {
      this.hours(p, holidays);
      this.noTimes(p);
    }
    this.requests(p);
    this.parties(p);
    this.places(p);
    for (const r of p.channels) {
      this.hitIf((r.needsTag !== undefined && !m.tags.includes(r.needsTag)) || (r.denyIfOptOut && m.optOut) ||
        (r.needsConsent !== undefined && !m.consented(r.needsConsent, t)), r);
    }
    for (const r of p.recording) this.hitIf(!m.recording, r);
    for (const r of p.content) {
      this.hitIf(m.tags.some((tag) =>
        r.forbid.includes(tag) || (!disclosable && r.forbidUndisclosed.includes(tag))), r);
    }
    if (m.event !== undefined) {
      for (const r of p.onsite) {
        this.hitIf(r.event === m.event && (r.forbidden ||
          (r.needsConsent !== undefined && !m.consented(r.needsConsent, t)) ||
          (r.after !== undefined && m.onsite.has(r.after)) || (r.needs !== undefined && !m.onsite.has(r.needs))), r);
      }
      return;
    }
    const reasonOf = ["BADGE_MISSING", "AUTH_LETTER_MISSING", "CERT_MISSING"];
    for (const r of p.team) {
      this.hitIf(m.agents < r.minAgents, r);
      for (const paper of r.needs) {
        if (!m.items.includes(paper) && this.binds(r)) {
          this.hit(reasonOf[lists.papers.indexOf(paper as (typeof lists.papers)[number])]!, r.id);
        }
      }
    }
    for (const r of p.notices) this.notice(r, holidays);
    for (const r of p.caps) this.cap(r, r.monthly ? firstOfMonth(this.day, r.n) : this.day - r.n + 1);
    for (const r of p.cooldowns) this.cap(r, this.day - r.n + 1);
    for (const r of p.lastResort) {
      const tried = r.needs.every((need) => need.min <= m.history.filter((h) =>
        h.at <= t && h.thisCase && h.channel === need.channel && h.result !== "failed").length);
      this.hitIf(!(tried && (r.flag === undefined || m.flagUp(r.flag, this.day))), r);
    }
  }

  private stops(p: Profile): void {
    const { m, day } = this;
    for (const s of p.stops) {
      if (s.flag !== undefined) {
        const since = m.flags.get(s.flag)?.since ?? -Infinity;
        if (!m.flagUp(s.flag, day) || (s.maxDays > 0 && since !== -Infinity && day >= since + s.maxDays)) continue;
      }
      this.hitIf(!holds(s.unlessParty, m.party) && !s.allowPurpose.has(m.purpose) &&
        !s.unlessFlags.some((f) => m.flagUp(f, day)), s);
    }
  }

  private hours(p: Profile, holidays: ReadonlySet<number>): void {
    if (p.hours.length === 0 && p.closed.length === 0) return;
    for (const z of this.m.zones) {
      const wall = z.wallOf(this.t);
      const day = dayOf(wall);
      const weekday = lists.weekdays[weekdayOf(day)]!;
      let covered = false; // a closed day explains why there are no hours
      for (const r of p.closed) {
        if ((holds(r.days, weekday) || (r.holidays && holidays.has(day))) && this.binds(r)) {
          covered = true;
          this.hit(r.reason, r.id);
        }
      }
      let any = false;
      for (const r of p.hours) {
        if (!holds(r.days, weekday) || !holds(r.channels, this.m.channel)) continue;
        any = true;
        this.hitIf(!r.allow.some(([from, to]) => {
          const midnight = day * daySeconds;
          if (wall < midnight + from || wall > midnight + to) return false;
          if (wall === midnight + to && !r.endInclusive) return false;
          if (this.m.duration === 0) return true;
          return z.pieces(this.t, this.t + this.m.duration).every(([, end]) => end <= midnight + to);
        }), r);
      }
      if (!any && !covered) for (const r of p.hours) this.hitIf(true, r);
    }
  }

  private noTimes(p: Profile): void {
    if (p.requests?.times && this.inNoTime()) this.hit("INCONVENIENT_TIME", `${p.id}-requests`);
  }

  private requests(p: Profile): void {
    const { m } = this;
    const id = `${p.id}-requests`;
    if (p.requests?.places && m.place !== undefined && m.noPlaces.has(m.place)) this.hit("INCONVENIENT_PLACE", id);
    if (p.requests?.channels && (m.noChannels.has(m.channel) || m.optOut)) this.hit("CHANNEL_OPTED_OUT", id);
  }

  /** inNoTime tells whether the act overlaps a span in which the person asked not to be contacted. */
  private inNoTime(): boolean {
    const { m, t } = this;
    if (m.noTimes.length === 0) return false;
    // An act without a duration is the second it starts in.
    return m.zones.some((z) => z.pieces(t, t + Math.max(m.duration, 1)).some(([from, to]) => {
      for (let day = dayOf(from) - 1; day <= dayOf(to - 1); day++) {
        const midnight = day * daySeconds;
        if (m.noTimes.some(([a, b]) => from < midnight + b && midnight + a < to)) return true;
      }
      return false;
    }));
  }

  private parties(p: Profile): void {
    const { m, day, t } = this;
    if (!p.parties) return;
    const row = p.parties.get(m.party);
    if (!row) return this.hit("PARTY_NOT_ALLOWED", `${p.id}-parties`);
    if (!row.allow && !row.allowIfFlag.some((f) => m.flagUp(f, day)) && !m.lifted(row.unless, t)) {
      this.hit("PARTY_NOT_ALLOWED", row.id);
    } else if (row.stopOnRefusal && m.flagUp(row.refusedFlag, day)) {
      this.hit("PARTY_REFUSED", row.id);
    } else if (!holds(row.purposes, m.purpose)) {
      this.hit("PARTY_PURPOSE", row.id);
    }
    if (row.max === 0 || m.event !== undefined || m.flagUp("party_asked_for_more", day)) return;
    const reached = m.history.filter((h) =>
      h.at <= t && h.samePerson && lists.counted["contacts"]!.has(h.result ?? ""));
    const others = m.elsewhere.filter((e) => e.rule === row.id && e.sameParty && e.at <= t);
    if (reached.length + others.length >= row.max) this.hit("PARTY_CAP", row.id);
  }

  private places(p: Profile): void {
    const { m } = this;
    if (m.place === undefined || !["visit", "call", "letter_delivery"].includes(m.channel)) return;
    let denied = false;
    switch (p.places.get(m.place)) {
      case "deny":
        denied = true;
        break;
      case "unless_consent":
      case "deny_unless_requested":
        denied = !m.consented(`place_${m.place}`, this.t);
        break;
      case "unless_flag_home_unavailable":
        denied = !m.flagUp("home_unavailable", this.day);
        break;
      case "unless_employer_prohibits":
        denied = m.flagUp("employer_prohibits", this.day);
    }
    if (denied) this.hit("PLACE_NOT_ALLOWED", `${p.id}-place-${m.place}`);
  }

  private notice(r: NoticeRule, holidays: ReadonlySet<number>): void {
    const { m, t } = this;
    const n = r.agency ? m.agencyNotice : m.visitNotice;
    if ((r.agency && m.byLender) || !this.binds(r)) return;
    if (!n || !meets(n, r) || (r.agency && n.at !== undefined && n.at > t)) return this.hit(r.reason, r.id);
    if (!r.agency && (n.at! > t || this.workingDays(n.at!, holidays, r.minDays) < r.minDays)) this.hit(r.short, r.id);
  }

  /** workingDays counts the working days strictly between the day of an instant and today; it stops at enough. */
  private workingDays(sent: number, holidays: ReadonlySet<number>, enough: number): number {
    const z = this.m.zone;
    let n = 0;
    // A notice from before the offsets is taken to be as late as they begin.
    for (let day = z.dayAt(Math.max(sent, z.from)) + 1; day < this.day && n < enough; day++) {
      const w = weekdayOf(day);
      if (w !== 0 && w !== 6 && !holidays.has(day)) n++;
    }
    return n;
  }

  /** cap judges caps and cool-downs, which count the contacts since a local date. */
  private cap(r: CapRule, since: number): void {
    const { m, t } = this;
    if (!this.binds(r)) return;
    if ((since - 1) * daySeconds < m.zone.from) throw new CantSay("offsets", `${r.id} counts what is older than they`);
    const own = m.history.filter((h) => h.day >= since && h.at <= t && holds(r.channels, h.channel) &&
      (r.counts === undefined || r.counts.has(h.result ?? "")) && (h.place === undefined || holds(r.places, h.place)) &&
      (r.scope === "case" ? h.sameCase : r.scope === "debt" ? h.sameDebt : r.scope === "number" ? h.sameNumber
        : h.sameParty));
    const others = m.elsewhere.filter((e) => e.rule === r.id && e.day >= since && e.at <= t &&
      (r.scope !== "debtor" || e.sameParty));
    if (own.length + others.length < r.max) return;
    this.hit(r.reason, r.id);
    if (r.presumptive) this.presumptive.push(r.id);
  }
}

function meets(n: Notice, r: NoticeRule): boolean {
  if ((r.forms.length > 0 && !r.forms.includes(n.form ?? "")) || (!r.agency && n.at === undefined)) return false;
  return r.contents.every((c) => n.contents.includes(c));
}
