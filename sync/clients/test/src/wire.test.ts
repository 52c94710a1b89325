import assert from "node:assert/strict";
import { test } from "node:test";
import {
  backoff, difference, kindOf, midTime, type Mutation, mutationOf, newMid, overlay, pushesOf, type Report, requiresOf,
  type Result, same, settled, typeNames, uuid, Wire, WireError,
} from "@doorstep/wire";
import { phone, plain, until } from "./people.js";
import { Proxy } from "./proxy.js";

test("mids are UUIDv7 that sort in the order of the writes", () => {
  const at = Date.UTC(2026, 10, 30, 8);
  // Many within one millisecond, and some after the clock was set back.
  const mids = Array.from({ length: 10_000 }, (_, i) => newMid(at - (i % 3)));
  assert.deepEqual([...mids].sort(), mids);
  assert.equal(new Set(mids).size, mids.length);
  for (const mid of mids.slice(0, 100)) assert.match(mid, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  assert.ok(Math.abs(midTime(mids[0]!) - at) < 1000);
  assert.equal(uuid("0193A6F27C1E7000800000000000000A"), "0193a6f2-7c1e-7000-8000-00000000000a");
  assert.throws(() => uuid("17"), /UUID/);
});

test("the wait after failures doubles to a minute, and is never less than the server asks", () => {
  assert.deepEqual([1, 2, 3, 20].map((n) => backoff(n, 0, 0)), [250, 500, 1000, 30_000]);
  assert.deepEqual([1, 20].map((n) => backoff(n, 0, 1)), [500, 60_000]);
  assert.equal(backoff(1, 7000, 0), 7000);
});

const note = kindOf("visit_notes")!;
const stop = kindOf("assignments")!;

test("a new record is sent whole, a changed one only where it differs, and evidence whole again", () => {
  const fields = { case: "c1", kind: "general", text: "x", by: "me", more: undefined, code: null };
  const made = mutationOf(note, "visit_notes", { id: "n1", rev: 0, fields, deleted: false }, undefined, "m", 0);
  assert.deepEqual(made, {
    mid: "m", type: "visit_notes", id: "n1", base: 0, client_ts: "1970-01-01T00:00:00.000Z", op: "put",
    fields: { case: "c1", kind: "general", text: "x" },
  });
  const mine = { agent_status: "accepted", status: "done", visit_order: null };
  const local = { id: "a1", rev: 7, fields: mine, deleted: false };
  const patch = mutationOf(stop, "assignments", local, { status: "open", agent_remark: "dog" }, "m", 0);
  assert.deepEqual([patch?.op, patch?.base], ["patch", 7]);
  assert.deepEqual(patch?.fields, { agent_status: "accepted", agent_remark: null });
  assert.equal(mutationOf(stop, "assignments", local, local.fields, "m", 0), undefined, "nothing differs");
  const again = mutationOf(note, "visit_notes", { id: "n1", rev: 1, fields: { ...fields, text: "y" }, deleted: false },
    fields, "m", 0);
  assert.deepEqual([again?.op, again?.fields], ["put", { case: "c1", kind: "general", text: "y" }]);
  const gone = mutationOf(note, "visit_notes", { id: "n1", rev: 1, fields, deleted: true }, fields, "m", 0);
  assert.deepEqual([gone?.op, gone?.fields], ["delete", undefined]);
});

test("of a draft the members of its content are sent that differ, and null for what was taken away", () => {
  const draft = kindOf("drafts")!;
  const before = { case: "c", content: { a: 1, b: 2, c: { d: 1 } } };
  const after = { case: "c", content: { a: 1, b: 3, c: { d: 1 } } };
  assert.deepEqual(difference(draft, before, after), { content: { b: 3 } });
  assert.deepEqual(difference(draft, before, { case: "c", content: { b: 2 } }), { content: { a: null, c: null } });
  const patch = { fields: { content: { a: null, e: 5 } } } as unknown as Mutation;
  assert.deepEqual(overlay(draft, before, [patch]), { case: "c", content: { b: 2, c: { d: 1 }, e: 5 } });
  assert.deepEqual(overlay(note, { text: "x" }, [{ fields: { text: null } } as unknown as Mutation]), { text: null });
});

test("absent members and null are the same, and so is the order of members", () => {
  assert.ok(same({ a: 1, b: { c: [1, null] } }, { b: { c: [1, undefined], d: null }, a: 1 }));
  assert.ok(!same({ a: [1, 2] }, { a: [2, 1] }));
  assert.ok(!same([], {}));
});

test("a child names the mids of what creates its parents, and never its own", () => {
  const m = { mid: "m2", type: "signatures", id: "s1", op: "put", base: 0, client_ts: "", fields: {
    visit: "v1", of_type: "plans", of: "p1", supersedes: "s1" } } satisfies Mutation;
  assert.deepEqual(requiresOf(m, (type, id) => [`${type}/${id}`, "m2"]), ["visits/v1", "plans/p1"]);
});

test("pushes keep the limits of number and bytes, and the order", () => {
  const of = (n: number, text: string): Mutation[] => Array.from({ length: n }, (_, i) =>
    ({ mid: `m${i}`, type: "visit_notes", id: `n${i}`, op: "put", base: 0, client_ts: "", fields: { text } }));
  assert.deepEqual(pushesOf(of(450, "x")).pushes.map((p) => p.length), [200, 200, 50]);
  const wide = pushesOf(of(100, "ö€😀".repeat(2000)));
  assert.ok(wide.pushes.length > 1);
  for (const p of wide.pushes) assert.ok(Buffer.byteLength(JSON.stringify({ mutations: p })) < 1 << 20);
  assert.deepEqual(wide.pushes.flat().map((m) => m.mid), of(100, "").map((m) => m.mid));
  assert.equal(pushesOf(of(2, "x".repeat(1 << 20))).tooLarge.length, 2);
});

test("each status has its meaning, and one that is not known keeps what was written", () => {
  const of = (status: string, more: object = {}) =>
    settled({ mid: "", type: "visits", id: "", status, ...more } as Result);
  for (const s of ["applied", "duplicate", "merged"]) assert.deepEqual(of(s), { state: "acked", record: "keep" });
  assert.deepEqual(of("conflict", { op: "put", doc: {} }), { state: "refused", record: "take" });
  assert.deepEqual(of("conflict", { op: "delete" }), { state: "refused", record: "drop" });
  assert.deepEqual(of("rejected"), { state: "refused", record: "drop" });
  assert.deepEqual(of("revoked", { op: "revoke" }), { state: "refused", record: "drop" });
  assert.deepEqual(of("retry"), { state: "queued", record: "keep" });
  for (const s of ["not_yet", "of_next_year"]) assert.deepEqual(of(s), { state: "not_yet", record: "keep" });
});

test("the types are those of the description", () => {
  // Compiled, this shows that the parts fit; run, that the lists are there.
  const report: Report<"visit_notes"> = { case: "c", at: "2026-11-30T10:00:00Z", kind: "general", text: "x" };
  assert.deepEqual(Object.keys(report).filter((name) => !note.said.includes(name)), []);
  assert.deepEqual([note.ops, stop.ops, kindOf("cases")?.ops, kindOf("nonsense")], [["put"], ["patch"], [], undefined]);
  assert.ok(stop.said.includes("agent_remark") && stop.members["status"] === "string");
  assert.ok(typeNames.length <= 12, "RxDB's free core opens 13 collections, and the adapter needs one");
});

test("a mid of 32 digits is refused by itself, and uuid() mends it", async () => {
  const wire = await plain("RIB-WEST-team2-agent2");
  const page = await wire.pull({ after: 0, limit: 1, types: ["cases"] });
  const of = (mid: string): Mutation => ({
    mid, type: "visit_notes", id: newMid(), op: "put", base: 0, client_ts: new Date().toISOString(),
    fields: { case: page.changes[0]!.id, at: new Date().toISOString(), kind: "general", text: "x" },
  });
  const plainMid = newMid().replaceAll("-", "");
  const { results } = await wire.push([of(plainMid), of(newMid()), of(uuid(plainMid))]);
  assert.deepEqual(results.map((r) => [r.status, r.code]), [["rejected", "validation.mid"], ["applied", undefined],
    ["applied", undefined]]);
});

test("answers that are cut, refused and late are errors, and the next request waits", async () => {
  const proxy = await Proxy.to((await phone("RIB-WEST-team2-agent2")).server);
  const options = await phone("RIB-WEST-team2-agent2", proxy.url);
  const [wire, hasty] = [new Wire(options), new Wire({ ...options, timeout: 100 })];
  const pull = (by = wire) => by.pull({ after: 0 });
  const fails = async (status: number, code: string, by = wire) => {
    await assert.rejects(pull(by), (e) => e instanceof WireError && e.status === status && e.code === code);
    by.wake();
  };
  proxy.rule = () => "cut";
  await fails(0, "cut");
  proxy.rule = () => "refuse";
  await fails(0, "network");
  proxy.rule = () => ({ delay: 2000 });
  await fails(0, "network", hasty);
  proxy.rule = () => ({ status: 503, answer: { code: "unavailable" } });
  const started = performance.now();
  await assert.rejects(pull());
  await assert.rejects(pull());
  assert.ok(performance.now() - started >= 250, "the second request waited");
  wire.wake();
  proxy.rule = () => undefined;
  assert.ok((await pull()).changes.length > 0);
  await proxy.close();
});

test("results that do not belong to the mutations are taken for none", async () => {
  const proxy = await Proxy.to((await phone("RIB-WEST-team2-agent2")).server);
  const wire = new Wire(await phone("RIB-WEST-team2-agent2", proxy.url));
  const head = { type: "visit_notes", op: "delete", base: 0, client_ts: new Date().toISOString() } as const;
  const of = (): Mutation => ({ ...head, mid: newMid(), id: newMid() });
  const turned = (text: string) => {
    const answer = JSON.parse(text);
    return JSON.stringify({ ...answer, results: answer.results.reverse() });
  };
  proxy.rule = () => ({ rewrite: turned });
  await assert.rejects(wire.push([of(), of()]), (e) => e instanceof WireError && e.code === "results");
  await proxy.close();
});

test("a token that has run out is asked for once more, and once by two requests", async () => {
  const options = await phone("RIB-WEST-team2-agent2");
  const asked: (string | undefined)[] = [];
  const wire = new Wire({ ...options, token: async (refused) => {
    asked.push(refused);
    if (refused === undefined) return "worn";
    await new Promise((done) => setTimeout(done, 200));
    return options.token();
  } });
  await Promise.all([wire.pull({ after: 0, limit: 1 }), wire.manifest("cases")]);
  assert.deepEqual(asked, [undefined, undefined, "worn"]);
});

test("the stream pokes on connect and after a write, and connects again when it is cut", async () => {
  const proxy = await Proxy.to((await phone("RIB-WEST-team2-agent2")).server);
  const wire = new Wire(await phone("RIB-WEST-team2-agent2", proxy.url));
  const ended = new AbortController();
  let pokes = 0;
  const listening = wire.listen(() => pokes++, ended.signal);
  await until("a poke on connect", () => pokes > 0);
  const page = await wire.pull({ after: 0, limit: 1, types: ["cases"] });
  const before = pokes;
  await wire.push([{ mid: newMid(), type: "visit_notes", id: newMid(), op: "put", base: 0,
    client_ts: new Date().toISOString(), fields: { case: page.changes[0]!.id, at: new Date().toISOString(),
      kind: "general", text: "x" } }]);
  await until("a poke after the write", () => pokes > before);
  const dropped = pokes;
  proxy.drop();
  await until("a poke on the next connection", () => pokes > dropped);
  ended.abort();
  await listening;
  await proxy.close();
});

test("a large push goes gzipped where the runtime can, and as it is where something takes no gzip", async (t) => {
  const proxy = await Proxy.to((await phone("RIB-WEST-team2-agent2")).server);
  t.after(() => proxy.close());
  const wire = new Wire(await phone("RIB-WEST-team2-agent2", proxy.url));
  const of = (await wire.pull({ after: 0, limit: 1, types: ["cases"] })).changes[0]!.id;
  const notes = (count: number): Mutation[] => Array.from({ length: count }, () => ({
    mid: newMid(), type: "visit_notes", id: newMid(), op: "put", base: 0, client_ts: new Date().toISOString(),
    fields: { case: of, at: new Date().toISOString(), kind: "general", text: "a gate, and a dog behind it" } }));
  const push = async (count: number) => {
    const { results } = await wire.push(notes(count));
    assert.ok(results.every((r) => r.status === "applied"));
    const { headers, body } = proxy.seen.at(-1)!;
    return { encoding: headers["content-encoding"], sent: Number(headers["content-length"]), text: body.length };
  };
  assert.equal((await push(1)).encoding, undefined, "a small one goes as it is");
  const large = await push(100);
  assert.equal(large.encoding, "gzip");
  assert.ok(large.sent < large.text / 4, `${large.sent} of ${large.text} bytes`);

  const has = globalThis.CompressionStream;
  t.after(() => { globalThis.CompressionStream = has; });
  delete (globalThis as { CompressionStream?: unknown }).CompressionStream;
  assert.equal((await push(100)).encoding, undefined);
  globalThis.CompressionStream = has;

  let refused = 0;
  proxy.rule = (x) => (x.path === "/sync/v1/push" && refused++ === 0
    ? { status: 415, answer: { code: "media_type" } } : undefined);
  assert.equal((await push(100)).encoding, undefined);
  assert.equal((await push(100)).encoding, undefined, "it is not tried again");
  assert.equal(refused, 3);
});
