import { kindOf, type Options, type Sent, Wire, WireError } from "@doorstep/wire";
import { addRxPlugin, type RxCollection, type RxDatabase } from "rxdb";
import { RxDBCleanupPlugin } from "rxdb/plugins/cleanup";
import { replicateRxCollection, type RxReplicationState } from "rxdb/plugins/replication";
import { merge, type Observable, Subject } from "rxjs";
import { type Checkpoint, Feed, One } from "./collection.js";
import { type Answer, Log } from "./log.js";
import { stamp, type Stored } from "./schema.js";

/** Settings of replicate. */
export interface Settings extends Options {
  /** How many records RxDB pulls and pushes at a time; 100 when absent. */
  batch?: number;
  /** Milliseconds until RxDB calls again after a failure, on top of the wire's own wait; 1000 when absent. */
  retryTime?: number;
  /** False: no stream; the app calls reSync itself. */
  live?: boolean;
  /** Called when the server has blocked the device. The database has been removed then. */
  wiped?: () => void;
  /** Called when this version of the app is too old. Nothing is lost; nothing syncs before an update. */
  tooOld?: () => void;
}

/** Replication is a database that syncs. */
export interface Replication {
  wire: Wire;
  states: Record<string, RxReplicationState<Stored, Checkpoint>>;
  /** What the server refused or cannot take yet, with what the agent wrote: show it to them. */
  refused$: Observable<Answer>;
  /** What is kept of it: the last 30 days. */
  refused(): Promise<Sent[]>;
  /** Pulls and pushes now. Call it when the network is back. */
  reSync(): void;
  awaitInSync(): Promise<void>;
  cancel(): Promise<void>;
}

/**
 * replicate syncs all collections of a database whose names are types of sync/v1. Open it with multiInstance: false
 * and on one page only: a page that the browser has frozen would go on leading the others.
 */
export async function replicate(db: RxDatabase, settings: Settings): Promise<Replication> {
  addRxPlugin(RxDBCleanupPlugin);
  const wire = new Wire(settings);
  const log = await Log.open(db, wire);
  const ended = new AbortController();
  const resync = new Subject<"RESYNC">();
  const named = Object.entries(db.collections as Record<string, RxCollection<Stored>>);
  const all = new Map(named.filter(([type]) => kindOf(type) !== undefined));
  const feed = new Feed(wire, [...all.keys()], ended.signal);
  const states: Record<string, RxReplicationState<Stored, Checkpoint>> = {};

  const reSync = () => {
    feed.refresh();
    wire.wake();
    resync.next("RESYNC");
  };
  const cancel = async () => {
    ended.abort();
    await Promise.all(Object.values(states).map((state) => state.cancel()));
  };
  // Errors of requests go to each state's error$, where the app sees them. Two of them end the replication.
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (e) {
      if (e instanceof WireError && e.wipe && !ended.signal.aborted) {
        ended.abort();
        void cancel().then(() => db.remove()).then(() => settings.wiped?.());
      } else if (e instanceof WireError && e.tooOld && !ended.signal.aborted) {
        void cancel().then(() => settings.tooOld?.());
      }
      throw e;
    }
  };

  for (const [type, collection] of all) {
    stamp(collection, () => wire.now());
    const again = new Subject<"RESYNC">();
    const pushing = () => states[type]?.internalReplicationState?.events.active.up.getValue() ?? false;
    const one = new One(type, collection, all, wire, log, feed, ended.signal, pushing, () => again.next("RESYNC"));
    const batchSize = settings.batch ?? 100;
    const state = replicateRxCollection<Stored, Checkpoint>({
      collection,
      replicationIdentifier: "doorstep",
      live: true,
      waitForLeadership: false,
      retryTime: settings.retryTime ?? 1000,
      pull: { batchSize, stream$: merge(resync, again), handler: (at, size) => guarded(one.pull(at, size)) },
      push: { batchSize, handler: (rows) => guarded(one.push(rows)) },
    });
    // Once the tombstone is stored, what the storage still has of the record goes too.
    state.received$.subscribe((doc) => {
      if (doc._deleted) void one.clean();
    });
    states[type] = state;
  }
  log.waiting().then((waiting) => log.offerAgain(waiting, ended.signal)).catch(() => {}); // the next start tries again
  if (settings.live ?? true) {
    void wire.listen(() => {
      feed.refresh();
      resync.next("RESYNC");
    }, ended.signal);
  }
  return {
    wire, states, reSync, cancel,
    refused$: log.refused.asObservable(),
    refused: async () => [...(await log.inState("refused")), ...(await log.inState("not_yet"))],
    awaitInSync: async () => {
      await Promise.all(Object.values(states).map((state) => state.awaitInSync()));
    },
  };
}
