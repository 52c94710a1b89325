import { CantSay, isObject, type Why } from "./time.js";

/**
 * Members reads an object member by member and remembers which were read. done throws for any other: a rule or a fact
 * that this engine does not know could forbid what it would allow. null counts as absent.
 */
export class Members {
  private readonly seen = new Set<string>();
  private readonly of: Record<string, unknown>;

  constructor(v: unknown, readonly path: string, private readonly why: Why) {
    if (!isObject(v)) throw new CantSay(why, `${path}: this must be an object`);
    this.of = v;
  }

  fail(key: string, what: string): never {
    throw new CantSay(this.why, `${this.path}.${key}: ${what}`);
  }

  take(key: string): unknown {
    this.seen.add(key);
    const v = Object.hasOwn(this.of, key) ? this.of[key] : undefined;
    return v ?? undefined;
  }

  skip(...keys: string[]): void {
    for (const key of keys) this.seen.add(key);
  }

  keys(): string[] {
    return Object.keys(this.of);
  }

  done(): void {
    for (const key of this.keys()) if (!this.seen.has(key)) this.fail(key, "this engine does not know the member");
  }

  text(key: string): string | undefined {
    const v = this.take(key);
    if (v !== undefined && typeof v !== "string") this.fail(key, "this must be a text");
    return v === "" ? undefined : v;
  }

  need(key: string): string {
    return this.text(key) ?? this.fail(key, "this must be given");
  }

  flag(key: string): boolean {
    const v = this.take(key) ?? false;
    if (typeof v !== "boolean") this.fail(key, "this must be true or false");
    return v;
  }

  whole(key: string, from: number, to: number): number | undefined {
    const v = this.take(key);
    if (v === undefined) return undefined;
    if (!Number.isSafeInteger(v)) this.fail(key, "this must be a whole number");
    const n = v as number;
    return n < from || n > to ? this.fail(key, `this must be from ${from} to ${to}`) : n;
  }

  list(key: string): unknown[] | undefined {
    const v = this.take(key);
    if (v !== undefined && !Array.isArray(v)) this.fail(key, "this must be a list");
    return v;
  }

  texts(key: string): string[] | undefined {
    const list = this.list(key);
    if (list && !list.every((v) => typeof v === "string")) this.fail(key, "this must be a list of texts");
    return list as string[] | undefined;
  }

  /** word reads a word of a closed list. */
  word(key: string, list: readonly string[]): string | undefined {
    const v = this.text(key);
    return v === undefined || list.includes(v) ? v : this.fail(key, `this engine does not know ${v}`);
  }

  words(key: string, list: readonly string[]): string[] {
    const all = this.texts(key) ?? [];
    for (const w of all) if (!list.includes(w)) this.fail(key, `this engine does not know ${w}`);
    return all;
  }

  object(key: string): Members | undefined {
    const v = this.take(key);
    return v === undefined ? undefined : new Members(v, `${this.path}.${key}`, this.why);
  }

  /** objects reads a list of objects; a lone object is a list of one. */
  objects(key: string): Members[] {
    const v = this.take(key);
    if (v === undefined) return [];
    const list = isObject(v) ? [v] : Array.isArray(v) ? v : this.fail(key, "this must be a list");
    return list.map((one, i) => new Members(one, `${this.path}.${key}[${i}]`, this.why));
  }
}
