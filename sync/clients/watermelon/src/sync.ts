import { type Change, type Fields, kindOf, overlay, type Sent, type Wire, WireError } from "@doorstep/wire";
import { type Database } from "@nozbe/watermelondb";
import { type SyncDatabaseChangeSet, type SyncPullArgs, synchronize } from "@nozbe/watermelondb/sync/index.js";
import { type Answer, Queue } from "./queue.js";
import { type Raw, rowOf } from "./schema.js";

/** Settings of sync. */
export interface Settings {
  database: Database;
  wire: Wire;
  /** Tells of what the server refused or cannot take yet, with what the agent wrote: show it to them. */
  refused?: (a: Answer) => void;
  /** Called when the server has blocked the device. The database has been emptied then. */
  wiped?: () => void;
  /** As synchronize() has it. */
  migrationsEnabledAtVersion?: number;
}

const feedKey = "doorstep_feed";
const running = new WeakMap<Database, { now: Promise<void>; next: Promise<void> | undefined }>();

/**
 * sync pushes, and then pulls. It rejects with WireError when the phone is offline; what was written stays queued.
 * Calls while one is under way share the next one.
 */
export function sync(settings: Settings): Promise<void> {
  const { database } = settings;
  const under = running.get(database);
  if (under === undefined) {
    const now = once(settings).finally(() => running.delete(database));
    running.set(database, { now, next: undefined });
    return now;
  }
  under.next ??= under.now.catch(() => {}).then(() => sync(settings));
  return under.next;
}

/**
 * watch keeps each write in the log as it is made, and syncs after it and when the server pokes, until the signal ends
 * it. An app that calls sync() itself loses nothing without it, but then writes have the time of that call.
 */
export function watch(settings: Settings, signal: AbortSignal, failed: (e: unknown) => void = () => {}): void {
  const { database, wire } = settings;
  const queue = new Queue(database, wire, () => {});
  let alarm: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    clearTimeout(alarm);
    if (signal.aborted) return;
    sync(settings).then(() => queue.entries("queued")).then((queued) => queued.length > 0, (e: unknown) => {
      failed(e);
      return !(e instanceof WireError && (e.wipe || e.tooOld));
    }).then((again) => {
      // The wire waits longer after each failure.
      if (again && !signal.aborted) alarm = setTimeout(run, 1000);
    });
  };
  const stop = database.experimentalSubscribe(queue.tables, () => {
    void database.write(() => queue.collect()).then(() => queue.entries("queued")).then((queued) => {
      if (queued.length > 0) run();
    }).catch(failed);
  });
  signal.addEventListener("abort", () => {
    stop();
    clearTimeout(alarm);
  }, { once: true });
  run();
  void wire.listen(run, signal);
}

/** refused lists what the server did not take in the last 30 days. */
export async function refused({ database, wire }: Settings): Promise<Sent[]> {
  return (await new Queue(database, wire, () => {}).entries("refused", "not_yet")).map((e) => e.sent);
}

/** unsent lists what the server has not answered. Ask it before the database is deleted: hasUnsyncedChanges cannot. */
export async function unsent({ database, wire }: Settings): Promise<Sent[]> {
  const queue = new Queue(database, wire, () => {});
  await database.write(() => queue.collect());
  return (await queue.entries("queued")).map((e) => e.sent);
}

async function once(settings: Settings): Promise<void> {
  const { database, wire, migrationsEnabledAtVersion } = settings;
  const queue = new Queue(database, wire, settings.refused ?? (() => {}));
  try {
    await database.write(() => queue.collect());
    const day = wire.now() - 24 * 3600 * 1000;
    await queue.again((s) => s.state === "not_yet" && (s.schema !== wire.options.schema || s.at < day));
    // Push before pull: what is pulled of a case that was taken away would delete what the agent wrote of it.
    // pushChanges is left out: it would push a second time what is in the log.
    queue.epoch = (await feedOf(database))?.epoch ?? "";
    await queue.flush();
    await synchronize({
      database,
      sendCreatedAsUpdated: true,
      pullChanges: (args) => new Pull(queue).changes(args),
      ...(migrationsEnabledAtVersion === undefined ? {} : { migrationsEnabledAtVersion }),
    });
    await queue.sweep();
  } catch (e) {
    if (e instanceof WireError && e.wipe) {
      await database.write(() => database.unsafeResetDatabase());
      settings.wiped?.();
    }
    throw e;
  }
}

/** Feed is where the phone is in the feed. It holds for one timestamp of WatermelonDB only. */
interface Feed {
  epoch: string;
  timestamp: number;
  schema: number;
}

async function feedOf(database: Database): Promise<Feed | null> {
  return JSON.parse((await database.adapter.getLocal(feedKey)) ?? "null") as Feed | null;
}

/** Pull is one pull. */
class Pull {
  private readonly changed = new Map<string, Map<string, Change>>();

  constructor(private readonly queue: Queue) {}

  async changes({ lastPulledAt, migration }: SyncPullArgs) {
    const { adapter } = this.queue.database;
    const { schema } = this.queue.wire.options;
    const feed = await feedOf(this.queue.database);
    // An app with another version, or with new columns, has members to fill: it begins from 0.
    const goesOn = feed !== null && feed.timestamp === lastPulledAt && feed.schema === schema && migration === null;
    let at = goesOn ? { epoch: feed.epoch, after: lastPulledAt - 1 } : undefined;
    let ghosts = lastPulledAt !== null && lastPulledAt !== undefined && !goesOn;
    for (;;) {
      try {
        at = await this.pages(at);
        // Who begins from 0 is told of another epoch by its first page only.
        if (this.queue.epoch === "" || this.queue.epoch === at.epoch) break;
        await this.queue.restored(at.epoch);
        await this.queue.flush();
      } catch (e) {
        if (!(e instanceof WireError && e.reset && at !== undefined)) throw e;
        at = undefined;
        ghosts = true;
        await this.queue.restored(e.problem.epoch ?? "");
        await this.queue.flush();
      }
    }
    if (ghosts) await this.ghosts();
    const changes = await this.apply();
    // A timestamp must be above 0, and the cursor of an empty feed is 0.
    const timestamp = at.after + 1;
    await adapter.setLocal(feedKey, JSON.stringify({ epoch: at.epoch, timestamp, schema } satisfies Feed));
    return { changes, timestamp };
  }

  private async pages(from: { epoch: string; after: number } | undefined): Promise<{ epoch: string; after: number }> {
    this.changed.clear();
    for (let at: { epoch?: string; after: number } = from ?? { after: 0 }; ; ) {
      const page = await this.queue.wire.pull({ ...at, types: this.queue.tables });
      for (const c of page.changes) {
        if (!this.changed.has(c.type)) this.changed.set(c.type, new Map());
        this.changed.get(c.type)!.set(c.id, c);
      }
      at = { epoch: page.epoch, after: page.cursor };
      if (!page.more) return { epoch: page.epoch, after: page.cursor };
    }
  }

  /** ghosts adds rows that the server does not have: who begins from 0 is not told of what went before. */
  private async ghosts(): Promise<void> {
    for (const table of this.queue.tables) {
      const there = await this.queue.wire.held(table);
      if (there === undefined) continue;
      const here = await this.queue.database.get(table).query().fetchIds();
      const changed = this.changed.get(table) ?? new Map();
      for (const id of here) {
        if (!there.has(id)) changed.set(id, { seq: 0, type: table, id, rev: 0, op: "revoke" });
      }
      this.changed.set(table, changed);
    }
  }

  /**
   * apply removes what is gone itself, in one writer with a last look at what was written: synchronize() would delete
   * rows that were written to since the push. The rest it gives to synchronize(), with what still waits on top.
   */
  private apply(): Promise<SyncDatabaseChangeSet> {
    const { queue } = this;
    return queue.database.write(async () => {
      await queue.collect();
      const waits = new Map<string, Sent[]>();
      for (const { sent } of await queue.entries("queued", "not_yet")) {
        const key = `${sent.type}/${sent.record}`;
        waits.set(key, [...(waits.get(key) ?? []), sent]);
      }
      const out: Record<string, { created: Raw[]; updated: Raw[]; deleted: string[] }> = {};
      for (const [table, changed] of this.changed) {
        const of = (c: Change) => waits.get(`${table}/${c.id}`) ?? [];
        const all = [...changed.values()];
        // What waits for its answer goes with it.
        await queue.drop(table, all.filter((c) => c.op !== "put" && !of(c).some((s) => s.state === "queued")));
        const updated = all.filter((c) => c.op === "put").flatMap((c) => this.row(table, c, of(c)) ?? []);
        out[table] = { created: [], updated, deleted: [] };
      }
      return out as unknown as SyncDatabaseChangeSet;
    });
  }

  private row(table: string, c: Change, waits: Sent[]): Raw | undefined {
    const mutations = waits.map((s) => s.mutation);
    if (mutations.at(-1)?.op === "delete") return undefined;
    const kind = kindOf(table)!;
    const seen = (("doc" in c ? c.doc : undefined) ?? {}) as Fields;
    return rowOf(this.queue.database.schema.tables[table]!, kind, c, seen, overlay(kind, seen, mutations)!);
  }
}
