import {
  type Fields, keptFor, type Kind, kindOf, merges, mutationOf, newMid, type Mutation, overlay, pushesOf, requiresOf,
  type Result, type Sent, settled, type Wire, WireError,
} from "@doorstep/wire";
import { type Database, type Model, Q } from "@nozbe/watermelondb";
import { prepareMarkAsSynced } from "@nozbe/watermelondb/sync/impl/helpers.js";
import { fieldsOf, logName, type Raw } from "./schema.js";

/** Answer is a mutation that was refused, or that the server cannot take yet, with its answer. */
export interface Answer {
  sent: Sent;
  result: Result;
}

/** Entry is a row of the log: a mutation that is kept. */
export interface Entry {
  model: Model;
  sent: Sent;
}

/**
 * Queue holds what the agent wrote, from the write until 30 days after its answer. WatermelonDB knows which columns of
 * a row differ from the server, and not what was sent: after a lost answer it would send all of it under another id.
 */
export class Queue {
  /** The tables that sync. */
  readonly tables: string[];
  /** epoch is the server's, as of when all that is kept had been offered in it; "" before the first answer. */
  epoch = "";

  constructor(
    readonly database: Database,
    readonly wire: Wire,
    private readonly refused: (a: Answer) => void,
  ) {
    const names = Object.keys(database.schema.tables);
    if (!names.includes(logName)) throw new Error(`the schema lacks ${logName}: add logTable and the model Log`);
    this.tables = names.filter((name) => kindOf(name) !== undefined);
  }

  /** entries lists what is kept in some states, in the order of the writes. */
  async entries(...states: Sent["state"][]): Promise<Entry[]> {
    const found = await this.database.get(logName).query(Q.where("state", Q.oneOf(states))).fetch();
    const all = found.map((model) => ({ model, sent: JSON.parse((model._raw as unknown as Raw)["sent"] as string) }));
    return all.sort((a, b) => (a.sent.mid < b.sent.mid ? -1 : 1));
  }

  /**
   * collect moves what was written into the log, each write under an id of its own. Call it within a writer: nothing
   * is written between its look at the rows and the mark that they are in the log, and both are one batch.
   */
  async collect(): Promise<void> {
    const kept = (await this.entries("queued", "acked", "not_yet")).map((e) => e.sent);
    for (const name of this.tables) {
      const rows = this.database.get(name);
      const kind = kindOf(name)!;
      const table = this.database.schema.tables[name]!;
      const at = this.wire.now();
      const mutations: Mutation[] = [];
      const changed = await rows.query(Q.where("_status", Q.oneOf(["created", "updated"]))).fetch();
      for (const model of changed) {
        const row = model._raw as unknown as Raw;
        const fields = fieldsOf(table, kind, row);
        const own = kept.filter((s) => s.type === name && s.record === row.id);
        // A row that was never sent goes whole.
        const known = row["_status"] === "created" ? undefined : knownOf(kind, row, fields, own);
        const local = { id: row.id, rev: row.rev ?? 0, fields, deleted: false };
        const m = mutationOf(kind, name, local, known, newMid(at), at);
        if (m !== undefined) mutations.push(m);
      }
      const deleted = await this.database.adapter.getDeletedRecords(name);
      for (const id of deleted) {
        const row = await this.database.adapter.find(name, id);
        const rev = typeof row === "object" ? ((row as unknown as Raw | null)?.rev ?? 0) : 0;
        // The server need not hear of a row that was made and deleted before it was sent.
        if (typeof row === "object" && rev === 0 && !kept.some((s) => s.record === id)) continue;
        const local = { id, rev, fields: {}, deleted: true };
        mutations.push(mutationOf(kind, name, local, {}, newMid(at), at)!);
      }
      if (changed.length + deleted.length === 0) continue;
      await this.database.batch([...mutations.map((m) => this.prepare(m, at)), ...changed.map(prepareMarkAsSynced)]);
      // WatermelonDB ignores what is pulled of rows that it has marked as deleted, such as one that may not be deleted.
      if (deleted.length > 0) await this.database.adapter.destroyDeletedRecords(name, deleted);
    }
  }

  private prepare(mutation: Mutation, at: number): Model {
    const { mid, type, id } = mutation;
    const schema = this.wire.options.schema;
    const sent: Sent = { mid, type, record: id, state: "queued", at, epoch: "", schema, mutation };
    return this.database.get(logName).prepareCreate((model) => {
      // Not "created": hasUnsyncedChanges() would count it.
      const row = { id: mid, _status: "synced", state: "queued", record: id, sent: JSON.stringify(sent) };
      Object.assign(model._raw, row);
    });
  }

  /**
   * flush sends what is queued, in order, until nothing is or the server asks to wait. To a server that was restored
   * since, what was acknowledged before goes first.
   */
  async flush(): Promise<void> {
    for (;;) {
      try {
        return await this.send();
      } catch (e) {
        if (!(e instanceof WireError && e.reset && this.epoch !== (e.problem.epoch ?? ""))) throw e;
        await this.restored(e.problem.epoch ?? "");
      }
    }
  }

  /** restored queues what the server may have lost when it was restored from a backup (P8). */
  async restored(epoch: string): Promise<void> {
    await this.again((s) => s.state === "acked" && s.epoch !== epoch);
    this.epoch = epoch;
  }

  private async send(): Promise<void> {
    for (;;) {
      const queued = await this.entries("queued");
      if (queued.length === 0) return;
      const byMid = new Map(queued.map((e) => [e.sent.mid, e]));
      const waiting = (type: string, id: string) => queued.map((e) => e.sent)
        .filter((s) => s.type === type && s.record === id && s.mutation.op === "put").map((s) => s.mid);
      const { pushes, tooLarge } = pushesOf(queued.map((e) => {
        const requires = requiresOf(e.sent.mutation, waiting);
        return requires.length > 0 ? { ...e.sent.mutation, requires } : e.sent.mutation;
      }));
      for (const m of tooLarge) {
        const { mid, type, id } = m;
        const detail = "the record is too large for a push";
        const result = { mid, type, id, status: "rejected", code: "too_large_to_send", detail } as Result;
        await this.note([{ entry: byMid.get(mid)!, result }]);
      }
      for (const push of pushes) {
        const answer = await this.wire.push(push, this.epoch);
        if (this.epoch === "") this.epoch = answer.epoch;
        await this.note(answer.results.map((result, i) => ({ entry: byMid.get(push[i]!.mid)!, result })));
        if (answer.results.some((r) => settled(r).state === "queued")) return;
      }
    }
  }

  private async note(answers: { entry: Entry; result: Result }[]): Promise<void> {
    const told: Answer[] = [];
    await this.database.write(async () => {
      await this.collect(); // a later write of a row that goes now is kept before it goes
      const batch: Model[] = [];
      const dropped = new Map<string, Set<string>>();
      for (const { entry, result } of answers) {
        const after = settled(result);
        const { doc: _, ...answer } = result as Result & { doc?: unknown };
        const now = { state: after.state, at: this.wire.now(), epoch: this.epoch, result: answer as Result };
        const sent = { ...entry.sent, ...now };
        if (sent.state === "refused" || sent.state === "not_yet") told.push({ sent, result });
        batch.push(result.status === "revoked" ? entry.model.prepareDestroyPermanently() : keep(entry.model, sent));
        // What the server has instead comes with the next pull. Of what it never had, nothing comes.
        if (after.record === "drop") dropped.set(sent.type, (dropped.get(sent.type) ?? new Set()).add(sent.record));
      }
      for (const [type, ids] of dropped) {
        batch.push(...(await this.rows(type, [...ids])).map((model) => model.prepareDestroyPermanently()));
      }
      await this.database.batch(batch);
    });
    told.forEach(this.refused);
  }

  /** rows are those of a table with these ids. */
  async rows(table: string, ids: string[]): Promise<Model[]> {
    return ids.length === 0 ? [] : this.database.get(table).query(Q.where("id", Q.oneOf(ids))).fetch();
  }

  /** drop removes rows that are gone, and what was sent of them. Call it within a writer, after collect. */
  async drop(table: string, gone: { id: string; op: string }[]): Promise<void> {
    const ops = new Map(gone.map((c) => [c.id, c.op]));
    const out = (await this.rows(table, [...ops.keys()])).map((model) => model.prepareDestroyPermanently());
    for (const { model, sent } of await this.entries("acked", "refused", "not_yet")) {
      const of = sent.type === table ? sent.record : table === "cases" ? caseOf(sent) : "";
      const op = ops.get(of);
      // A record that was refused is "deleted" in the feed: what the agent wrote of it stays to be seen.
      if (op === "revoke" || (op !== undefined && sent.state === "acked")) out.push(model.prepareDestroyPermanently());
    }
    await this.database.batch(out);
  }

  /** again queues what was answered: what the server may have lost, or what it or the app may know only now. */
  async again(which: (s: Sent) => boolean): Promise<void> {
    await this.database.write(async () => {
      const all = (await this.entries("acked", "not_yet")).filter((e) => which(e.sent));
      const { schema } = this.wire.options;
      await this.database.batch(all.map((e) => keep(e.model, { ...e.sent, state: "queued", schema })));
    });
  }

  /** sweep forgets what was answered 30 days ago. */
  async sweep(): Promise<void> {
    const before = this.wire.now() - keptFor;
    await this.database.write(async () => {
      const old = (await this.entries("acked", "refused")).filter((e) => e.sent.at < before);
      await this.database.batch(old.map((e) => e.model.prepareDestroyPermanently()));
    });
  }
}

/**
 * knownOf is the row as it was before it was written to. Columns that were written count as changed, whatever is in
 * them: what was written twice is back at its first value and still another write. Of types that are merged member by
 * member it is what was pulled and what has been sent since.
 */
function knownOf(kind: Kind, row: Raw, fields: Fields, kept: Sent[]): Fields {
  const columns = new Set(String(row["_changed"]).split(","));
  if (!merges(kind)) {
    return Object.fromEntries(Object.entries(fields).map(([name, v]) => [name, columns.has(name) ? Symbol() : v]));
  }
  const since = kept.filter((s) => s.state !== "acked" || (s.result?.rev ?? 0) > (row.rev ?? 0));
  return overlay(kind, JSON.parse((row["seen"] as string | null) ?? "{}"), since.map((s) => s.mutation)) ?? {};
}

function keep(model: Model, sent: Sent): Model {
  return model.prepareUpdate(() => {
    Object.assign(model._raw, { state: sent.state, sent: JSON.stringify(sent) });
  });
}

function caseOf(sent: Sent): string {
  return String(sent.mutation.fields?.["case"] ?? "");
}
