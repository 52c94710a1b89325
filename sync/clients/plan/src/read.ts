import { parseDate } from "./date.js";
import { maxMinor } from "./money.js";

/** Findings are the first member that is malformed, and the first amount that is out of range. */
export interface Findings {
  malformed?: string;
  outOfRange?: string;
}

const tellable = /^[A-Za-z_][A-Za-z0-9_]{0,63}(\[[0-9]+\]|\.[A-Za-z_][A-Za-z0-9_]{0,63})*$/;

/** told returns a name that was sent, as an answer repeats it: any other text could be a person's name. */
const told = (name: string): string => (tellable.test(name) ? name : "…");

/** isObject tells whether a value is an object of JSON. */
export function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

/** Members reads an object member by member. A member that is undefined is absent. */
export class Members {
  private readonly seen = new Set<string>();

  constructor(
    private readonly of: Record<string, unknown>,
    readonly prefix: string,
    readonly findings: Findings,
  ) {}

  fail(name: string): void {
    this.findings.malformed ??= this.prefix + name;
  }

  take(name: string): Value | undefined {
    this.seen.add(name);
    const v = Object.hasOwn(this.of, name) ? this.of[name] : undefined;
    return v === undefined ? undefined : new Value(this, name, v);
  }

  /** takeNotNull is take for a member for which null counts as absent. */
  takeNotNull(name: string): Value | undefined {
    const v = this.take(name);
    return v?.v === null ? undefined : v;
  }

  need(name: string): Value | undefined {
    const v = this.take(name);
    if (!v) this.fail(name);
    return v;
  }

  /** close fails for the first, by name, of the members that were not read. */
  close(): void {
    const unknown = Object.keys(this.of).filter((k) => this.of[k] !== undefined && !this.seen.has(k)).sort();
    if (unknown[0] !== undefined) this.fail(told(unknown[0]));
  }
}

/** Value is a member, or an entry of a list that is one. What it returns for a malformed value is used by nobody. */
export class Value {
  constructor(
    private readonly members: Members,
    readonly name: string,
    readonly v: unknown,
  ) {}

  fail(): void {
    this.members.fail(this.name);
  }

  text(): string {
    if (typeof this.v === "string") return this.v;
    this.fail();
    return "";
  }

  word<T extends string>(list: readonly T[]): T | undefined {
    const found = list.find((w) => w === this.v);
    if (found === undefined) this.fail();
    return found;
  }

  date(): number {
    const day = parseDate(this.v);
    if (day === undefined) this.fail();
    return day ?? 0;
  }

  flag(): boolean {
    if (typeof this.v !== "boolean") this.fail();
    return this.v === true;
  }

  /** integer returns a whole number. JSON.parse makes an infinity of one that is too long for it. */
  integer(): number {
    const { v } = this;
    if (typeof v === "number" && (Number.isInteger(v) || Math.abs(v) === Infinity)) return v;
    this.fail();
    return 0;
  }

  /** within returns an integer of a range. One outside of it is malformed. */
  within(least: number, most: number): number {
    const n = this.integer();
    if (n < least || n > most) this.fail();
    return n;
  }

  /** minor returns an amount of at most maxMinor. */
  minor(least: number): number {
    const n = this.integer();
    if (n < least || n > maxMinor) this.members.findings.outOfRange ??= this.members.prefix + this.name;
    return n;
  }

  /** list returns the entries of a list: by its name, or numbered. */
  list(numbered = false): Value[] {
    if (!Array.isArray(this.v)) {
      this.fail();
      return [];
    }
    return this.v.map((one, i) => new Value(this.members, numbered ? `${this.name}[${i}]` : this.name, one));
  }

  object(): Members | undefined {
    if (isObject(this.v)) return new Members(this.v, `${this.members.prefix}${this.name}.`, this.members.findings);
    this.fail();
    return undefined;
  }
}
