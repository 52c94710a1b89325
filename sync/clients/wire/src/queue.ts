import { type Fields, type Kind, type Mutation, type Result } from "./types.js";

/**
 * Sent is a mutation that an adapter keeps: from before it is first sent until 30 days after its answer. `queued` has
 * no answer yet. `acked` is offered again when the server was restored from a backup (P8). `refused` is for the app to
 * show: what the agent wrote is not thrown away in silence. `not_yet` waits for a newer server or app.
 */
export interface Sent {
  mid: string;
  type: string;
  record: string;
  state: "queued" | "acked" | "refused" | "not_yet";
  at: number;
  epoch: string;
  schema: number;
  mutation: Mutation;
  result?: Result;
}

/** keptFor is how long an answered mutation is kept: the server takes offers of 30 days after a restore. */
export const keptFor = 30 * 24 * 3600 * 1000;

/** Limits of one push. Bytes are those of its JSON in UTF-8. */
export const most = { mutations: 200, bytes: 1 << 20 };

/** Local is a record of the phone's database as an adapter sees it. */
export interface Local {
  id: string;
  rev: number;
  fields: Fields;
  deleted: boolean;
}

/**
 * mutationOf is what a local write says to the server, or undefined if it says nothing. `known` is the record as the
 * server has it, as far as the phone knows, with what it has sent and got no answer for; undefined for a new record.
 * Only members that differ are sent of a record that exists: sending others would undo what another user wrote.
 */
export function mutationOf(
  kind: Kind,
  type: string,
  local: Local,
  known: Fields | undefined,
  mid: string,
  at: number,
): Mutation | undefined {
  const head = { mid, type, id: local.id, base: local.rev, client_ts: new Date(at).toISOString() };
  if (local.deleted) return { ...head, op: "delete" };
  if (known === undefined) return { ...head, op: "put", fields: present(pick(local.fields, kind.said)) };
  const changed = difference(kind, known, local.fields);
  if (Object.keys(changed).length === 0) return undefined;
  if (kind.ops.includes("patch")) return { ...head, op: "patch", fields: changed };
  // Evidence never changes: the server keeps this version for a supervisor and answers with the record as it is.
  return { ...head, op: "put", fields: present(pick(local.fields, kind.said)) };
}

/**
 * difference is the members a phone may write that differ. Absent and null are the same. Of an object in a record that
 * is merged member by member (drafts), those of its members that differ: a stale copy of another one would undo what
 * the agent's other phone wrote.
 */
export function difference(kind: Kind, before: Fields, after: Fields): Fields {
  const out: Fields = {};
  for (const name of kind.said) {
    const [was, is] = [before[name], after[name]];
    if (same(was, is)) continue;
    if (!merges(kind) || !isObject(was) || !isObject(is)) {
      out[name] = is ?? null;
      continue;
    }
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((n) => !same(was[n], is[n]));
    out[name] = Object.fromEntries(names.map((n) => [n, is[n] ?? null]));
  }
  return out;
}

/** overlay is a record with mutations on top, in order. */
export function overlay(kind: Kind, doc: Fields | undefined, mutations: Mutation[]): Fields | undefined {
  let out = doc;
  for (const m of mutations) {
    if (m.op === "delete") continue;
    const fields = { ...m.fields };
    for (const [name, value] of Object.entries(fields)) {
      const was = out?.[name];
      if (merges(kind) && isObject(was) && isObject(value)) fields[name] = present({ ...was, ...value });
    }
    out = { ...out, ...fields };
  }
  return out;
}

/** merges tells whether records of a kind are merged member by member, objects in them too. */
export function merges(kind: Kind): boolean {
  return kind.ops.includes("delete");
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * requiresOf names the mids that must go before a mutation: those that create the records it refers to, while they
 * are not answered. It is asked anew at each sending, because a parent may have got its answer meanwhile.
 * `mids` looks up such mids, by type and id.
 */
export function requiresOf(m: Mutation, mids: (type: string, id: string) => string[]): string[] {
  const { visit, of, of_type: ofType, supersedes } = m.fields ?? {};
  const parents: [unknown, unknown][] = [["visits", visit], [ofType, of], [m.type, supersedes]];
  const out = new Set<string>();
  for (const [type, id] of parents) {
    if (typeof type !== "string" || typeof id !== "string" || id === "") continue;
    if (type === m.type && id === m.id) continue;
    for (const mid of mids(type, id)) out.add(mid);
  }
  out.delete(m.mid);
  return [...out];
}

/** Settled is what an adapter does with a record and its mutation after an answer. */
export interface Settled {
  state: Sent["state"];
  /** keep: the record stays as the phone has it. take: take the server's. drop: forget it. */
  record: "keep" | "take" | "drop";
}

/**
 * settled reads one result. A status that this version does not know keeps what the agent wrote: a newer server must
 * not make an older app forget work.
 */
export function settled(r: Result): Settled {
  const status: string = r.status;
  switch (status) {
    case "applied":
    case "duplicate":
    case "merged":
      return { state: "acked", record: "keep" };
    case "revoked":
      return { state: "refused", record: "drop" };
    case "conflict":
    case "rejected":
      // Without a record of the server's there is nothing but a create that was refused.
      return { state: "refused", record: r.op === "put" && "doc" in r && r.doc !== undefined ? "take" : "drop" };
    case "retry":
      return { state: "queued", record: "keep" };
    default:
      return { state: "not_yet", record: "keep" };
  }
}

/** Pushes are mutations in the pushes they go by, in order, and those that are too large for any push. */
export interface Pushes {
  pushes: Mutation[][];
  tooLarge: Mutation[];
}

/** pushesOf cuts mutations into pushes that keep the limits. */
export function pushesOf(mutations: Mutation[], limits = most): Pushes {
  const out: Pushes = { pushes: [], tooLarge: [] };
  const envelope = 512;
  let now: Mutation[] = [];
  let bytes = envelope;
  for (const m of mutations) {
    const size = utf8(JSON.stringify(m)) + 1;
    if (size + envelope > limits.bytes) {
      out.tooLarge.push(m);
      continue;
    }
    if (now.length === limits.mutations || bytes + size > limits.bytes) {
      out.pushes.push(now);
      now = [];
      bytes = envelope;
    }
    now.push(m);
    bytes += size;
  }
  if (now.length > 0) out.pushes.push(now);
  return out;
}

function utf8(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) n += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return n;
}

/** pick takes the members named. */
export function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => name in fields).map((name) => [name, fields[name]]));
}

function present(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined && v !== null));
}

/** same tells whether two JSON values mean the same. Absent members and null are the same. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? null) === (b ?? null)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a)) return a.length === (b as unknown[]).length && a.every((x, i) => same(x, (b as unknown[])[i]));
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => same((a as Fields)[name], (b as Fields)[name]));
}
