// When the answer changes. server/conduct/windows.go is the same on the server. An answer cannot change between two
// breakpoints, so one trial decides for all instants between them. The rules of the clock have many breakpoints a day
// and are tried only where all other rules allow.

import type { Matter } from "./matter.js";
import { daySeconds, dayOf } from "./time.js";
import { allows } from "./trial.js";

/** also is what must hold besides the rules of the profiles, by the date in the first zone. */
export type Also = (day: number) => boolean;

/**
 * allowedFrom returns the first span of [from, to) in which the act is allowed; its end is to if nothing ends it
 * before. undefined if there is none.
 */
export function allowedFrom(m: Matter, from: number, to: number, also: Also): [from: number, to: number] | undefined {
  let start: number | undefined;
  const slow = slowBreaks(m, from, to);
  for (let i = 0; i + 1 < slow.length; i++) {
    const possible = also(m.zone.dayAt(slow[i]!)) && allows(m, slow[i]!, "clockless");
    const fine = possible ? clockBreaks(m, slow[i]!, slow[i + 1]!) : [slow[i]!];
    for (const t of possible ? fine.slice(0, -1) : fine) {
      const ok = possible && allows(m, t, "clock");
      if (ok) start ??= t;
      else if (start !== undefined) return [start, t];
    }
  }
  return start === undefined ? undefined : [start, to];
}

/** slowBreaks returns the instants at which a rule that is not of the clock may change the answer. */
function slowBreaks(m: Matter, from: number, to: number): number[] {
  const z = m.zone;
  const list: number[] = [];
  for (let i = z.span(from); i <= z.span(to); i++) {
    list.push(z.starts[i]!);
    const offset = z.offsets[i]!;
    for (let day = dayOf(from + offset); day <= dayOf(to + offset); day++) list.push(day * daySeconds - offset);
  }
  for (const c of m.consents) list.push(c.from, c.to);
  for (const e of [...m.history, ...m.elsewhere]) list.push(e.at);
  for (const n of [m.visitNotice, m.agencyNotice]) if (n?.at !== undefined) list.push(n.at);
  return sorted(list, from, to);
}

/** clockBreaks returns the instants at which a rule of the clock may change the answer, and one second later. */
function clockBreaks(m: Matter, from: number, to: number): number[] {
  const edges = new Set([0]);
  const spans = [...m.noTimes, ...m.chain.profiles.flatMap((p) => p.hours.flatMap((r) => r.allow))];
  for (const [a, b] of spans) edges.add(a).add(b % daySeconds);
  const list: number[] = [];
  const meet = (t: number) => list.push(t, t + 1, t - m.duration + 1);
  const end = to + m.duration;
  for (const z of m.zones) {
    for (let i = z.span(from); i <= z.span(end); i++) {
      meet(z.starts[i]!);
      const offset = z.offsets[i]!;
      for (let day = dayOf(from + offset) - 1; day <= dayOf(end + offset) + 1; day++) {
        for (const e of edges) meet(day * daySeconds + e - offset);
      }
    }
  }
  return sorted(list, from, to);
}

function sorted(list: readonly number[], from: number, to: number): number[] {
  const inside = list.filter((t) => from < t && t < to);
  return [...new Set([from, ...inside, to])].sort((a, b) => a - b);
}
