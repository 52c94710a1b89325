import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Log, logTable, refused, type Settings, sync, tableOf, unsent, watch } from "@doorstep/watermelon";
import { kindOf, newMid, type Type, Wire } from "@doorstep/wire";
import { appSchema, Database, Model } from "@nozbe/watermelondb";
import loki from "@nozbe/watermelondb/adapters/lokijs/index.js";
import migrationsModule from "@nozbe/watermelondb/Schema/migrations/index.js";
import common from "@nozbe/watermelondb/utils/common/index.js";
import { phone, supervisor, until } from "./people.js";
import { answered, Proxy } from "./proxy.js";
import { ghost, Restored } from "./restored.js";

// The library's modules are CommonJS: what they export by default is a member.
type Adapters = typeof import("@nozbe/watermelondb/adapters/lokijs/index.js");
const { default: LokiJSAdapter } = loki as unknown as { default: Adapters["default"] };
const { addColumns, schemaMigrations } = migrationsModule;
common.logger.silence();

class Card extends Model {
  static override table = "cases";
}
class Stop extends Model {
  static override table = "assignments";
}
class Visit extends Model {
  static override table = "visits";
}
class Draft extends Model {
  static override table = "drafts";
}
class Note extends Model {
  static override table = "visit_notes";
}

const modelClasses = [Card, Stop, Visit, Note, Draft, Log];
const whole = (["cases", "assignments", "visits", "drafts"] as const).map((type) => tableOf(type));
const schema = (version: number, notes?: string[]) =>
  appSchema({ version, tables: [...whole, tableOf("visit_notes", notes), logTable] });

/** Device is a phone with WatermelonDB behind a proxy. */
interface Device {
  proxy: Proxy;
  database: Database;
  settings: Settings;
  told: string[];
}

type Raw = Record<string, unknown> & { id: string };

const proxies: Proxy[] = [];
after(async () => {
  for (const p of proxies) await p.close();
});

async function device(agent: string, notes?: string[]): Promise<Device> {
  const proxy = await Proxy.to((await phone(agent)).server);
  proxies.push(proxy);
  const adapter = new LokiJSAdapter({ schema: schema(1, notes), useWebWorker: false, useIncrementalIndexedDB: true });
  const database = new Database({ adapter, modelClasses });
  return opened(database, proxy, new Wire(await phone(agent, proxy.url)));
}

function opened(database: Database, proxy: Proxy, wire: Wire): Device {
  const told: string[] = [];
  const settings: Settings = { database, wire, refused: ({ sent, result }) => {
    told.push(`${result.status} ${Object.values(sent.mutation.fields ?? {}).at(-1)}`);
  } };
  return { proxy, database, settings, told };
}

/** restarted is the same phone after its app was started again. */
async function restarted(d: Device): Promise<Device> {
  const adapter = await clone(d, {});
  return opened(new Database({ adapter, modelClasses }), d.proxy, new Wire(d.settings.wire.options));
}

/** clone closes the database of a phone and opens what it has stored. */
function clone(d: Device, options: object): Promise<InstanceType<typeof LokiJSAdapter>> {
  return (d.database.adapter.underlyingAdapter as InstanceType<typeof LokiJSAdapter>).testClone(options as never);
}

async function rows(d: Device, table: string): Promise<Raw[]> {
  const found = await d.database.get(table).query().fetch();
  return found.map((m) => m._raw as unknown as Raw).sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function row(d: Device, table: string, id: string): Promise<Raw | undefined> {
  return (await rows(d, table)).find((r) => r.id === id);
}

function note(d: Device, of: string, text: string, more: object = {}): Promise<string> {
  return d.database.write(async () => {
    const made = await d.database.get("visit_notes").create((m) => {
      const fields = { case: of, at: new Date().toISOString(), kind: "general", text, ...more };
      for (const [name, value] of Object.entries(fields)) {
        if (name === "id") (m._raw as { id: unknown }).id = value;
        else m._setRaw(name as never, value as never);
      }
    });
    return made.id;
  });
}

function edit(d: Device, table: string, id: string, members: object): Promise<void> {
  return d.database.write(async () => {
    const model = await d.database.get(table).find(id);
    await model.update((m) => {
      for (const [name, value] of Object.entries(members)) m._setRaw(name as never, value as never);
    });
  });
}

async function first(d: Device, skip = 0): Promise<Raw> {
  await sync(d.settings);
  return (await rows(d, "assignments"))[skip]!;
}

const others = new Map<string, Wire>();

async function other(agent: string, type: Type, id: string): Promise<Record<string, unknown> | undefined> {
  if (!others.has(agent)) others.set(agent, new Wire(await phone(agent)));
  for (let after = 0, epoch: string | undefined; ; ) {
    const page = await others.get(agent)!.pull({ after, epoch, types: [type] });
    const found = page.changes.find((c) => c.id === id);
    if (found !== undefined) return "doc" in found ? (found.doc as Record<string, unknown>) : undefined;
    if (!page.more) return undefined;
    ({ cursor: after, epoch } = page);
  }
}

/** makeNote has another agent make a note, and gives its id. */
async function makeNote(agent: string): Promise<string> {
  if (!others.has(agent)) others.set(agent, new Wire(await phone(agent)));
  const wire = others.get(agent)!;
  const of = (await wire.pull({ after: 0, limit: 1, types: ["cases"] })).changes[0]!.id;
  const [id, at] = [newMid(), new Date().toISOString()];
  await wire.push([{ mid: newMid(), type: "visit_notes", id, op: "put", base: 0, client_ts: at,
    fields: { case: of, at, kind: "general", text: "theirs" } }]);
  return id;
}

/** fails syncs while the network does not work as it should. */
async function fails(d: Device): Promise<void> {
  await assert.rejects(sync(d.settings));
  d.settings.wire.wake();
  d.proxy.rule = () => undefined;
}

const onPush = (fault: "lose" | "refuse") => (x: { path: string }) => (x.path === "/sync/v1/push" ? fault : undefined);

test("pulls what the agent has, and pushes a visit with its note in one go", async () => {
  const agent = "RIB-WEST-team1-agent1";
  const d = await device(agent);
  const stop = await first(d);
  assert.ok((await rows(d, "assignments")).length > 20);
  assert.equal((await rows(d, "cases")).length, (await rows(d, "assignments")).length);
  assert.ok(Array.isArray(JSON.parse(stop["agents"] as string)), "a list is a text of JSON");
  const at = new Date().toISOString();
  const visit = await d.database.write(async () => (await d.database.get("visits").create((m) => {
    const fields = { case: stop["case"], assignment: stop.id, at, outcome: "NOT_MET_NOBODY", announced_identity: true,
      agents: JSON.stringify([{ agent_id: agent, role: "lead" }]) };
    for (const [name, value] of Object.entries(fields)) m._setRaw(name as never, value as never);
  })).id);
  const said = await note(d, stop["case"] as string, "after", { visit });
  await sync(d.settings);
  assert.deepEqual(d.told, []);
  assert.equal(d.proxy.pushes().length, 1);
  assert.equal((await row(d, "visits", visit))?.["by"], agent);
  assert.equal((await row(d, "visit_notes", said))?.["rev"], 1);
  const [first_, child] = d.proxy.pushes()[0]!;
  assert.deepEqual((child as { requires?: string[] }).requires, [first_!.mid]);
  assert.deepEqual(await unsent(d.settings), []);
  await sync(d.settings);
  assert.equal(d.proxy.pushes().length, 1, "nothing is pushed again");
});

test("an answer is lost and the agent edits again: the last edit holds", async () => {
  const agent = "RIB-WEST-team1-agent1";
  const d = await device(agent);
  const { id } = await first(d, 5);
  await edit(d, "assignments", id, { agent_status: "accepted" });
  d.proxy.rule = onPush("lose");
  await fails(d);
  await edit(d, "assignments", id, { agent_status: "en_route", agent_remark: "gate is closed" });
  await sync(d.settings);
  const seen = await other(agent, "assignments", id);
  assert.deepEqual([seen?.["agent_status"], seen?.["agent_remark"]], ["en_route", "gate is closed"]);
  assert.equal((await row(d, "assignments", id))?.["agent_remark"], "gate is closed");
  assert.deepEqual(d.told, []);
});

test("A, B, A, B, A with every answer lost once ends as A, each write under an id of its own", async () => {
  const agent = "RIB-WEST-team1-agent1";
  const d = await device(agent);
  const { id } = await first(d, 6);
  for (const remark of ["A", "B", "A", "B", "A"]) {
    await edit(d, "assignments", id, { agent_remark: remark });
    d.proxy.rule = onPush("lose");
    await fails(d);
  }
  await sync(d.settings);
  assert.equal((await other(agent, "assignments", id))?.["agent_remark"], "A");
  const mids = d.proxy.pushes().flat().filter((m) => m.id === id).map((m) => m.mid);
  assert.equal(new Set(mids).size, 5);
});

test("two devices of one agent: other members are merged, the same member is a conflict that is not lost", async () => {
  const agent = "RIB-WEST-team2-agent1";
  const [x, y] = [await device(agent), await device(agent)];
  const { id } = await first(x, 5);
  await sync(y.settings);
  await edit(x, "assignments", id, { agent_status: "accepted" });
  await sync(x.settings);
  await edit(y, "assignments", id, { visit_order: 7 });
  await sync(y.settings);
  await sync(x.settings);
  for (const d of [x, y]) {
    const doc = await row(d, "assignments", id);
    assert.deepEqual([doc?.["agent_status"], doc?.["visit_order"]], ["accepted", 7]);
  }
  await edit(x, "assignments", id, { agent_remark: "ring twice" });
  await sync(x.settings);
  await edit(y, "assignments", id, { agent_remark: "dog" });
  await sync(y.settings);
  assert.equal((await row(y, "assignments", id))?.["agent_remark"], "ring twice");
  assert.deepEqual(y.told, ["conflict dog"]);
  assert.equal((await refused(y.settings))[0]?.mutation.fields?.["agent_remark"], "dog");
});

test("what is revoked is purged, the log included; what was not sent goes first", async () => {
  const agent = "RIB-EAST-team1-agent2";
  const d = await device(agent);
  const stop = await first(d, 8);
  const of = stop["case"] as string;
  const sent = await note(d, of, "Mrs. Example has a dog");
  await sync(d.settings);
  const late = await note(d, of, "written in the tunnel");
  await (await supervisor()).post(`/v1/cases/${of}/reassign`, { team: "RIB-EAST-team2" });
  await sync(d.settings);
  assert.deepEqual(d.told, ["revoked written in the tunnel"]);
  for (const [table, id] of [["cases", of], ["assignments", stop.id], ["visit_notes", sent], ["visit_notes", late]]) {
    assert.equal(await row(d, table!, id!), undefined, `${table} ${id}`);
  }
  const log = JSON.stringify(await rows(d, "doorstep_log"));
  assert.ok(!log.includes("Mrs. Example") && !log.includes("tunnel"));
  const before = d.proxy.pushes().length;
  await sync(d.settings);
  assert.equal(d.proxy.pushes().length, before);
});

test("what was written while the pull was under way is not deleted with the case: it goes next", async () => {
  const agent = "RIB-EAST-team1-agent2";
  const d = await device(agent);
  const stop = await first(d, 9);
  const of = stop["case"] as string;
  await (await supervisor()).post(`/v1/cases/${of}/reassign`, { team: "RIB-EAST-team2" });
  d.proxy.rule = (x) => (x.path.startsWith("/sync/v1/pull") ? { delay: 300 } : undefined);
  const under = sync(d.settings);
  await until("it pulls", () => d.proxy.seen.at(-1)?.path.startsWith("/sync/v1/pull") ?? false);
  await edit(d, "assignments", stop.id, { agent_remark: "written just now" });
  await under;
  assert.equal((await row(d, "assignments", stop.id))?.["agent_remark"], "written just now");
  await sync(d.settings);
  assert.deepEqual(d.told, ["revoked written just now"]);
  assert.equal(await row(d, "assignments", stop.id), undefined);
});

test("a delete that is refused brings the row back, and one of a row never sent says nothing", async () => {
  const d = await device("RIB-EAST-team1-agent2");
  const of = (await first(d, 10))["case"] as string;
  const sent = await note(d, of, "stays");
  await sync(d.settings);
  const drop = (id: string) => d.database.write(async () => {
    await (await d.database.get("visit_notes").find(id)).markAsDeleted();
  });
  await drop(sent);
  const draft = await note(d, of, "thought better of it");
  await drop(draft);
  await sync(d.settings);
  assert.equal((await row(d, "visit_notes", sent))?.["text"], "stays");
  assert.ok(!d.proxy.pushes().flat().some((m) => m.id === draft));
  const deletes = d.proxy.pushes().flat().filter((m) => m.op === "delete");
  assert.deepEqual(deletes.map((m) => [m.id, m.base]), [[sent, 1]]);
});

test("what is refused is dropped, and kept for the agent to see; edited evidence is as it was", async () => {
  const d = await device("RIB-EAST-team1-agent2");
  const of = (await first(d, 11))["case"] as string;
  const wrong = await note(d, of, "of a kind that there is not", { kind: "nonsense" });
  const strange = await note(d, "LND-A.NO-SUCH-CASE", "of a case that is not ours");
  const good = await note(d, of, "as it was");
  // The id is another agent's: the feed says nothing of it.
  const theirs = await makeNote("RIB-WEST-team1-agent1");
  await note(d, of, "under the id of another agent's", { id: theirs });
  await sync(d.settings);
  assert.equal(await row(d, "visit_notes", theirs), undefined);
  assert.equal(await row(d, "visit_notes", wrong), undefined);
  assert.equal(await row(d, "visit_notes", strange), undefined);
  const kept = (await refused(d.settings)).find((s) => s.record === wrong);
  assert.equal(kept?.mutation.fields?.["text"], "of a kind that there is not");
  assert.match(kept?.result?.code ?? "", /^validation\./);
  await edit(d, "visit_notes", good, { text: "as I would have it" });
  await sync(d.settings);
  assert.equal((await row(d, "visit_notes", good))?.["text"], "as it was");
  await sync(d.settings);
  const again = (await refused(d.settings)).find((s) => s.record === good);
  assert.equal(again?.mutation.fields?.["text"], "as I would have it", "the pull that brings it back keeps it");
});

test("2,500 rows come in short pages", async () => {
  const agent = "RIB-WEST-team1-agent2";
  const wire = new Wire(await phone(agent));
  others.set(agent, wire);
  const of = (await wire.pull({ after: 0, limit: 1, types: ["cases"] })).changes[0]!.id;
  const at = new Date().toISOString();
  while ((await wire.manifest("visit_notes")).records.length < 2500) {
    await wire.push(Array.from({ length: 200 }, () => ({ mid: newMid(), type: "visit_notes", id: newMid(), op: "put",
      base: 0, client_ts: at, fields: { case: of, at, kind: "general", text: "short" } }) as const));
  }
  const { records } = await wire.manifest("visit_notes");
  const d = await device(agent);
  d.proxy.alter = (path) => path.replace("/pull?", "/pull?limit=150&");
  await sync(d.settings);
  assert.deepEqual((await rows(d, "visit_notes")).map((r) => [r.id, r["rev"]]), [...records].sort());
  assert.ok(d.proxy.seen.length > 17);
});

test("a restored server gets what it lost and what waits, and what it never had goes", async () => {
  const agent = "RIB-EAST-team2-agent1";
  const d = await device(agent);
  const past = new Restored(d.proxy);
  const stop = await first(d, 12);
  const of = stop["case"] as string;
  assert.notEqual(await row(d, "cases", ghost), undefined);
  const kept = await note(d, of, "in the backup");
  await sync(d.settings);
  past.lose();
  const lost = await note(d, of, "acknowledged and lost");
  await sync(d.settings);
  const waits = await note(d, of, "never sent");
  await edit(d, "assignments", stop.id, { agent_remark: "not sent either" });
  past.restore();
  await sync(d.settings);
  const mids = d.proxy.pushes().flat().filter((m) => m.id === lost).map((m) => m.mid);
  assert.equal(mids.length, 2);
  assert.equal(mids[0], mids[1], "it is offered under the same mid");
  for (const id of [kept, lost, waits]) {
    assert.notEqual(await other(agent, "visit_notes", id), undefined);
    assert.equal((await row(d, "visit_notes", id))?.["by"], agent);
  }
  assert.equal((await other(agent, "assignments", stop.id))?.["agent_remark"], "not sent either");
  assert.equal(await row(d, "cases", ghost), undefined);
});

test("an app with a newer schema migrates, keeps what waits, and begins from 0", async () => {
  const agent = "RIB-EAST-team2-agent1";
  const d = await device(agent, ["case", "at", "kind", "text"]);
  const of = (await first(d, 13))["case"] as string;
  const sent = await note(d, of, "sent");
  await sync(d.settings);
  assert.equal((await row(d, "visit_notes", sent))?.["by"], undefined);
  const waits = await note(d, of, "waits");
  const all = tableOf("visit_notes").columnArray.filter((c) => !["rev", "case", "at", "kind", "text"].includes(c.name));
  const migrations = schemaMigrations({ migrations: [{ toVersion: 2, steps: [
    addColumns({ table: "visit_notes" as never, columns: all }),
  ] }] });
  const adapter = await clone(d, { schema: schema(2), migrations });
  const wire = new Wire({ ...d.settings.wire.options, schema: 4 });
  const n = opened(new Database({ adapter, modelClasses }), d.proxy, wire);
  await sync({ ...n.settings, migrationsEnabledAtVersion: 1 });
  assert.equal((await row(n, "visit_notes", sent))?.["by"], agent);
  assert.equal((await row(n, "visit_notes", waits))?.["by"], agent);
  assert.ok(d.proxy.seen.some((x) => x.path.includes("after=0") && x.headers["x-schema-version"] === "4"));
});

test("an app that has synced by other means before begins from 0, and goes on from a cursor of the server's", async () => {
  const agent = "RIB-EAST-team2-agent2";
  const d = await device(agent);
  // The app's version before kept a time, and a row of which this server knows nothing.
  await d.database.adapter.setLocal("__watermelon_last_pulled_at", String(Date.now()));
  await d.database.write(() => d.database.get("cases").create((m) => {
    Object.assign(m._raw, { id: ghost, _status: "synced", debtor_name: "Somebody" });
  }));
  const { id } = await first(d);
  assert.notEqual(id, undefined, "all was pulled");
  assert.equal(await row(d, "cases", ghost), undefined, "the row is gone");
  const asked = () => d.proxy.seen.filter((x) => x.path.startsWith("/sync/v1/pull")).map((x) => x.path);
  const [from] = asked();
  assert.match(from!, /after=0&/);
  const stored = Number(await d.database.adapter.getLocal("__watermelon_last_pulled_at"));
  assert.ok(stored > 0 && stored < Date.now() / 2, `${stored} is the cursor plus 1`);
  await sync(d.settings);
  assert.match(asked().at(-1)!, new RegExp(`after=${stored - 1}&`));
});

test("a phone that dies after sending sends the same mid again when it starts", async () => {
  const d = await device("RIB-EAST-team2-agent2");
  const of = (await first(d, 14))["case"] as string;
  const id = await note(d, of, "written before it died");
  d.proxy.rule = onPush("lose");
  await fails(d);
  const again = await restarted(d);
  assert.equal((await unsent(again.settings)).length, 1);
  await sync(again.settings);
  const mids = d.proxy.pushes().flat().filter((m) => m.id === id).map((m) => m.mid);
  assert.equal(mids.length, 2);
  assert.equal(new Set(mids).size, 1);
  assert.equal((await row(again, "visit_notes", id))?.["rev"], 1);
});

test("what the server asks to send again stays queued, and a pull does not show it undone", async () => {
  const d = await device("RIB-EAST-team2-agent2");
  const { id } = await first(d, 15);
  d.proxy.rule = answered("retry");
  await edit(d, "assignments", id, { agent_remark: "mine" });
  // Another phone writes to the same row, so that the pull brings it.
  const order = 1 + (Date.now() % 1000);
  const base = Number((await row(d, "assignments", id))?.["rev"]);
  const wire = new Wire(await phone("RIB-EAST-team2-agent1"));
  const at = new Date().toISOString();
  await wire.push([{ mid: newMid(), type: "assignments", id, op: "patch", base, client_ts: at,
    fields: { visit_order: order } }]);
  await sync(d.settings);
  const doc = await row(d, "assignments", id);
  assert.deepEqual([doc?.["agent_remark"], doc?.["visit_order"]], ["mine", order]);
  d.proxy.rule = () => undefined;
  await sync(d.settings);
  assert.deepEqual(await unsent(d.settings), []);
});

test("what the server cannot take yet is kept, and not sent again before the app is newer", async () => {
  const agent = "RIB-EAST-team2-agent2";
  const d = await device(agent);
  const of = (await first(d, 16))["case"] as string;
  d.proxy.rule = answered("not_yet");
  const id = await note(d, of, "of a newer app");
  await sync(d.settings);
  d.proxy.rule = () => undefined;
  const asked = d.proxy.pushes().length;
  await sync(d.settings);
  assert.equal(d.proxy.pushes().length, asked);
  assert.equal((await row(d, "visit_notes", id))?.["text"], "of a newer app");
  await sync({ ...d.settings, wire: new Wire({ ...d.settings.wire.options, schema: 4 }) });
  assert.equal((await row(d, "visit_notes", id))?.["by"], agent);
});

test("watch keeps each write as it is made, syncs it, and pulls when it is poked", async (t) => {
  const agent = "RIB-WEST-team2-agent2";
  const d = await device(agent);
  const ended = new AbortController();
  t.after(() => ended.abort());
  watch(d.settings, ended.signal);
  await until("stops", async () => (await rows(d, "assignments")).length > 0);
  const { id } = (await rows(d, "assignments"))[0]!;
  for (const remark of ["A", "B"]) {
    await edit(d, "assignments", id, { agent_remark: remark });
    const kept = async () => JSON.stringify(await rows(d, "doorstep_log")).includes(`\\"${remark}\\"`);
    await until("it is in the log", kept);
  }
  await until("both are sent", async () => (await other(agent, "assignments", id))?.["agent_remark"] === "B");
  assert.equal(d.proxy.pushes().flat().filter((m) => m.id === id).length, 2);
  const wire = others.get(agent)!;
  const at = new Date().toISOString();
  const it = newMid();
  const of = (await rows(d, "assignments"))[0]!["case"];
  await wire.push([{ mid: newMid(), type: "visit_notes", id: it, op: "put", base: 0, client_ts: at,
    fields: { case: of, at, kind: "general", text: "by another phone" } }]);
  await until("it was pulled", async () => (await row(d, "visit_notes", it)) !== undefined);
});

test("a device that was blocked erases what it holds", async () => {
  const d = await device("RIB-WEST-team2-agent2");
  await first(d);
  let wiped = 0;
  await (await supervisor()).delete(`/v1/devices/${d.settings.wire.options.device}?wipe=true`);
  await assert.rejects(sync({ ...d.settings, wiped: () => wiped++ }));
  assert.equal(wiped, 1);
  assert.deepEqual(await rows(d, "cases"), []);
});

test("a database without the log is told so", async () => {
  const tables = [tableOf("cases")];
  const adapter = new LokiJSAdapter({ schema: appSchema({ version: 1, tables }), useWebWorker: false,
    useIncrementalIndexedDB: true });
  const database = new Database({ adapter, modelClasses: [Card] });
  const wire = new Wire(await phone("RIB-WEST-team2-agent2"));
  await assert.rejects(sync({ database, wire }), /logTable/);
  assert.equal(kindOf("doorstep_log"), undefined);
});

test("drafts of two phones are merged member by member, and deleted when the record is sent", async () => {
  const agent = "RIB-WEST-team2-agent1";
  const [x, y] = [await device(agent), await device(agent)];
  const of = (await first(x, 1))["case"] as string;
  const write = (fields: object) => (m: Model) => {
    for (const [name, value] of Object.entries(fields)) m._setRaw(name as never, value as never);
  };
  const content = (members: object) => ({ content: JSON.stringify(members) });
  const id = await x.database.write(async () => (await x.database.get("drafts").create(write({
    case: of, of_type: "visits", ...content({ outcome: "MET_PTP", met: "debtor" }) }))).id);
  await sync(x.settings);
  await sync(y.settings);
  await edit(x, "drafts", id, content({ outcome: "MET_PAID", met: "debtor" }));
  await edit(y, "drafts", id, content({ outcome: "MET_PTP", detail: "paid half" }));
  await sync(x.settings);
  await sync(y.settings);
  await sync(x.settings);
  for (const d of [x, y]) {
    const doc = await row(d, "drafts", id);
    assert.deepEqual(JSON.parse(doc?.["content"] as string), { detail: "paid half", outcome: "MET_PAID" });
  }
  assert.deepEqual([...x.told, ...y.told], []);
  await x.database.write(async () => (await x.database.get("drafts").find(id)).markAsDeleted());
  await sync(x.settings);
  await sync(y.settings);
  assert.equal(await row(y, "drafts", id), undefined);
  assert.deepEqual(x.told, []);
});
