import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { collections, replicate, type Replication, schemaOf, type Settings, type Stored } from "@doorstep/rxdb";
import { newMid, same, type Type, typeNames, Wire } from "@doorstep/wire";
import { IDBKeyRange, indexedDB } from "fake-indexeddb";
import {
  addRxPlugin, createRxDatabase, OPEN_COLLECTIONS, prepareQuery, type RxCollection, type RxDatabase, type RxJsonSchema,
  type RxStorage, type WithDeleted,
} from "rxdb";
import { RxDBMigrationSchemaPlugin } from "rxdb/plugins/migration-schema";
import { getRxStorageDexie } from "rxdb/plugins/storage-dexie";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { wrappedValidateAjvStorage } from "rxdb/plugins/validate-ajv";
import { phone, supervisor, until } from "./people.js";
import { answered, Proxy } from "./proxy.js";
import { ghost, Restored } from "./restored.js";

/** Device is a phone with RxDB behind a proxy. */
interface Device {
  proxy: Proxy;
  db: RxDatabase;
  sync: Replication;
  of(type: Type): RxCollection<Stored>;
  settings: Settings;
  close(): Promise<void>;
}

const open: Device[] = [];
let names = 0;

interface Wish {
  types?: Type[];
  storage?: RxStorage<unknown, unknown>;
  name?: string;
  settings?: Partial<Settings>;
  proxy?: Proxy;
}

async function device(agent: string, wish: Wish = {}): Promise<Device> {
  const proxy = wish.proxy ?? (await Proxy.to((await phone(agent)).server));
  const db = await createRxDatabase({
    name: wish.name ?? `db${names++}`,
    storage: (wish.storage ?? getRxStorageMemory()) as never,
    multiInstance: false,
  });
  await db.addCollections(collections(wish.types ?? ["cases", "assignments", "visits", "visit_notes"]));
  const settings: Settings = { ...(await phone(agent, proxy.url)), retryTime: 20, ...wish.settings };
  const sync = await replicate(db, settings);
  const d: Device = {
    proxy, db, sync, settings,
    of: (type) => (db.collections as Record<string, RxCollection<Stored>>)[type]!,
    close: async () => {
      await sync.cancel();
      await db.close();
      await proxy.close();
      open.splice(open.indexOf(d), 1);
    },
  };
  open.push(d);
  return d;
}

// RxDB's free core opens 13 collections in all, so no test leaves any behind.
beforeEach(async () => {
  for (const d of [...open]) await d.close();
});
after(async () => {
  for (const d of [...open]) await d.close();
});

function note(d: Device, of: string, text: string, more: object = {}) {
  const at = new Date().toISOString();
  const fields = { id: newMid(), case: of, at, kind: "general", text, ...more };
  return d.of("visit_notes").insert(fields as unknown as Stored);
}

async function first(d: Device, type: Type): Promise<Stored> {
  await until(`a record of ${type}`, async () => (await d.of(type).findOne().exec()) !== null);
  return (await d.of(type).findOne().exec())!.toMutableJSON() as Stored;
}

test("pulls what the agent has, and pushes a visit with its note", async () => {
  const d = await device("RIB-WEST-team1-agent1");
  await d.sync.awaitInSync();
  const stops = await d.of("assignments").find().exec();
  assert.ok(stops.length > 20, `${stops.length} stops`);
  assert.equal((await d.of("cases").find().exec()).length, stops.length);
  const stop = await first(d, "assignments");
  const visit = newMid();
  const at = new Date().toISOString();
  // The note goes into its collection first, and waits for the visit it names.
  const written = await note(d, stop["case"] as string, "after", { visit });
  await d.of("visits").insert({
    id: visit, case: stop["case"], assignment: stop.id, at, outcome: "NOT_MET_NOBODY",
    agents: [{ agent_id: "RIB-WEST-team1-agent1", role: "lead" }],
  } as unknown as Stored);
  await until("both are the server's", async () => {
    const [v, n] = [await d.of("visits").findOne(visit).exec(), await d.of("visit_notes").findOne(written.id).exec()];
    return v?.["by"] === "RIB-WEST-team1-agent1" && n?.["by"] === "RIB-WEST-team1-agent1";
  });
  const flags = (await now(d, "visit_notes", written.id))?.["flags"] ?? [];
  assert.ok(!(flags as string[]).includes("unknown_record"), "the visit was there before the note");
  const seen = await (await supervisor()).get(`/v1/cases/${stop["case"]}`);
  assert.ok(JSON.stringify(seen).includes(visit));
});

/** statuses lists what became of the mutations of a record, in the order of the answers. */
function statuses(p: Proxy, id: string): string[] {
  const answers = p.seen.filter((x) => x.path === "/sync/v1/push" && x.status === 200).map((x) => JSON.parse(x.answer));
  return answers.flatMap((a) => a.results).filter((r) => r.id === id).map((r) => r.status);
}

async function stopOf(d: Device, skip: number): Promise<Stored> {
  await until("stops", async () => (await d.of("assignments").find().exec()).length > skip);
  const all = await d.of("assignments").find({ sort: [{ id: "asc" }] }).exec();
  return all[skip]!.toMutableJSON() as Stored;
}

async function edit(d: Device, type: Type, id: string, members: object): Promise<void> {
  await (await d.of(type).findOne(id).exec())!.incrementalPatch(members as never);
}

async function now(d: Device, type: Type, id: string): Promise<Stored | undefined> {
  return (await d.of(type).findOne(id).exec())?.toMutableJSON() as Stored | undefined;
}

const others = new Map<string, Wire>();

/** other is what another phone of the agent sees of a record. */
async function other(agent: string, type: Type, id: string): Promise<Record<string, unknown> | undefined> {
  // One device for each agent: a sixth would sign out the one that was unseen the longest.
  if (!others.has(agent)) others.set(agent, new Wire(await phone(agent)));
  const wire = others.get(agent)!;
  for (let after = 0, epoch: string | undefined; ; ) {
    const page = await wire.pull({ after, epoch, types: [type] });
    const found = page.changes.find((c) => c.id === id);
    if (found !== undefined) return "doc" in found ? (found.doc as Record<string, unknown>) : undefined;
    if (!page.more) return undefined;
    ({ cursor: after, epoch } = page);
  }
}

/** loseNext loses the answers to the next pushes. */
function loseNext(d: Device, count: number): void {
  let left = count;
  d.proxy.rule = (x) => (x.path === "/sync/v1/push" && left-- > 0 ? "lose" : undefined);
}

test("an answer is lost and the agent edits again: the last edit holds", async () => {
  const agent = "RIB-WEST-team1-agent1";
  const d = await device(agent);
  const { id } = await stopOf(d, 1);
  loseNext(d, 1);
  await edit(d, "assignments", id, { agent_status: "accepted" });
  await until("the push was carried out", () => d.proxy.pushes().length === 1);
  await edit(d, "assignments", id, { agent_status: "en_route", agent_remark: "gate is closed" });
  await until("the server has it", async () => (await now(d, "assignments", id))?.mut === "");
  await d.sync.awaitInSync();
  assert.equal((await other(agent, "assignments", id))?.["agent_status"], "en_route");
  assert.equal((await other(agent, "assignments", id))?.["agent_remark"], "gate is closed");
  assert.deepEqual(statuses(d.proxy, id).filter((s) => s !== "applied" && s !== "duplicate"), []);
});

test("A, B, A, B, A with every answer lost once ends as A", async () => {
  const agent = "RIB-WEST-team1-agent1";
  const d = await device(agent);
  const { id } = await stopOf(d, 2);
  const a = "A";
  const b = "B";
  await edit(d, "assignments", id, { agent_remark: a });
  await until("A is the server's", async () => (await now(d, "assignments", id))?.mut === "");
  for (const remark of [b, a, b, a]) {
    const before = d.proxy.pushes().length;
    loseNext(d, 1);
    await edit(d, "assignments", id, { agent_remark: remark });
    await until("it was carried out", () => d.proxy.pushes().length > before);
  }
  await until("it is in sync", async () => (await now(d, "assignments", id))?.mut === "");
  await d.sync.awaitInSync();
  assert.equal((await other(agent, "assignments", id))?.["agent_remark"], a);
});

test("back to A while the answer to B is lost and the phone is offline: the server gets A", async () => {
  const agent = "RIB-WEST-team1-agent1";
  const d = await device(agent);
  const { id } = await stopOf(d, 3);
  await edit(d, "assignments", id, { agent_remark: "A" });
  await until("A is the server's", async () => (await now(d, "assignments", id))?.mut === "");
  const before = d.proxy.pushes().length;
  let lost = false;
  d.proxy.rule = (x) => {
    if (x.path !== "/sync/v1/push") return undefined;
    if (lost) return "refuse";
    lost = true;
    return "lose";
  };
  await edit(d, "assignments", id, { agent_remark: "B" });
  await until("B is the server's", () => d.proxy.pushes().length > before);
  assert.equal((await other(agent, "assignments", id))?.["agent_remark"], "B");
  await edit(d, "assignments", id, { agent_remark: "A" });
  d.proxy.rule = () => undefined;
  d.sync.reSync();
  await until("A is the server's again", async () =>
    (await other(agent, "assignments", id))?.["agent_remark"] === "A");
  const mids = d.proxy.pushes().flat().filter((m) => m.id === id).map((m) => m.mid);
  assert.equal(new Set(mids).size, 3, "three writes have three mids, however often they are sent");
});

test("two devices of one agent: other members are merged, the same member is a conflict that is not lost", async () => {
  const agent = "RIB-WEST-team2-agent1";
  const types: Type[] = ["assignments"];
  const [x, y] = [await device(agent, { types }), await device(agent, { types })];
  const { id } = await stopOf(x, 6); // another test visits the first
  await until("both have it", async () => (await now(y, "assignments", id)) !== undefined);
  await y.sync.awaitInSync();
  const refused: string[] = [];
  y.sync.refused$.subscribe((a) => refused.push(`${a.result.status} ${a.sent.mutation.fields?.["agent_remark"]}`));
  y.proxy.rule = () => "refuse"; // y is offline
  await edit(x, "assignments", id, { agent_status: "accepted" });
  await until("x is in sync", async () => (await now(x, "assignments", id))?.mut === "");
  await edit(y, "assignments", id, { visit_order: 7 });
  y.proxy.rule = () => undefined;
  y.sync.reSync();
  for (const d of [x, y]) {
    await until("both members are on both", async () => {
      const doc = await now(d, "assignments", id);
      return doc?.["agent_status"] === "accepted" && doc["visit_order"] === 7;
    });
  }
  y.proxy.rule = () => "refuse";
  await edit(x, "assignments", id, { agent_remark: "ring twice" });
  await until("x is in sync", async () => (await now(x, "assignments", id))?.mut === "");
  await edit(y, "assignments", id, { agent_remark: "dog" });
  y.proxy.rule = () => undefined;
  y.sync.reSync();
  await until("y takes the server's", async () => (await now(y, "assignments", id))?.["agent_remark"] === "ring twice");
  assert.deepEqual(refused, ["conflict dog"]);
  assert.equal((await y.sync.refused())[0]?.mutation.fields?.["agent_remark"], "dog");
});

test("what is revoked is purged, the log included, and nothing is pushed for it", async () => {
  const agent = "RIB-EAST-team1-agent1";
  const d = await device(agent);
  const stop = await stopOf(d, 0);
  const of = stop["case"] as string;
  const { id } = await note(d, of, "Mrs. Example has a dog");
  await until("the note is the server's", async () => (await now(d, "visit_notes", id))?.mut === "");
  await d.sync.awaitInSync();
  d.proxy.rule = (x) => (x.path === "/sync/v1/push" ? "refuse" : undefined);
  const late = await note(d, of, "written in the tunnel");
  const refused: string[] = [];
  d.sync.refused$.subscribe((a) => refused.push(`${a.result.status} ${a.sent.mutation.fields?.["text"]}`));
  await (await supervisor()).post(`/v1/cases/${of}/reassign`, { team: "RIB-EAST-team2" });
  d.proxy.rule = () => undefined;
  await until("nothing of it is left", async () => {
    const gone = await Promise.all((["cases", "assignments", "visit_notes"] as Type[]).map(async (type) =>
      JSON.stringify(await d.of(type).storageInstance.findDocumentsById([of, stop.id, id, late.id], true))));
    return gone.every((text) => text === "[]");
  });
  assert.deepEqual(refused, ["revoked written in the tunnel"]);
  const bare = (await masters(d, "visit_notes")).filter((doc) => doc._deleted);
  assert.ok(bare.length > 0 && bare.every((doc) => !("_rev" in doc || "_meta" in doc)), "no member of RxDB's own");
  const log = (d.db.collections as Record<string, RxCollection>)["doorstep_log"]!;
  assert.ok(!JSON.stringify(await log.find().exec()).includes("Mrs. Example"));
  const before = d.proxy.pushes().length;
  d.sync.reSync();
  await d.sync.awaitInSync();
  await note(d, (await stopOf(d, 1))["case"] as string, "a last push");
  await until("it goes", () => d.proxy.pushes().length > before);
  assert.equal(d.proxy.pushes().length, before + 1, "tombstones are not pushed back");
});

test("a delete that is refused brings the record back, and one of a record never sent says nothing", async () => {
  const agent = "RIB-EAST-team1-agent1";
  const d = await device(agent);
  const stop = await stopOf(d, 2);
  const sent = await note(d, stop["case"] as string, "stays");
  await until("the note is the server's", async () => (await now(d, "visit_notes", sent.id))?.mut === "");
  await (await d.of("visit_notes").findOne(sent.id).exec())!.remove();
  await until("it is back", async () => (await now(d, "visit_notes", sent.id))?.["text"] === "stays");
  assert.equal((await d.sync.refused()).find((s) => s.record === sent.id)?.result?.code, "append_only");
  d.proxy.rule = (x) => (x.path === "/sync/v1/push" ? "refuse" : undefined);
  const draft = await note(d, stop["case"] as string, "thought better of it");
  await (await d.of("visit_notes").findOne(draft.id).exec())!.remove();
  d.proxy.rule = () => undefined;
  d.sync.reSync();
  await d.sync.awaitInSync();
  const said = d.proxy.pushes().flat().filter((m) => m.id === draft.id);
  assert.ok(said.every((m) => m.op !== "put") || said.at(-1)?.op === "delete", "the server does not keep it");
});

test("what is refused is dropped, and kept for the agent to see", async () => {
  const d = await device("RIB-EAST-team1-agent1");
  const stop = await stopOf(d, 3);
  const wrong = await note(d, stop["case"] as string, "of a kind that there is not", { kind: "nonsense" });
  const strange = await note(d, "LND-A.NO-SUCH-CASE", "of a case that is not ours");
  const good = await note(d, stop["case"] as string, "good");
  await until("the good one is the server's", async () => (await now(d, "visit_notes", good.id))?.mut === "");
  await until("the others are gone", async () =>
    (await d.of("visit_notes").findByIds([wrong.id, strange.id]).exec()).size === 0);
  const kept = (await d.sync.refused()).find((s) => s.record === wrong.id);
  assert.equal(kept?.mutation.fields?.["text"], "of a kind that there is not");
  assert.match(kept?.result?.code ?? "", /^validation\./);
});

test("evidence that is edited after it was sent comes back as it was", async () => {
  const d = await device("RIB-EAST-team1-agent1");
  const stop = await stopOf(d, 4);
  const { id } = await note(d, stop["case"] as string, "as it was");
  await until("the note is the server's", async () => (await now(d, "visit_notes", id))?.mut === "");
  await edit(d, "visit_notes", id, { text: "as I would have it" });
  await until("it is as it was", async () => {
    const doc = await now(d, "visit_notes", id);
    return doc?.mut === "" && doc["text"] === "as it was";
  });
  assert.equal((await d.sync.refused()).find((s) => s.record === id)?.mutation.fields?.["text"], "as I would have it");
});

test("2,500 records come in short pages, and in pages that end by bytes", async () => {
  const agent = "RIB-WEST-team1-agent2";
  const wire = new Wire(await phone(agent));
  others.set(agent, wire);
  const of = (await wire.pull({ after: 0, limit: 1, types: ["cases"] })).changes[0]!.id;
  const at = new Date().toISOString();
  // Each push is 200 notes; those of the last two make a page of 1 MiB long before it has 500 records.
  for (let i = 0; i < 13; i++) {
    const text = i > 10 ? "x".repeat(3900) : "short";
    await wire.push(Array.from({ length: 200 }, () => ({ mid: newMid(), type: "visit_notes", id: newMid(), op: "put",
      base: 0, client_ts: at, fields: { case: of, at, kind: "general", text } }) as const));
  }
  const { records } = await wire.manifest("visit_notes");
  assert.ok(records.length >= 2500);
  for (const [batch, most] of [[50, 50], [500, 1500]] as const) {
    const d = await device(agent, { types: ["visit_notes"], settings: { batch, live: false } });
    // A server may fill its pages less than it was asked to, here always by far.
    d.proxy.alter = (path) => path.replace(/limit=(\d+)/, (_, n) => `limit=${Math.min(Number(n), 150)}`);
    await d.sync.awaitInSync();
    const held = await d.of("visit_notes").find().exec();
    assert.deepEqual(held.map((doc) => [doc.id, doc.rev]).sort(), [...records].sort(), `in pages of ${batch}`);
    assert.ok(d.proxy.seen.length > records.length / most);
    await d.close();
  }
});

test("a restored server gets what it lost and what waits, and what it never had goes", async () => {
  const agent = "RIB-EAST-team2-agent1";
  const proxy = await Proxy.to((await phone(agent)).server);
  const past = new Restored(proxy);
  const d = await device(agent, { proxy });
  const of = (await stopOf(d, 0))["case"] as string;
  await d.sync.awaitInSync();
  assert.notEqual(await now(d, "cases", ghost), undefined);
  const kept = await note(d, of, "in the backup");
  await until("it is the server's", async () => (await now(d, "visit_notes", kept.id))?.mut === "");
  past.lose();
  const lost = await note(d, of, "acknowledged and lost");
  await until("it is acknowledged", () => d.proxy.pushes().flat().some((m) => m.id === lost.id));
  past.offline();
  const waits = await note(d, of, "never sent");
  await edit(d, "assignments", (await stopOf(d, 0)).id, { agent_remark: "not sent either" });
  past.restore();
  d.sync.reSync();
  await until("all are the server's", async () => {
    for (const id of [kept.id, lost.id, waits.id]) if ((await now(d, "visit_notes", id))?.mut !== "") return false;
    return (await now(d, "assignments", (await stopOf(d, 0)).id))?.mut === "";
  });
  const mids = d.proxy.pushes().flat().filter((m) => m.id === lost.id).map((m) => m.mid);
  assert.equal(mids.length, 2);
  assert.equal(mids[0], mids[1], "it is offered under the same mid");
  await until("the ghost is gone", async () => (await now(d, "cases", ghost)) === undefined);
  for (const x of [kept, lost, waits]) assert.notEqual(await other(agent, "visit_notes", x.id), undefined);
  assert.equal((await other(agent, "assignments", (await stopOf(d, 0)).id))?.["agent_remark"], "not sent either");
});

test("an app with a newer schema version migrates, keeps what waits, and begins from 0", async () => {
  const agent = "RIB-EAST-team2-agent1";
  const storage = getRxStorageMemory();
  const old = await device(agent, { types: ["cases"], storage, name: "migrates" });
  await old.db.addCollections({ visit_notes: { schema: fewer("text", 0) } });
  await old.sync.cancel();
  const again = await replicate(old.db, old.settings);
  const of = (await first(old, "cases")).id;
  await again.awaitInSync();
  const sent = await note(old, of, "sent");
  await until("the note is the server's", async () => (await now(old, "visit_notes", sent.id))?.mut === "");
  assert.equal((await now(old, "visit_notes", sent.id))?.["kind"], undefined);
  old.proxy.rule = () => "refuse";
  const waits = await note(old, of, "waits");
  await again.cancel();
  await old.db.close();

  addRxPlugin(RxDBMigrationSchemaPlugin);
  const db = await createRxDatabase({ name: "migrates", storage: storage as never, multiInstance: false });
  await db.addCollections({
    ...collections(["cases"]),
    visit_notes: { schema: fewer("text", 1, "kind"), migrationStrategies: { 1: (doc: Stored) => doc } },
  });
  old.proxy.rule = () => undefined;
  const sync = await replicate(db, { ...old.settings, schema: 4 });
  const notes = db.collections["visit_notes"] as RxCollection<Stored>;
  await until("what was sent has its new member", async () =>
    (await notes.findOne(sent.id).exec())?.["kind"] === "general");
  await until("what waited is the server's", async () => (await notes.findOne(waits.id).exec())?.mut === "");
  assert.ok(old.proxy.seen.some((x) => x.path.includes("after=0") && x.headers["x-schema-version"] === "4"));
  await sync.cancel();
  await db.close();
});

/** fewer is the schema of notes with their case, their time and some members. */
function fewer(member: string, version: number, another?: string): RxJsonSchema<Stored> {
  const { properties, ...rest } = schemaOf("visit_notes");
  const names = ["id", "rev", "mut", "case", "at", member, ...(another === undefined ? [] : [another])];
  const kept = Object.entries(properties).filter(([name]) => names.includes(name));
  return { ...rest, version, properties: Object.fromEntries(kept) } as RxJsonSchema<Stored>;
}

test("a phone that dies after sending sends the same mid again when it starts, on Dexie", async () => {
  const agent = "RIB-EAST-team2-agent2";
  const wish: Wish = {
    types: ["assignments", "visit_notes"], name: "dies",
    storage: getRxStorageDexie({ indexedDB, IDBKeyRange }) as RxStorage<unknown, unknown>,
  };
  const d = await device(agent, wish);
  const stop = await stopOf(d, 0);
  await d.sync.awaitInSync();
  loseNext(d, 1000);
  const { id } = await note(d, stop["case"] as string, "written before it died");
  await until("it was carried out", () => d.proxy.pushes().length > 0);
  await stopped(d);
  // It starts twice. The first time it pulls what it wrote while its push has no answer yet: RxDB skips that.
  const seen = d.proxy.seen.length;
  const two = await device(agent, { ...wish, proxy: d.proxy, settings: d.settings });
  await until("it was pulled", () => d.proxy.seen.slice(seen).some((x) =>
    x.path.includes("pull") && x.answer.includes(id)));
  await until("RxDB has noted where it is", async () => (await noted(two, "visit_notes")) > 0);
  await stopped(two);
  d.proxy.rule = () => undefined;
  const three = await device(agent, { ...wish, proxy: d.proxy, settings: d.settings });
  await until("the note is in sync", async () => (await now(three, "visit_notes", id))?.mut === "");
  const mids = d.proxy.pushes().flat().filter((m) => m.id === id).map((m) => m.mid);
  assert.ok(mids.length > 1);
  assert.equal(new Set(mids).size, 1);
  assert.equal(statuses(d.proxy, id).at(-1), "duplicate");
  const before = d.proxy.pushes().length;
  three.sync.reSync();
  await three.sync.awaitInSync();
  assert.equal(d.proxy.pushes().length, before, "nothing is pushed again");
});

test("what RxDB skipped because its own push had no answer comes when the answer is duplicate", async () => {
  const agent = "RIB-EAST-team2-agent2";
  const d = await device(agent, { types: ["assignments", "visit_notes"], settings: { live: false } });
  const of = (await stopOf(d, 4))["case"] as string;
  await d.sync.awaitInSync();
  // A pull is under way while the agent writes and the answer to the push is lost.
  let lost = 0;
  const held: (() => void)[] = [];
  d.proxy.rule = (x) => {
    if (x.path === "/sync/v1/push") return lost++ < 1 ? "lose" : "refuse";
    return new Promise((done) => held.push(() => done(undefined)));
  };
  d.sync.reSync();
  await until("pulls are under way", () => held.length > 0);
  const { id } = await note(d, of, "pulled while its push has no answer");
  await until("it was carried out", () => d.proxy.pushes().length > 0);
  const seen = d.proxy.seen.length;
  for (const go of held.splice(0)) go();
  const pulled = () => d.proxy.seen.slice(seen).find((x) => x.path.includes("/pull") && x.answer.includes(id));
  await until("it was pulled", () => pulled() !== undefined);
  const { cursor } = JSON.parse(pulled()!.answer) as { cursor: number };
  await until("RxDB has taken the checkpoint", async () => (await noted(d, "visit_notes")) >= cursor);
  assert.equal((await now(d, "visit_notes", id))?.rev, 0, "RxDB has skipped the record");
  d.proxy.rule = () => undefined;
  d.sync.wire.wake();
  await until("the record is as the server has it", async () => {
    const doc = await now(d, "visit_notes", id);
    return doc?.mut === "" && doc.rev === 1 && doc["by"] === agent;
  });
  assert.equal(statuses(d.proxy, id).at(-1), "duplicate");
});

test("a tombstone fits a schema that requires members, and has nothing of the record", async () => {
  const d = await device("RIB-EAST-team1-agent1", { types: ["assignments"],
    storage: wrappedValidateAjvStorage({ storage: getRxStorageMemory() }) as RxStorage<unknown, unknown> });
  const { properties, ...rest } = schemaOf("payments_reported");
  const own = {
    currency: { type: "string", enum: ["EUR", "USD"] }, reference: { type: "string", minLength: 3 },
    amount_minor: { type: "integer", minimum: 1 }, case: { type: "string" },
    attachments: { type: "array", minItems: 1, items: { type: "object", required: ["bytes"],
      properties: { bytes: { type: "integer", minimum: 1 } } } },
  };
  const schema = { ...rest, properties: { ...properties, ...own },
    required: [...(rest.required ?? []), "at", ...Object.keys(own)] } as unknown as RxJsonSchema<Stored>;
  await d.sync.cancel();
  await d.db.addCollections({ payments_reported: { schema } });
  const sync = await replicate(d.db, d.settings);
  const errors: string[] = [];
  sync.states["payments_reported"]!.error$.subscribe((e) => errors.push(JSON.stringify(e.parameters).slice(0, 300)));
  const id = newMid();
  await d.of("payments_reported").insert({ id, case: "LND-A.NO-SUCH-CASE", at: new Date().toISOString(),
    amount_minor: 4200, currency: "USD", reference: "not ours", attachments: [{ bytes: 5 }] } as unknown as Stored);
  await until("it is gone", async () => (await d.of("payments_reported").findOne(id).exec()) === null);
  await sync.awaitInSync();
  assert.deepEqual(errors, []);
  const master = (await masters({ ...d, sync }, "payments_reported")).find((doc) => doc.id === id);
  assert.deepEqual([master?._deleted, master?.["amount_minor"], master?.["currency"], master?.["reference"],
    master?.["attachments"]], [true, 1, "EUR", "---", [{ bytes: 1 }]]);
  await sync.cancel();
});

/** stopped ends a phone and leaves its proxy. */
async function stopped(d: Device): Promise<void> {
  await d.sync.cancel();
  await d.db.close();
  open.splice(open.indexOf(d), 1);
}

/** masters are the records of a type as RxDB believes the server has them. */
async function masters(d: Device, type: Type): Promise<WithDeleted<Stored>[]> {
  const meta = d.sync.states[type]!.metaInstance!;
  const query = prepareQuery(meta.schema, { selector: { isCheckpoint: "0" } as never, sort: [{ id: "asc" }], skip: 0 });
  return (await meta.query(query)).documents.map((x) => x.docData as WithDeleted<Stored>);
}

/** noted is the cursor that RxDB has stored for a collection; 0 for none. */
async function noted(d: Device, type: Type): Promise<number> {
  const meta = d.sync.states[type]!.metaInstance;
  if (meta === undefined) return 0;
  const query = prepareQuery(meta.schema, { selector: { isCheckpoint: "1" } as never, sort: [{ id: "asc" }], skip: 0 });
  const { documents } = await meta.query(query);
  return Math.max(0, ...documents.map((x) => Number((x.checkpointData as { cursor?: number })?.cursor ?? 0)));
}

test("all types fit into the free core with the adapter's log, and a poke costs one pull", async () => {
  const d = await device("RIB-EAST-team2-agent2", { types: typeNames });
  assert.ok(OPEN_COLLECTIONS.size <= 13, `${OPEN_COLLECTIONS.size} collections are open`);
  await d.sync.awaitInSync();
  const stop = await stopOf(d, 1);
  await note(d, stop["case"] as string, "makes a poke");
  const others = () => d.proxy.seen.filter((x) => x.path.startsWith("/sync/v1/pull")).length;
  const back = () => d.of("visit_notes").find({ selector: { mut: "" } }).exec();
  await until("it came back", async () => (await back()).length > 0);
  await d.sync.awaitInSync();
  const before = others();
  const wire = new Wire(await phone("RIB-EAST-team2-agent2"));
  const id = newMid();
  const at = new Date().toISOString();
  const fields = { case: stop["case"], at, kind: "general", text: "by another phone" };
  await wire.push([{ mid: newMid(), type: "visit_notes", id, op: "put", base: 0, client_ts: at, fields }]);
  await until("it is here", async () => (await now(d, "visit_notes", id)) !== undefined);
  await d.sync.awaitInSync();
  assert.ok(others() - before <= 3, `${others() - before} pulls for one poke`);
});

test("an app with 13 collections of its own is told that the adapter needs one", async () => {
  const db = await createRxDatabase({ name: "full", storage: getRxStorageMemory(), multiInstance: false });
  const schema = schemaOf("cases");
  await db.addCollections(Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`c${i}`, { schema }])));
  await assert.rejects(replicate(db, await phone("RIB-EAST-team2-agent2")), /13 collections/);
  await db.close();
});

test("what the server cannot take yet is kept, shown, and not sent again before the app is newer", async () => {
  const agent = "RIB-EAST-team2-agent2";
  const d = await device(agent, { types: ["assignments", "visit_notes"] });
  const of = (await stopOf(d, 2))["case"] as string;
  d.proxy.rule = answered("not_yet");
  const { id } = await note(d, of, "of a newer app");
  await until("it is answered", async () => (await d.sync.refused()).some((s) => s.state === "not_yet"));
  const asked = d.proxy.pushes().length;
  d.proxy.rule = () => undefined;
  d.sync.reSync();
  await d.sync.awaitInSync();
  assert.equal((await now(d, "visit_notes", id))?.["text"], "of a newer app");
  assert.equal(d.proxy.pushes().length, asked);
  await d.sync.cancel();
  const sync = await replicate(d.db, { ...d.settings, schema: 4 });
  await until("it is the server's", async () => (await now(d, "visit_notes", id))?.mut === "");
  await sync.cancel();
});

test("retry keeps a write queued, and the others go on", async () => {
  const d = await device("RIB-EAST-team2-agent2", { types: ["assignments", "visit_notes"] });
  const of = (await stopOf(d, 3))["case"] as string;
  let asked = 0;
  d.proxy.rule = (x) => {
    if (x.path !== "/sync/v1/push" || !x.body.includes("is busy") || asked++ > 2) return undefined;
    return answered("retry")(x);
  };
  const busy = await note(d, of, "is busy");
  await until("it was asked to wait", () => asked > 0);
  const free = await note(d, of, "is not");
  await until("both are in sync", async () =>
    (await now(d, "visit_notes", busy.id))?.mut === "" && (await now(d, "visit_notes", free.id))?.mut === "");
  assert.equal(new Set(d.proxy.pushes().flat().filter((m) => m.id === busy.id).map((m) => m.mid)).size, 1);
});

test("a device that was blocked erases what it holds", async () => {
  let wiped = 0;
  const d = await device("RIB-WEST-team1-agent2", { types: ["cases"], settings: { wiped: () => wiped++ } });
  await first(d, "cases");
  await (await supervisor()).delete(`/v1/devices/${d.settings.device}?wipe=true`);
  d.sync.reSync();
  await until("it is wiped", () => wiped === 1);
  assert.ok(d.db.closed);
});

test("an app that is too old is told so, and keeps what it has", async () => {
  let old = 0;
  const d = await device("RIB-WEST-team1-agent2", { types: ["cases"], settings: { tooOld: () => old++ } });
  const card = await first(d, "cases");
  d.proxy.rule = () => ({ status: 409, answer: { code: "schema_unsupported", min: 9 } });
  d.sync.reSync();
  await until("it is told", () => old === 1);
  assert.notEqual(await now(d, "cases", card.id), undefined);
});

test("drafts of two phones are merged member by member, and deleted when the record is sent", async () => {
  const agent = "RIB-WEST-team2-agent1";
  const types: Type[] = ["cases", "drafts"];
  const [x, y] = [await device(agent, { types }), await device(agent, { types })];
  const of = (await first(x, "cases")).id;
  const id = newMid();
  await x.of("drafts").insert({ id, case: of, of_type: "visits", content: { outcome: "MET_PTP", met: "debtor" } } as
    unknown as Stored);
  await until("the other phone has it", async () => (await now(y, "drafts", id)) !== undefined);
  await until("x has it back", async () => (await now(x, "drafts", id))?.mut === "");
  y.proxy.rule = (q) => (q.path === "/sync/v1/push" ? "refuse" : undefined);
  await edit(x, "drafts", id, { content: { outcome: "MET_PAID", met: "debtor" } });
  await edit(y, "drafts", id, { content: { outcome: "MET_PTP", detail: "paid half" } });
  await until("x is in sync", async () => (await now(x, "drafts", id))?.mut === "");
  y.proxy.rule = () => undefined;
  y.sync.reSync();
  const merged = { outcome: "MET_PAID", detail: "paid half" };
  for (const d of [x, y]) {
    await until("both members are on both phones, and what was taken away is gone", async () =>
      same((await now(d, "drafts", id))?.["content"], merged));
  }
  assert.deepEqual(statuses(y.proxy, id), ["merged"]);
  await (await x.of("drafts").findOne(id).exec())!.remove();
  await until("it is gone", async () => (await now(y, "drafts", id)) === undefined);
  assert.deepEqual(await x.sync.refused(), []);
});
