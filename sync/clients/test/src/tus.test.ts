import assert from "node:assert/strict";
import { after, test } from "node:test";
import { answered, type Kept, type Verdict } from "@doorstep/tus";
import { Wire } from "@doorstep/wire";
import { IDBFactory } from "fake-indexeddb";
import { type Phone, phoneOf, recorded, sound, store, sum, unrecorded } from "./files.js";
import { phone, supervisor, until, url } from "./people.js";
import { type Fault, Proxy } from "./proxy.js";

const agent = "RIB-WEST-team1-agent2";
const proxies: Proxy[] = [];
after(async () => {
  for (const p of proxies) await p.close();
});

/** device is a phone behind a proxy; the agent has one for all tests but those that lose it. */
let used: Awaited<ReturnType<typeof phone>> | undefined;
async function device(more: Parameters<typeof phoneOf>[2] = {}, kept = store()): Promise<{ proxy: Proxy; p: Phone }> {
  const proxy = await Proxy.to(url);
  proxies.push(proxy);
  used ??= await phone(agent);
  return { proxy, p: phoneOf(new Wire({ ...used, server: proxy.url }), kept, more) };
}

/** stored is what the server says of an attachment, and the SHA-256 of what it keeps. */
async function stored(p: Phone, id: string) {
  for (let after = 0, epoch: string | undefined; ; ) {
    const page = await p.wire.pull({ after, epoch, types: ["attachments"] });
    const found = page.changes.find((c) => c.id === id);
    if (found !== undefined && "doc" in found) {
      const doc = found.doc as { case: string; sha256: string; bytes: number };
      const of = encodeURIComponent(doc.case);
      const answer = await fetch(`${url}/v1/cases/${of}/attachments/${id}`, {
        headers: { Authorization: `Bearer ${(await supervisor()).token}` } });
      return { sha256: doc.sha256, bytes: doc.bytes, kept: await sum(await answer.arrayBuffer()) };
    }
    if (!page.more) return undefined;
    ({ cursor: after, epoch } = page);
  }
}

/** finish tries until nothing waits, as run does, without the pauses. */
async function finish(p: Phone, most = 40): Promise<number> {
  for (let i = 1; i <= most; i++) if ((await p.outbox.once()) === Infinity) return i;
  throw new Error(`it does not end: ${JSON.stringify(await p.outbox.list())}`);
}

test("each answer has its meaning, and one that is not known is tried again or shown", () => {
  const of = (status: number, code?: string, more: object = {}) =>
    answered({ status, problem: { ...(code === undefined ? {} : { code }), ...more }, retryAfter: 0 });
  const rows: [Verdict, number, string?][] = [
    ["again", 0], ["token", 401], ["again", 403, "auth.role"], ["again", 404, "upload.not_found"],
    ["again", 409, "upload.offset"], ["refused", 409, "upload.other"], ["gone", 410, "debtor.erased"],
    ["refused", 412, "upload.version"], ["refused", 413, "upload.too_large"], ["anew", 413, "upload.pieces"],
    ["refused", 415, "media_type"], ["later", 422, "upload.record_first"], ["refused", 422, "upload.picture"],
    ["again", 423], ["again", 429, "upload.too_many"], ["spoiled", 460, "upload.checksum"], ["again", 500],
    ["again", 503, "upload.busy"], ["again", 599], ["refused", 418], ["again", 302],
  ];
  for (const [verdict, status, code] of rows) assert.equal(of(status, code), verdict, `${status} ${code}`);
  assert.equal(of(403, "device_wiped", { wipe: true }), "wipe");
});

test("an upload that is cut at any byte, and whose answers are lost, ends whole", async () => {
  const { proxy, p } = await device({ chunk: 120_000 });
  const file = sound(1_000_000);
  const { id } = await recorded(p, file);
  const faults: (Fault | undefined)[] = [{ send: 0 }, { send: 1 }, "lose", { send: 119_999 }, { send: 100 }, "refuse",
    { send: 65_536 }, undefined, "lose", "cut", { send: 7 }];
  const posts: Fault[] = ["refuse", "lose"];
  proxy.rule = (x) => {
    if (!x.path.startsWith("/files/") || x.method === "HEAD") return undefined;
    return x.method === "POST" ? posts.shift() : faults.shift();
  };
  const attempts = await finish(p);
  assert.deepEqual([faults.length, posts.length], [0, 0], "every fault came about");
  assert.ok(attempts > 8, `${attempts} attempts`);
  const whole = await sum(file);
  assert.deepEqual(await stored(p, id), { sha256: whole, bytes: file.size, kept: whole });
  assert.deepEqual(p.told, [`stored ${id}`]);
  assert.deepEqual([await p.outbox.list(), await p.kept.file(id)], [[], undefined], "the phone has forgotten it");
  const taken = proxy.seen.filter((x) => x.method === "PATCH" && x.status === 204);
  const sent = taken.map((x) => x.headers["upload-offset"]);
  assert.ok(!sent.slice(1).includes("0"), `it went on and did not begin again: ${sent}`);
});

test("the answer to the last byte is lost, and the app that starts again hears that it is stored", async () => {
  const factory = new IDBFactory();
  const { proxy, p } = await device({}, store(factory));
  const { id } = await recorded(p, sound(50_000, 2));
  proxy.rule = (x) => (x.method === "PATCH" ? "lose" : undefined);
  assert.notEqual(await p.outbox.once(), Infinity);
  proxy.rule = () => undefined;
  const again = phoneOf(p.wire, store(factory));
  assert.deepEqual((await again.outbox.list()).map((k) => [k.id, k.state]), [[id, "waits"]]);
  assert.equal(await finish(again), 1);
  assert.deepEqual(again.told, [`stored ${id}`]);
  assert.equal(proxy.seen.filter((x) => x.method === "PATCH").length, 1);
});

test("a token that wears out while bytes are sent is renewed, and the upload goes on", async () => {
  const { proxy, p } = await device({ chunk: 100_000 });
  const { id } = await recorded(p, sound(250_000, 3));
  const good = await used!.token();
  let worn = true;
  const asked: (string | undefined)[] = [];
  const wire = new Wire({ ...p.wire.options, token: (refused) => {
    asked.push(refused);
    if (refused !== undefined) worn = false;
    return worn ? "worn" : good;
  } });
  // The first requests pass with the worn token, as if it had been good then.
  let passed = 0;
  proxy.credentials = () => (worn && passed++ < 3 ? good : undefined);
  const q = phoneOf(wire, p.kept, { chunk: 100_000 });
  assert.equal(await finish(q), 1);
  assert.deepEqual(asked, [undefined, "worn"]);
  assert.deepEqual(q.told, [`stored ${id}`]);
  assert.notEqual(await stored(p, id), undefined);
  // Where no token is to be had the file waits for the agent to sign in.
  const r = await recorded(p, sound(100, 4));
  const out = phoneOf(new Wire({ ...p.wire.options, token: () => Promise.reject(new Error("signed out")) }), p.kept);
  assert.notEqual(await out.outbox.once(), Infinity);
  assert.deepEqual((await out.outbox.list()).map((k) => [k.id, k.state]), [[r.id, "waits"]]);
});

test("a file whose record has not come waits, lets others go before, and goes after the push", async () => {
  const { p } = await device();
  const early = await unrecorded(p, sound(5000, 5));
  const other = await recorded(p, sound(5000, 6));
  assert.ok(Number.isFinite(await p.outbox.once()));
  assert.deepEqual(p.told, [`stored ${other.id}`]);
  assert.deepEqual((await p.outbox.list()).map((k) => [k.id, k.code]), [[early.id, "upload.record_first"]]);
  await early.push();
  assert.equal(await finish(p), 1);
  assert.deepEqual(p.told.at(-1), `stored ${early.id}`);
  // A record that does not come within 30 days does not hold its file for ever.
  const never = await unrecorded(p, sound(5000, 7));
  const month = new Wire({ ...p.wire.options, now: () => Date.now() + 31 * 24 * 3600 * 1000 });
  const aged = phoneOf(month, p.kept);
  assert.equal(await finish(aged), 1);
  assert.deepEqual(aged.told, [`refused ${never.id} upload.record_first`]);
});

test("what the server will not take is shown with its reason, kept, and does not hold up the others", async () => {
  const { p } = await device();
  const text = new Blob(["this is no sound"]);
  const wrong = await recorded(p, text);
  const type = await recorded(p, sound(100, 8), { filetype: "text/html" });
  const large = await recorded(p, sound((2 << 20) + 1, 9), { filetype: "image/png" }, "signature");
  const good = await recorded(p, sound(100, 10));
  // The id of another file of the agent.
  const kept = (await p.outbox.list()).find((k) => k.id === good.id)!;
  assert.equal(await finish(p), 1);
  await p.kept.put({ ...kept, sha256: "0".repeat(64) }, sound(100, 11));
  await finish(p);
  assert.deepEqual(p.told.sort(), [`refused ${wrong.id} upload.media_type`, `refused ${type.id} upload.media_type`,
    `refused ${large.id} upload.too_large`, `stored ${good.id}`, `refused ${good.id} upload.other`].sort());
  const shown = (await p.outbox.list()).find((k) => k.id === large.id) as Kept;
  assert.match(shown.detail!, /at most 2097152 bytes/);
  assert.notEqual(await p.kept.file(large.id), undefined, "the file is evidence until the app drops it");
  for (const k of await p.outbox.list()) await p.outbox.drop(k.id);
  assert.deepEqual(await p.outbox.list(), []);
  assert.equal((await stored(p, good.id))!.bytes, 100, "what is stored stays");
});

test("bytes that change on the way are sent again, and a file that changed on the phone is not", async () => {
  const { proxy, p } = await device();
  const file = sound(70_000, 12);
  const { id } = await recorded(p, file);
  let garbled = 0;
  proxy.rule = (x) => (x.method === "PATCH" && garbled++ === 0 ? "garble" : undefined);
  await p.outbox.once();
  assert.equal(proxy.seen.at(-1)!.status, 460);
  await finish(p);
  assert.equal((await stored(p, id))!.kept, await sum(file));
  const changed = await recorded(p, sound(70_000, 13));
  const kept = (await p.outbox.list())[0]!;
  await p.kept.put(kept, sound(70_000, 14));
  await finish(p);
  const lost = await recorded(p, sound(70_000, 15));
  await finish(phoneOf(p.wire, { ...p.kept, file: async () => undefined }));
  assert.deepEqual(p.told, [`stored ${id}`, `refused ${changed.id} file.changed`]);
  assert.equal((await p.outbox.list()).find((k) => k.id === lost.id)?.code, "file.missing");
  // A network that changes every upload is not tried for ever.
  const never = await recorded(p, sound(1000, 16));
  proxy.rule = (x) => (x.method === "PATCH" ? "garble" : undefined);
  await finish(p);
  assert.equal(p.told.at(-1), `refused ${never.id} upload.checksum`);
});

test("a server that is busy, full or asks to wait is asked again when it says; an erased debtor's file goes", async () => {
  const { proxy, p } = await device();
  const { id } = await recorded(p, sound(1000, 17));
  const answer = (status: number, code: string, retry?: string): Fault => ({ status, answer: { code },
    ...(retry === undefined ? {} : { headers: { "Retry-After": retry } }) });
  const on = (fault: Fault) => {
    proxy.rule = (x) => (x.path.startsWith("/files/") ? fault : undefined);
    return p.outbox.once();
  };
  assert.ok((await on(answer(503, "upload.busy", "5"))) >= 5000);
  assert.ok((await on(answer(429, "upload.too_many", "3600"))) >= 3_600_000);
  assert.ok((await on(answer(423, "locked"))) < 60_000);
  assert.ok((await on(answer(500, "internal"))) < 60_000);
  assert.ok((await on(answer(403, "auth.role"))) < 60_000);
  assert.deepEqual([p.told, (await p.outbox.list()).map((k) => k.state)], [[], ["waits"]]);
  assert.equal(await on(answer(410, "debtor.erased")), Infinity);
  assert.deepEqual([p.told, await p.outbox.list(), await p.kept.file(id)], [[], [], undefined]);
});

test("a connection that stalls is given up, and the upload goes on", async () => {
  const { proxy, p } = await device();
  const { id } = await recorded(p, sound(1000, 18));
  let release = () => {};
  proxy.rule = (x) => (x.method !== "PATCH" ? undefined : new Promise((done) => { release = () => done("refuse"); }));
  const hasty = phoneOf(new Wire({ ...p.wire.options, timeout: 300 }), p.kept);
  assert.ok(Number.isFinite(await hasty.outbox.once()));
  release();
  proxy.rule = () => undefined;
  await finish(p);
  assert.deepEqual(p.told, [`stored ${id}`]);
});

test("run uploads what is kept while it runs, leaves what is not allowed, and ends with its signal", async () => {
  let wifi = false;
  const { p } = await device({ allowed: (k) => wifi || k.bytes < 10_000 });
  const ended = new AbortController();
  const running = p.outbox.run(ended.signal);
  const large = await recorded(p, sound(20_000, 19));
  const small = await unrecorded(p, sound(1000, 20));
  await small.push();
  p.outbox.wake();
  await until("the small one is stored", () => p.told.includes(`stored ${small.id}`));
  assert.deepEqual((await p.outbox.list()).map((k) => k.id), [large.id]);
  wifi = true;
  p.outbox.wake();
  await until("the large one is stored", () => p.told.includes(`stored ${large.id}`));
  ended.abort();
  await running;
});

test("a device that was blocked drops what it keeps", async () => {
  const options = await phone(agent);
  const proxy = await Proxy.to(url);
  proxies.push(proxy);
  const p = phoneOf(new Wire({ ...options, server: proxy.url }));
  const a = await recorded(p, sound(300_000, 21));
  const b = await unrecorded(p, sound(1000, 22));
  proxy.rule = (x) => (x.method === "PATCH" ? { send: 1000 } : undefined);
  await p.outbox.once();
  proxy.rule = () => undefined;
  await (await supervisor()).delete(`/v1/devices/${options.device}?wipe=true`);
  assert.equal(await p.outbox.once(), Infinity);
  assert.deepEqual([p.told, await p.outbox.list()], [["wiped"], []]);
  for (const { id } of [a, b]) assert.equal(await p.kept.file(id), undefined);
});

test("what the app drops while it is sent is not sent on, and is not kept again", async () => {
  const { proxy, p } = await device({ chunk: 50_000 });
  const { id } = await recorded(p, sound(200_000, 23));
  proxy.rule = async (x) => {
    if (x.method === "PATCH") await p.outbox.drop(id);
    return undefined;
  };
  await p.outbox.once();
  assert.deepEqual([await p.outbox.list(), p.told], [[], []]);
  assert.equal(await stored(p, id), undefined);
  const early = await unrecorded(p, sound(100, 24));
  proxy.rule = async (x) => {
    if (x.method === "POST") await p.outbox.drop(early.id);
    return undefined;
  };
  await p.outbox.once();
  assert.deepEqual(await p.outbox.list(), [], "the answer does not keep it again");
});
