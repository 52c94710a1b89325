// Times as whole numbers: instants and wall times in Unix seconds, dates in days since 1970-01-01. The engine reads
// no clock and knows no zone but those of the bundle.

export const daySeconds = 86400;
// No zone is further from UTC than this.
const maxOffset = 16 * 3600;

/** CantSay is thrown where an answer would rest on something that is not known. */
export class CantSay extends Error {
  constructor(readonly why: Why, detail: string) {
    super(detail);
  }
}

/** Why says why there is no answer. */
export type Why =
  | "unverified" // the bundle was not made by verify
  | "old_bundle" // the phone has seen a bundle of a higher organisation number or a later date
  | "semantics" // the bundle's or the card's rules mean something that this engine does not know
  | "unknown_rule" // a profile of the case has a rule or a member that this engine does not know
  | "not_synced" // the first pull is not complete
  | "clock" // the phone's clock is in doubt, or behind what the phone was told
  | "offsets" // the bundle's zone offsets do not reach so far
  | "card" // the case card lacks what is needed, was made under another policy, or is too old
  | "question"; // the question is malformed

/** dayOf returns the date on which a wall time lies. */
export const dayOf = (wall: number): number => Math.floor(wall / daySeconds);

/** weekdayOf returns the weekday of a date, 0 for Sunday; 1970-01-01 was a Thursday. */
export const weekdayOf = (day: number): number => (((day + 4) % 7) + 7) % 7;

/** daysOf returns the day number of a date of the Gregorian calendar. */
export function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468;
}

/** dateOf is the inverse of daysOf. */
export function dateOf(days: number): [year: number, month: number, day: number] {
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * mp + 2) / 5) + 1];
}

/** firstOfMonth returns the first day of the month that lies n-1 months before the month of a date. */
export function firstOfMonth(day: number, n: number): number {
  const [year, month] = dateOf(day);
  const months = year * 12 + (month - 1) - (n - 1);
  return daysOf(Math.floor(months / 12), (months % 12) + 1, 1);
}

const dateShape = /^(\d{4})-(\d\d)-(\d\d)$/;

/** parseDay reads "2006-01-02"; undefined for anything else. */
export function parseDay(text: unknown): number | undefined {
  const m = typeof text === "string" ? dateShape.exec(text) : null;
  if (!m) return undefined;
  const [year, month, day] = [Number(m[1]), Number(m[2]), Number(m[3])];
  const days = daysOf(year, month, day);
  const [y, mo, d] = dateOf(days);
  if (y !== year || mo !== month || d !== day || year < 1970 || year > 2100) return undefined;
  return days;
}

/** parseClock reads "15:04" as seconds since midnight; "24:00" is the end of the day. */
export function parseClock(text: unknown): number | undefined {
  const m = typeof text === "string" ? /^(\d\d):(\d\d)$/.exec(text) : null;
  if (!m) return undefined;
  const [h, min] = [Number(m[1]), Number(m[2])];
  return min > 59 || h > 24 || (h === 24 && min > 0) ? undefined : h * 3600 + min * 60;
}

/** When is a time as it was given: an instant, or wall time in the debtor's first zone. */
export interface When {
  sec: number;
  wall: boolean;
}

const whenShape = /^(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** parseWhen reads an instant, a wall time or a date, and cuts off fractions of a second. */
export function parseWhen(text: unknown): When | undefined {
  const m = typeof text === "string" ? whenShape.exec(text) : null;
  const day = m ? parseDay(m[1]) : undefined;
  if (!m || day === undefined) return undefined;
  const [h, min, s] = [Number(m[2] ?? 0), Number(m[3] ?? 0), Number(m[4] ?? 0)];
  if (h > 23 || min > 59 || s > 59) return undefined;
  let sec = day * daySeconds + h * 3600 + min * 60 + s;
  const zone = m[5];
  if (zone !== undefined && zone !== "Z") {
    const [zh, zm] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
    if (zh > 23 || zm > 59) return undefined;
    sec -= (zone[0] === "-" ? -1 : 1) * (zh * 3600 + zm * 60);
  }
  return { sec, wall: zone === undefined };
}

const two = (n: number): string => String(n).padStart(2, "0");

/** dateText writes a date as "2006-01-02". */
export function dateText(day: number): string {
  const [y, m, d] = dateOf(day);
  return `${String(y).padStart(4, "0")}-${two(m)}-${two(d)}`;
}

/** instantText writes an instant as "2006-01-02T15:04:05Z". */
export function instantText(t: number): string {
  const day = dayOf(t);
  const s = t - day * daySeconds;
  return `${dateText(day)}T${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}Z`;
}

/** Zones are the offsets of the bundle's part "zones": they hold for instants of [from, to) and for no others. */
export class Zones {
  private readonly made = new Map<string, Zone>();

  constructor(
    readonly from: number,
    readonly to: number,
    private readonly tables: readonly (readonly (readonly [number, number])[])[],
    private readonly names: ReadonlyMap<string, number>,
  ) {}

  /** read reads the text of the part. */
  static read(text: string): Zones {
    const bad = (what: string) => new CantSay("semantics", `the zones: ${what}`);
    const v: unknown = JSON.parse(text);
    if (!isObject(v) || v["schema"] !== "conduct-zones/v1") throw bad("another schema");
    const [from, to] = [parseWhen(v["from"]), parseWhen(v["to"])];
    const { tables, zones } = v;
    if (!from || from.wall || !to || to.wall || !Array.isArray(tables) || !isObject(zones)) throw bad("a member");
    for (const table of tables as unknown[]) {
      let before = -Infinity;
      if (!Array.isArray(table) || table.length === 0) throw bad("a table");
      for (const row of table as unknown[]) {
        if (!Array.isArray(row) || row.length !== 2 || !row.every(Number.isSafeInteger)) throw bad("a table");
        if (row[0] <= before || Math.abs(row[1]) > maxOffset) throw bad("a table");
        before = row[0];
      }
      if (table[0][0] > from.sec) throw bad("a table begins late");
    }
    const names = new Map<string, number>();
    for (const [name, i] of Object.entries(zones)) {
      if (typeof i !== "number" || tables[i] === undefined) throw bad("a zone without a table");
      names.set(name, i);
    }
    return new Zones(from.sec, to.sec, tables, names);
  }

  /** zone returns a zone by its IANA name; undefined for an unknown name. */
  zone(name: string): Zone | undefined {
    let z = this.made.get(name);
    const table = this.tables[this.names.get(name) ?? -1];
    if (!z && table) {
      z = new Zone(this.from, this.to, table.map((r) => r[0]), table.map((r) => r[1]));
      this.made.set(name, z);
    }
    return z;
  }
}

/** Zone is a table of spans of constant offset. Span i is [starts[i], starts[i+1]). */
export class Zone {
  constructor(
    readonly from: number,
    readonly to: number,
    readonly starts: readonly number[],
    readonly offsets: readonly number[],
  ) {}

  /** span returns the index of the span that holds an instant. */
  span(t: number): number {
    let i = this.starts.length - 1;
    while (i > 0 && this.starts[i]! > t) i--;
    return i;
  }

  /** wallOf returns the wall time at an instant. */
  wallOf(t: number): number {
    if (t < this.from || t >= this.to) throw new CantSay("offsets", `the offsets do not reach ${instantText(t)}`);
    return t + this.offsets[this.span(t)]!;
  }

  dayAt(t: number): number {
    return dayOf(this.wallOf(t));
  }

  /**
   * instantOf returns the instant of a wall time: the first one if the wall time occurs twice; if it is skipped, the
   * instant by the offset before the change.
   */
  instantOf(wall: number): number {
    if (wall - maxOffset < this.from || wall + maxOffset >= this.to) {
      throw new CantSay("offsets", "the offsets do not reach so far");
    }
    const { starts, offsets } = this;
    const last = this.span(wall + maxOffset);
    for (let i = this.span(wall - maxOffset); i <= last; i++) {
      const t = wall - offsets[i]!;
      const next = starts[i + 1];
      if ((i === 0 || t >= starts[i]!) && (next === undefined || t < next)) return t;
      if (next !== undefined && wall >= next + offsets[i]! && wall < next + offsets[i + 1]!) return t;
    }
    return wall - offsets[last]!;
  }

  /** pieces cuts [from, to) where the offset changes, in wall time. */
  pieces(from: number, to: number): [number, number][] {
    this.wallOf(from);
    this.wallOf(to - 1);
    const out: [number, number][] = [];
    for (let i = this.span(from); ; i++) {
      const end = Math.min(to, this.starts[i + 1] ?? to);
      out.push([from + this.offsets[i]!, end + this.offsets[i]!]);
      if (end === to) return out;
      from = end;
    }
  }
}

export function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}
