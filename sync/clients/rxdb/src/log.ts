import { keptFor, pushesOf, type Result, type Sent, settled, type Wire, WireError } from "@doorstep/wire";
import { type RxCollection, type RxDatabase, type RxJsonSchema } from "rxdb";
import { Subject } from "rxjs";

/** The name of the adapter's own collection. */
export const logName = "doorstep_log";

const schema: RxJsonSchema<Sent> = {
  title: logName,
  version: 0,
  primaryKey: "mid",
  type: "object",
  properties: {
    mid: { type: "string", maxLength: 36 },
    type: { type: "string" },
    record: { type: "string", maxLength: 200 },
    state: { type: "string", maxLength: 10 },
    at: { type: "integer" },
    epoch: { type: "string" },
    schema: { type: "integer" },
    mutation: { type: "object" },
    result: { type: "object" },
  },
  required: ["mid", "type", "record", "state", "at", "epoch", "schema", "mutation"],
  indexes: ["record", "state"],
} as unknown as RxJsonSchema<Sent>;

/** Limit of collections that RxDB's free core opens: the 14th waits for two seconds in silence, the 15th throws. */
const mostCollections = 13;

/** Answer is the answer to one mutation. */
export interface Answer {
  sent: Sent;
  result: Result;
}

/**
 * Log keeps each mutation from before it is sent until 30 days after its answer.
 *
 * RxDB keeps the state of a record and not what was written to it. If the answer of "B" is lost and the agent writes
 * "A" again, the state is as it was before and RxDB has nothing to push, while the server has B. So what was sent
 * without an answer is sent again first, as it was.
 */
export class Log {
  /** refused tells of each mutation that was refused, or kept for later. */
  readonly refused = new Subject<Answer>();
  /** epoch is the server's, as of when all that is kept had been offered in it; "" before the first answer. */
  epoch = "";
  private offering: { epoch: string; done: Promise<void> } | undefined;

  private constructor(
    private readonly wire: Wire,
    private readonly entries: RxCollection<Sent>,
  ) {}

  static async open(db: RxDatabase, wire: Wire): Promise<Log> {
    const named = db.collections as Record<string, RxCollection>;
    if (named[logName] === undefined) {
      if (Object.keys(named).length >= mostCollections) {
        throw new Error(`RxDB's free core opens ${mostCollections} collections; ${logName} needs one of them`);
      }
      await db.addCollections({ [logName]: { schema } });
    }
    const log = new Log(wire, (db.collections as Record<string, RxCollection>)[logName] as RxCollection<Sent>);
    await log.sweep();
    // If the phone died while it offered again what was acknowledged, what was not offered has the oldest answers.
    const acked = (await log.inState("acked")).sort((a, b) => a.at - b.at);
    log.epoch = acked[0]?.epoch ?? "";
    return log;
  }

  /** of lists what is kept of one record, in the order of the writes. */
  async of(type: string, record: string): Promise<Sent[]> {
    const found = await this.find({ record });
    return found.filter((s) => s.type === type).sort(byMid);
  }

  /** inState lists what is in a state, in the order of the writes. */
  async inState(state: Sent["state"]): Promise<Sent[]> {
    return (await this.find({ state })).sort(byMid);
  }

  private async find(selector: Record<string, unknown>): Promise<Sent[]> {
    const found = await this.entries.find({ selector: selector as never }).exec();
    return found.map((doc) => doc.toMutableJSON() as Sent);
  }

  /**
   * exchange keeps mutations and sends them, in order. Each is durable here before it goes, so that a phone that dies
   * in between sends it again under the same mid. It answers by mid. To a server that was restored since, what was
   * acknowledged before goes first.
   */
  async exchange(all: Sent[], signal: AbortSignal): Promise<Map<string, Result>> {
    for (;;) {
      try {
        return await this.send(all, this.epoch, signal);
      } catch (e) {
        if (!(e instanceof WireError && e.reset && this.epoch !== (e.problem.epoch ?? ""))) throw e;
        await this.restored(e.problem.epoch ?? "", signal);
      }
    }
  }

  /**
   * restored offers again what was acknowledged in another epoch: the server may have lost it when it was restored from
   * a backup (P8). It is done once for all collections, and before anything else is pushed.
   */
  restored(epoch: string, signal: AbortSignal): Promise<void> {
    if (this.offering?.epoch !== epoch) {
      const done = this.lost(epoch).then((all) => this.offer(all, epoch, signal)).then(() => {
        this.epoch = epoch;
      });
      this.offering = { epoch, done };
      done.catch(() => (this.offering = undefined));
    }
    return this.offering.done;
  }

  /** met takes in the epoch of a page. */
  async met(epoch: string, signal: AbortSignal): Promise<void> {
    if (this.epoch === "") this.epoch = epoch;
    if (this.epoch !== epoch) await this.restored(epoch, signal);
  }

  private async send(all: Sent[], epoch: string, signal: AbortSignal): Promise<Map<string, Result>> {
    const out = new Map<string, Result>();
    await this.entries.bulkUpsert(all);
    const byId = new Map(all.map((s) => [s.mid, s]));
    const { pushes, tooLarge } = pushesOf(all.map((s) => s.mutation));
    for (const m of tooLarge) {
      const detail = "the record is too large for a push";
      const code = "too_large_to_send";
      const result = { mid: m.mid, type: m.type, id: m.id, status: "rejected", code, detail } as Result;
      await this.note([{ sent: byId.get(m.mid)!, result }], epoch);
    }
    for (const push of pushes) {
      const answer = await this.wire.push(push, epoch, signal);
      if (this.epoch === "") this.epoch = answer.epoch;
      const answers = answer.results.map((result, i) => ({ sent: byId.get(push[i]!.mid)!, result }));
      await this.note(answers, answer.epoch);
      for (const a of answers) out.set(a.sent.mid, a.result);
    }
    return out;
  }

  private async note(answers: Answer[], epoch: string): Promise<void> {
    const dropped: Sent[] = [];
    for (const a of answers) {
      const after = settled(a.result);
      a.sent = { ...a.sent, state: after.state, at: this.wire.now(), epoch, result: withoutDoc(a.result) };
      if (a.result.status === "revoked") dropped.push(a.sent);
    }
    await this.entries.bulkUpsert(answers.map((a) => a.sent));
    for (const a of answers) {
      if (a.sent.state === "refused" || a.sent.state === "not_yet") this.refused.next(a);
    }
    await this.forget(dropped);
  }

  /** lost is what the server may have lost when it was restored from a backup: acknowledged in another epoch (P8). */
  private async lost(epoch: string): Promise<Sent[]> {
    return (await this.inState("acked")).filter((s) => s.epoch !== epoch);
  }

  /** waiting is what the server did not know yet: it is offered to a newer one, once a day, and by a newer app. */
  async waiting(): Promise<Sent[]> {
    const before = this.wire.now() - 24 * 3600 * 1000;
    const { schema } = this.wire.options;
    return (await this.inState("not_yet")).filter((s) => s.schema !== schema || s.at < before);
  }

  /**
   * offerAgain sends mutations that had an answer. They stay as they are until they have a new one: a phone that dies
   * now finds them again.
   */
  async offerAgain(all: Sent[], signal: AbortSignal): Promise<void> {
    await this.offer(all, this.epoch, signal);
  }

  private async offer(all: Sent[], epoch: string, signal: AbortSignal): Promise<void> {
    if (all.length === 0) return;
    const { schema } = this.wire.options;
    const results = await this.send(all.map((s) => ({ ...s, schema })), epoch, signal);
    if ([...results.values()].some((r) => settled(r).state === "queued")) throw new Error("the server asks to wait");
  }

  /**
   * purge forgets what was sent of records that are gone. Of those that are revoked nothing stays here but what waits
   * for its answer. A record that was refused is "deleted" in the feed: what the agent wrote of it stays to be seen.
   */
  async purge(type: string, changes: { id: string; op: string }[]): Promise<void> {
    const ops = new Map(changes.filter((c) => c.op !== "put").map((c) => [c.id, c.op]));
    if (ops.size === 0) return;
    const all = (await this.entries.find().exec()).map((doc) => doc.toMutableJSON() as Sent);
    await this.forget(all.filter((s) => {
      const of = s.type === type ? s.record : type === "cases" ? caseOf(s) : "";
      const op = ops.get(of);
      return op !== undefined && s.state !== "queued" && (op === "revoke" || s.state === "acked");
    }));
  }

  private async sweep(): Promise<void> {
    const before = this.wire.now() - keptFor;
    const old = [...(await this.inState("acked")), ...(await this.inState("refused"))];
    await this.forget(old.filter((s) => s.at < before));
  }

  /** forget empties entries before it removes them, since RxDB keeps the members of what is removed until a cleanup. */
  private async forget(entries: Sent[]): Promise<void> {
    if (entries.length === 0) return;
    await this.entries.bulkUpsert(entries.map(({ result: _, ...s }) => ({ ...s, mutation: {} as Sent["mutation"] })));
    await this.entries.bulkRemove(entries.map((s) => s.mid));
    await this.entries.cleanup(0);
  }
}

function byMid(a: Sent, b: Sent): number {
  return a.mid < b.mid ? -1 : 1;
}

function caseOf(s: Sent): string {
  return String(s.mutation.fields?.["case"] ?? "");
}

function withoutDoc(r: Result): Result {
  const { doc: _, ...rest } = r as Result & { doc?: unknown };
  return rest as Result;
}
