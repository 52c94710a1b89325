// A server that is restored from a backup, and the phones that come back to it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { collections, replicate, type Stored } from "@doorstep/rxdb";
import { Log, logTable, sync, tableOf } from "@doorstep/watermelon";
import { newMid, Wire } from "@doorstep/wire";
import { appSchema, Database, Model } from "@nozbe/watermelondb";
import loki from "@nozbe/watermelondb/adapters/lokijs/index.js";
import common from "@nozbe/watermelondb/utils/common/index.js";
import { createRxDatabase, type RxCollection } from "rxdb";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { until } from "./people.js";
import { type Demo, demo, serve } from "./server.js";

type Adapters = typeof import("@nozbe/watermelondb/adapters/lokijs/index.js");
const { default: LokiJSAdapter } = loki as unknown as { default: Adapters["default"] };
common.logger.silence();

class Card extends Model {
  static override table = "cases";
}
class Note extends Model {
  static override table = "visit_notes";
}
class Stop extends Model {
  static override table = "assignments";
}

let server: Demo | undefined;
after(async () => server?.stop());

async function signIn(url: string, login: string, device: string): Promise<string> {
  const as = { login, password: "played-password-of-the-day", device: { id: device, platform: "other" } };
  const body = JSON.stringify(as);
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/v1/sessions`, { method: "POST", headers, body });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return token;
}

/** options are those of a phone that signs in again when its session has ended, as a restore ends them all. */
function options(url: string, login: string, device: string) {
  let token: string | undefined;
  return { server: url, device, schema: 3, random: () => 0, token: async (refused?: string) => {
    if (token === undefined || refused !== undefined) token = await signIn(url, login, device);
    return token;
  } };
}

test("after a restore nothing that was acknowledged or waits is missing, on either library", async () => {
  server = await demo();
  const { url, folder, program } = server;
  const [east, west] = ["RIB-EAST-team1-agent1", "RIB-WEST-team1-agent1"];
  // One phone with WatermelonDB, one with RxDB.
  const schema = appSchema({ version: 1, tables: [tableOf("cases"), tableOf("visit_notes"),
    tableOf("assignments"), logTable] });
  const adapter = new LokiJSAdapter({ schema, useWebWorker: false, useIncrementalIndexedDB: true });
  const database = new Database({ adapter, modelClasses: [Card, Note, Stop, Log] });
  const wire = new Wire(options(url, east, "wm"));
  const rx = await createRxDatabase({ name: "restore", storage: getRxStorageMemory(), multiInstance: false });
  await rx.addCollections(collections(["cases", "visit_notes", "assignments"]));
  const replication = await replicate(rx, { ...options(url, west, "rx"), retryTime: 50 });
  await sync({ database, wire });
  await replication.awaitInSync();
  const notes = rx.collections["visit_notes"] as RxCollection<Stored>;
  const eastCase = (await database.get("cases").query().fetch())[0]!.id;
  const westCase = (await (rx.collections["cases"] as RxCollection<Stored>).findOne().exec())!.id;

  const write = async (text: string) => {
    const at = new Date().toISOString();
    const of = (it: string) => ({ at, kind: "general", text, case: it });
    const made = await database.write(() => database.get("visit_notes").create((m) => {
      for (const [name, value] of Object.entries(of(eastCase))) m._setRaw(name as never, value as never);
    }));
    const doc = await notes.insert({ ...of(westCase), id: newMid() } as unknown as Stored);
    return { east: made.id, west: doc.id };
  };
  // What an agent changes again must not be undone by the older change, which is offered again.
  const eastStop = (await database.get("assignments").query().fetch())[0]!;
  const stops = rx.collections["assignments"] as RxCollection<Stored>;
  const westStop = (await stops.findOne().exec())!.id;
  const remark = async (text: string) => {
    await database.write(() => eastStop.update((m) => m._setRaw("agent_remark" as never, text as never)));
    await (await stops.findOne(westStop).exec())!.incrementalPatch({ agent_remark: text } as never);
  };
  const acknowledged = async (w: { west: string }) => {
    await sync({ database, wire });
    await until("RxDB has its answer", async () => (await notes.findOne(w.west).exec())?.mut === "");
  };
  const kept = await write("in the backup");
  await acknowledged(kept);
  const run = (...args: string[]) => execFileSync(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [backup, keys, data] = [join(folder, "backup"), join(folder, "keys"), join(folder, "data")];
  run("backup", backup, "--keys", keys, "--data", data);
  const lost = await write("after the backup");
  await remark("older");
  await acknowledged(lost);
  await until("RxDB has its answer", async () => (await stops.findOne(westStop).exec())?.mut === "");
  const { server_time: now, epoch } = await wire.pull({ after: 0, limit: 1 });
  await server.halt();
  const waits = await write("while the server was down");
  await remark("newer");
  run("restore", backup, "--keys", keys, "--data", data, "--force");
  server = await serve(server, new Date(Date.parse(now) + 60_000).toISOString());

  wire.wake();
  replication.reSync();
  await acknowledged(waits);
  await until("RxDB has its answer", async () => (await stops.findOne(westStop).exec())?.mut === "");
  for (const [agent, mine] of [[east, "east"], [west, "west"]] as const) {
    const fresh = new Wire(options(url, agent, `fresh-${mine}`));
    const page = await fresh.pull({ after: 0, limit: 2000, types: ["visit_notes", "assignments"] });
    assert.notEqual(page.epoch, epoch);
    const texts = page.changes.filter((c) => [kept, lost, waits].some((w) => w[mine] === c.id));
    assert.equal(texts.length, 3, `${mine}: ${JSON.stringify(texts)}`);
    const stop = page.changes.find((c) => c.id === { east: eastStop.id, west: westStop }[mine]);
    assert.equal((stop as { doc?: { agent_remark?: string } }).doc?.agent_remark, "newer", mine);
  }
  await replication.cancel();
  await rx.close();
});
