// The outbox of attachments in apps with either adapter, and under a server that is killed.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { collections, replicate, type Stored } from "@doorstep/rxdb";
import { Log, logTable, sync, tableOf } from "@doorstep/watermelon";
import { newMid, Wire } from "@doorstep/wire";
import { appSchema, Database, Model } from "@nozbe/watermelondb";
import loki from "@nozbe/watermelondb/adapters/lokijs/index.js";
import common from "@nozbe/watermelondb/utils/common/index.js";
import { createRxDatabase, type RxCollection } from "rxdb";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { phoneOf, recorded, sound, sum } from "./files.js";
import { phone, until } from "./people.js";
import { type Demo, demo, serve } from "./server.js";

type Adapters = typeof import("@nozbe/watermelondb/adapters/lokijs/index.js");
const { default: LokiJSAdapter } = loki as unknown as { default: Adapters["default"] };
common.logger.silence();

class Stop extends Model {
  static override table = "assignments";
}
class Visit extends Model {
  static override table = "visits";
}
class Attachment extends Model {
  static override table = "attachments";
}

let server: Demo | undefined;
after(async () => server?.stop());

/** visited is what an app writes of a visit with a recording. */
function visited(agent: string, stop: Record<string, unknown>, attachment: object): Record<string, unknown> {
  return { case: stop["case"], assignment: stop["id"], at: new Date().toISOString(), outcome: "NOT_MET_NOBODY",
    agents: [{ agent_id: agent, role: "lead" }], attachments: [{ ...attachment, kind: "recording" }] };
}

test("an app with RxDB keeps a file, writes the visit, and hears that the server has it", async () => {
  const agent = "RIB-WEST-team2-agent2";
  const db = await createRxDatabase({ name: "files", storage: getRxStorageMemory(), multiInstance: false });
  await db.addCollections(collections(["assignments", "visits", "attachments"]));
  const rx = await replicate(db, { ...(await phone(agent)), retryTime: 50 });
  const of = (name: string) => db.collections[name] as RxCollection<Stored>;
  const ended = new AbortController();
  const p = phoneOf(rx.wire);
  const running = p.outbox.run(ended.signal);
  rx.states["visits"]!.sent$.subscribe(() => p.outbox.wake());
  await rx.awaitInSync();
  const stop = (await of("assignments").findOne().exec())!.toMutableJSON();
  const record = newMid();
  const file = await p.outbox.keep({ type: "visits", record, filetype: "audio/ogg", file: sound(400_000, 31) });
  await of("visits").insert({ id: record, ...visited(agent, stop, file) } as unknown as Stored);
  await until("the server has it", () => p.told.includes(`stored ${file.id}`));
  await until("the app hears it", async () => (await of("attachments").findOne(file.id).exec())?.["record"] === record);
  assert.deepEqual(await p.outbox.list(), []);
  ended.abort();
  await running;
  await rx.cancel();
  await db.close();
});

test("an app with WatermelonDB keeps a file, writes the visit, and hears that the server has it", async () => {
  const agent = "RIB-WEST-team2-agent1";
  const tables = [tableOf("assignments"), tableOf("visits"), tableOf("attachments"), logTable];
  const adapter = new LokiJSAdapter({ schema: appSchema({ version: 1, tables }), useWebWorker: false,
    useIncrementalIndexedDB: true });
  const database = new Database({ adapter, modelClasses: [Stop, Visit, Attachment, Log] });
  const wire = new Wire(await phone(agent));
  const p = phoneOf(wire);
  await sync({ database, wire });
  const [stop] = await database.get("assignments").query().fetch();
  const raw = stop!._raw as unknown as Record<string, unknown>;
  const record = newMid();
  const file = await p.outbox.keep({ type: "visits", record, filetype: "audio/ogg", file: sound(400_000, 32) });
  await database.write(() => database.get("visits").create((m) => {
    Object.assign(m._raw, { id: record });
    for (const [name, value] of Object.entries(visited(agent, raw, file))) {
      m._setRaw(name as never, (typeof value === "object" ? JSON.stringify(value) : value) as never);
    }
  }));
  assert.ok(Number.isFinite(await p.outbox.once()), "the record goes first");
  await sync({ database, wire });
  p.outbox.wake();
  assert.equal(await p.outbox.once(), Infinity);
  assert.deepEqual(p.told, [`stored ${file.id}`]);
  await sync({ database, wire });
  const heard = await database.get("attachments").find(file.id);
  assert.equal((heard._raw as unknown as Record<string, unknown>)["record"], record);
});

test("a server that is killed while bytes come goes on from what it has acknowledged", async () => {
  server = await demo();
  const { url } = server;
  const login = "RIB-EAST-team1-agent1";
  const signIn = async () => {
    const body = JSON.stringify({ login, password: "played-password-of-the-day",
      device: { id: "killed", platform: "other" } });
    const answer = await fetch(`${url}/v1/sessions`, { method: "POST", headers: { "Content-Type": "application/json" },
      body });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  let token: string | undefined;
  const wire = new Wire({ server: url, device: "killed", schema: 3, random: () => 0, token: async (refused) => {
    if (token === undefined || refused !== undefined) token = await signIn();
    return token;
  } });
  const { server_time: now } = await wire.pull({ after: 0, limit: 1 });
  const file = sound(2_000_000, 33);
  let p = phoneOf(wire, undefined, { chunk: 100_000 });
  const { id } = await recorded(p, file);
  let killed = 0;
  for (const at of [100_001, 950_000, 1_999_999]) {
    let reached = () => {};
    const there = new Promise<void>((done) => { reached = done; });
    const q = phoneOf(wire, p.kept, { chunk: 100_000, progress: (_, sent) => { if (sent >= at) reached(); } });
    const attempt = q.outbox.once();
    await there;
    await server.kill();
    await attempt;
    killed++;
    server = await serve(server, new Date(Date.parse(now) + killed * 60_000).toISOString());
    wire.wake();
    p = p.again();
  }
  if ((await p.outbox.list()).length > 0) assert.equal(await p.outbox.once(), Infinity);
  assert.deepEqual(await p.outbox.list(), []);
  const page = await wire.pull({ after: 0, types: ["attachments"] });
  const doc = page.changes.find((c) => c.id === id) as { doc?: { sha256: string; bytes: number } } | undefined;
  assert.deepEqual([doc?.doc?.sha256, doc?.doc?.bytes], [await sum(file), file.size]);
});
