import {
  type Change, type Fields, kindOf, midTime, mutationOf, newMid, overlay, type PullAnswer, requiresOf, type Result,
  type Sent, settled, type Wire, WireError,
} from "@doorstep/wire";
import {
  type ReplicationPullHandlerResult, type RxCollection, type RxReplicationWriteToMasterRow, type WithDeleted,
} from "rxdb";
import { type Log } from "./log.js";
import { type Stored, stored, tombstone } from "./schema.js";

/**
 * Checkpoint is where a collection is in the feed. RxDB merges checkpoints: all keys are always there. `held` is where
 * to begin again after a start, 0 for nowhere (One.skipped).
 */
export interface Checkpoint {
  epoch: string;
  cursor: number;
  schema: number;
  held: number;
}

/** Feed pulls for all collections, which share a page where they can: a poke costs one request and not ten. */
export class Feed {
  private shared: { epoch: string; after: number; page: Promise<PullAnswer> } | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly types: string[],
    private readonly signal: AbortSignal,
  ) {}

  refresh(): void {
    this.shared = undefined;
  }

  /** page gives what is new of one type. Changes of a shared page before the cursor are left out. */
  async page(type: string, at: Checkpoint | undefined, limit: number): Promise<PullAnswer> {
    if (at !== undefined) {
      const { epoch, cursor } = at;
      if (this.shared === undefined || this.shared.epoch !== epoch || this.shared.after > cursor) {
        const page = this.wire.pull({ epoch, after: cursor, types: this.types }, this.signal);
        page.catch(() => this.refresh());
        this.shared = { epoch, after: cursor, page };
      }
      const page = await this.shared.page;
      if (!page.more && page.cursor >= cursor) {
        return { ...page, changes: page.changes.filter((c) => c.type === type && c.seq > cursor) };
      }
    }
    return this.wire.pull({ epoch: at?.epoch, after: at?.cursor ?? 0, limit, types: [type] }, this.signal);
  }
}

/** One is one collection. */
export class One {
  /** RxDB does not store the checkpoint of an empty page. Where the feed was read to without one is known here. */
  private ahead: { from: string; to: Checkpoint } | undefined;
  private cleaning: Promise<unknown> | undefined;
  /**
   * Records, by the seq of their change, that RxDB has not stored because the agent's version of them was not
   * acknowledged yet. RxDB takes the checkpoint all the same. If the push is then answered as a duplicate, no other
   * change follows, and the phone would never get the record as the server has it. So it is read again.
   */
  private readonly skipped = new Map<string, number>();
  private goesOn = false; // RxDB asks for the next page at once
  private started = false;

  constructor(
    private readonly type: string,
    private readonly collection: RxCollection<Stored>,
    private readonly all: Map<string, RxCollection<Stored>>,
    private readonly wire: Wire,
    private readonly log: Log,
    private readonly feed: Feed,
    private readonly signal: AbortSignal,
    private readonly pushing: () => boolean,
    private readonly resync: () => void,
  ) {}

  /** pull reads until it has as many as RxDB asked for: RxDB takes a short answer for the end of the feed (P2). */
  async pull(last: Checkpoint | undefined, batch: number): Promise<ReplicationPullHandlerResult<Stored, Checkpoint>> {
    const schema = this.wire.options.schema;
    const documents: WithDeleted<Stored>[] = [];
    // An app with another schema version has members to fill: it begins from 0.
    let at = last?.schema === schema ? last : undefined;
    const from = `${last?.epoch}/${last?.cursor}`;
    if (at !== undefined) {
      const held = this.started ? this.held() : at.held;
      this.started = true;
      if (held > 0 && !this.goesOn) at = { ...at, cursor: Math.min(at.cursor, held) };
      else if (this.ahead?.from === from) at = this.ahead.to;
    } else if (last === undefined && this.ahead?.from === from) {
      at = this.ahead.to;
    }
    if (last !== undefined && at === undefined) {
      documents.push(...(await this.ghosts()));
    }
    for (;;) {
      let page: PullAnswer;
      try {
        page = await this.feed.page(this.type, at, Math.max(1, batch - documents.length));
      } catch (e) {
        if (!(e instanceof WireError && e.reset && at !== undefined)) throw e;
        await this.log.restored(e.problem.epoch ?? "", this.signal);
        at = undefined;
        documents.push(...(await this.ghosts()));
        continue;
      }
      // Who begins from 0 is told of another epoch by its first page only.
      if (at === undefined) await this.log.met(page.epoch, this.signal);
      documents.push(...(await this.documents(page.changes)));
      at = { epoch: page.epoch, cursor: page.cursor, schema, held: this.held() };
      if (page.more && documents.length < batch) continue;
      if (documents.length === 0) this.ahead = { from, to: at };
      this.goesOn = documents.length >= batch;
      return { documents, checkpoint: at };
    }
  }

  private async documents(changes: Change[]): Promise<WithDeleted<Stored>[]> {
    await this.log.purge(this.type, changes);
    await this.watch(changes);
    return changes.map((c) => this.document(c.id, c.rev, c.op, "doc" in c ? c.doc : undefined));
  }

  private async watch(changes: Change[]): Promise<void> {
    for (const c of changes) this.skipped.delete(c.id);
    const puts = new Map(changes.filter((c) => c.op === "put").map((c) => [c.id, c.seq]));
    for (const doc of (await this.collection.findByIds([...puts.keys()]).exec()).values()) {
      if (doc.mut === "") continue;
      const acked = (await this.log.of(this.type, doc.id)).some((s) => s.mid === doc.mut && s.state === "acked");
      if (acked && !this.pushing()) continue;
      this.skipped.set(doc.id, puts.get(doc.id)!);
      if (acked) this.resync(); // RxDB is about to note the answer
    }
  }

  private held(): number {
    return this.skipped.size > 0 ? Math.max(1, Math.min(...this.skipped.values()) - 1) : 0;
  }

  private document(id: string, rev: number, op: string | undefined, doc: object | undefined): WithDeleted<Stored> {
    if (op !== "put" || doc === undefined) return tombstone(this.collection, id, rev);
    return stored(this.collection, id, rev, doc as Fields);
  }

  /**
   * ghosts are records that are here and not on the server, as tombstones: who begins from 0 is not told of what went
   * before. What the agent wrote and the server has not answered is none.
   */
  private async ghosts(): Promise<WithDeleted<Stored>[]> {
    const there = await this.wire.held(this.type, this.signal);
    if (there === undefined) return [];
    const out: WithDeleted<Stored>[] = [];
    for (const doc of await this.collection.find().exec()) {
      if (there.has(doc.id)) continue;
      const sent = await this.log.of(this.type, doc.id);
      const waits = doc.mut !== "" && !sent.some((s) => s.mid === doc.mut && s.state === "acked");
      if (!waits) out.push(tombstone(this.collection, doc.id, doc.rev));
    }
    await this.log.purge(this.type, out.map(({ id }) => ({ id, op: "revoke" })));
    return out;
  }

  /** push answers with the records as the server has them where it did not take the agent's version. */
  async push(rows: RxReplicationWriteToMasterRow<Stored>[]): Promise<WithDeleted<Stored>[]> {
    const queues = await Promise.all(rows.map((row) => this.queue(row)));
    const all = queues.flat();
    if (all.length === 0) return [];
    const results = await this.log.exchange(all, this.signal);
    const out: WithDeleted<Stored>[] = [];
    let wait = false;
    for (const [i, queue] of queues.entries()) {
      const result = results.get(queue.at(-1)?.mid ?? "");
      if (queue.some((s) => results.get(s.mid)?.status === "retry")) wait = true;
      else if (result !== undefined) out.push(...this.after(rows[i]!, result));
    }
    if (this.skipped.size > 0) this.resync(); // once RxDB has noted the answers
    // RxDB calls again with the same records. What was answered meanwhile is not sent again.
    if (wait) throw new Error("the server asks to wait");
    return out;
  }

  private after(row: RxReplicationWriteToMasterRow<Stored>, r: Result): WithDeleted<Stored>[] {
    const { id, rev, _deleted } = row.newDocumentState;
    const { record } = settled(r);
    if (record === "keep") {
      if (_deleted) void this.clean();
      return [];
    }
    if (record === "drop") return [tombstone(this.collection, id, r.rev ?? rev)];
    return [this.document(id, r.rev ?? rev, r.op, "doc" in r ? r.doc : undefined)];
  }

  /** queue is what must be sent for one record: what has no answer yet, as it was sent, and then the last write. */
  private async queue(row: RxReplicationWriteToMasterRow<Stored>): Promise<Sent[]> {
    const { id, rev, mut, _deleted: deleted, ...fields } = row.newDocumentState;
    const before = row.assumedMasterState?._deleted === false ? row.assumedMasterState : undefined;
    const kept = await this.log.of(this.type, id);
    const own = kept.find((s) => s.mid === mut);
    if (own?.state === "acked" || own?.state === "not_yet") return [];
    const queue = kept.filter((s) => s.state === "queued" || s === own);
    // A record that the server never had need not be deleted there.
    const unknown = before === undefined && queue.length === 0;
    if (own === undefined && !(deleted && unknown)) {
      const known = unknown ? undefined : overlay(kindOf(this.type)!, before ?? {}, queue.map((s) => s.mutation));
      const mid = mut || newMid(this.wire.now()); // of a write past the hooks; the log keeps it
      const local = { id, rev: rev ?? 0, fields, deleted };
      const mutation = mutationOf(kindOf(this.type)!, this.type, local, known, mid, midTime(mid));
      if (mutation !== undefined) {
        const { schema } = this.wire.options;
        const at = midTime(mid);
        queue.push({ mid, type: this.type, record: id, state: "queued", at, epoch: "", schema, mutation });
      }
    }
    if (deleted && queue.length === 0) void this.clean();
    for (const s of queue) s.mutation = await this.withParents(s.mutation);
    return queue;
  }

  /** withParents names what creates the records that a mutation refers to, in whichever collection they wait. */
  private async withParents(m: Sent["mutation"]): Promise<Sent["mutation"]> {
    const parents: [string, string][] = [];
    requiresOf(m, (type, id) => (parents.push([type, id]), []));
    const mids = new Map<string, string[]>();
    for (const [type, id] of parents) {
      const doc = await this.all.get(type)?.findOne(id).exec();
      if (!doc || doc.rev > 0) continue;
      const kept = await this.log.of(type, id);
      if (kept.some((s) => s.state === "acked")) continue;
      const queued = kept.filter((s) => s.state === "queued" && s.mutation.op === "put").map((s) => s.mid);
      mids.set(`${type}/${id}`, queued.length > 0 || doc.mut === "" ? queued : [doc.mut]);
    }
    const { requires: _, ...rest } = m;
    const requires = requiresOf(m, (type, id) => mids.get(`${type}/${id}`) ?? []);
    return requires.length > 0 ? { ...rest, requires } : rest;
  }

  /** clean removes what the storage keeps of deleted records, once they are in sync. */
  clean(): Promise<unknown> {
    this.cleaning ??= this.collection.cleanup(0).catch(() => {}).finally(() => (this.cleaning = undefined));
    return this.cleaning;
  }
}
