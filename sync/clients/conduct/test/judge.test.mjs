// judge never says yes in doubt, and verify takes nothing that the deployment did not sign. Each doubt is made by one
// change to a question whose answer is yes.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { CantSay, judge, verify } from "../dist/index.js";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const raw = Buffer.concat([Buffer.from([1]), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
const tag = createHash("sha256").update("doorstep\n").update(raw).digest().subarray(0, 4);
const key = `doorstep+${tag.toString("hex")}+${raw.toString("base64")}`;

const schema = "conduct-policy/v1";
const stop = { id: "b-stop", flag: "deceased", reason: "DECEASED" };
const hours = { id: "h-hours", channels: ["visit"], allow: [["08:00", "20:00"]] };
const home = { id: "home", status: "in_force", extends: ["base"], hours: [hours], parties: { debtor: { allow: true } } };
const parts = {
  reasons: { schema, reason_priority: ["PROFILE_NOT_IN_FORCE", "TZ_UNKNOWN", "PARTY_NOT_ALLOWED", "DECEASED",
    "OUTSIDE_HOURS"] },
  "profile.base": { schema, profiles: { base: { id: "base", status: "in_force", stops: [stop] } } },
  "profile.home": { schema, profiles: { home } },
  zones: { schema: "conduct-zones/v1", from: "2025-10-19T00:00:00Z", to: "2027-01-22T00:00:00Z",
    tables: [[[1760832000, 0]]], zones: { "Etc/UTC": 0 } },
};

const sha = (text) => createHash("sha256").update(text).digest("hex");

/** records are the records of type policy that a phone pulls. change may spoil them; lines are what is signed. */
function records(changed = {}, lines = (text) => text) {
  const texts = Object.entries({ ...parts, ...changed }).map(([name, part]) => [name, JSON.stringify(part)]);
  const text = lines(["doorstep conduct policy", "sha256:ab", "org 7", "dated 2026-11-23", "semantics 1",
    "policy_hash sha256-packs", ...texts.map(([name, part]) => `${sha(part)} ${name}`), ""].join("\n"));
  const sig = Buffer.concat([tag, sign(null, Buffer.from(text), privateKey)]).toString("base64");
  const head = { kind: "head", org: 7, signed: `${text}\n— doorstep ${sig}\n` };
  return new Map([["conduct", head], ...texts.map(([name, part]) => [name, { kind: "part", text: part }])]);
}

const bundleOf = (changed) => verify(key, records(changed));

const card = (door = {}) => ({ id: "acme.1", debtor_name: "not read", door: { semantics: 1, policy_hash: "sha256:ab",
  as_of: "2026-11-25T09:00:00Z", from: "2026-11-25", to: "2026-11-30", profiles: ["home"], tz: ["Etc/UTC"], ...door } });

const question = (q = {}) => ({ at: "2026-11-25T10:00:00Z", clock: "sure", synced: true,
  seen: { org: 7, dated: "2026-11-23" }, ...q });

test("yes until, and no, again at", async () => {
  const b = await bundleOf();
  assert.deepEqual(judge(b, card(), question()), { answer: "yes", until: "2026-11-25T20:00:00Z" });
  assert.deepEqual(judge(b, card(), question({ duration_min: 45 })), { answer: "yes", until: "2026-11-25T19:15:01Z" });
  assert.deepEqual(judge(b, card(), question({ at: "2026-11-25T22:00:00Z" })), { answer: "no",
    again_at: "2026-11-26T08:00:00Z", reason: "OUTSIDE_HOURS", rule: "h-hours", all: [["OUTSIDE_HOURS", "h-hours"]] });
  const held = (holds) => judge(b, card({ holds }), question());
  assert.deepEqual(held([{ until: "2026-11-26" }]), { answer: "no", again_at: "2026-11-27T08:00:00Z",
    reason: "ON_HOLD", rule: "house-hold", all: [["ON_HOLD", "house-hold"]] });
  assert.equal(held([{}]).again_at, null);
  assert.equal(held([{ since: "2026-11-26" }]).answer, "yes");
  const plan = card({ flags: { plan_performing: true } });
  assert.equal(judge(b, plan, question()).rule, "house-plan");
  assert.equal(judge(b, plan, question({ purpose: "serve_process" })).answer, "yes");
  assert.equal(judge(b, card({ tz: ["Etc/Nowhere"] }), question()).reason, "TZ_UNKNOWN");
  assert.equal(judge(b, card({ profiles: [] }), question()).reason, "PROFILE_NOT_IN_FORCE");
  // A clock that is a little behind: what the server knew when it made the card counts.
  assert.equal(judge(b, card(), question({ at: "2026-11-25T08:56:00Z" })).answer, "yes");
});

test("a consent that the phone's own visit may have used up lifts nothing", async () => {
  const lifted = structuredClone(parts["profile.home"]);
  lifted.profiles.home.hours[0].unless = ["consent:visit_time"];
  const b = await bundleOf({ "profile.home": lifted });
  const late = question({ at: "2026-11-25T22:00:00Z" });
  const consent = { scope: "visit_time", given_at: "2026-11-25T08:00:00Z" };
  const with1 = card({ consents: [{ ...consent, uses_left: 1 }] });
  const contacts = [{ channel: "visit", at: "2026-11-25T09:30:00Z", result: "no_answer", case: "acme.1" }];
  assert.equal(judge(b, with1, late).answer, "yes");
  assert.equal(judge(b, with1, { ...late, contacts }).answer, "no");
  assert.equal(judge(b, card({ consents: [{ ...consent, uses_left: 2 }] }), { ...late, contacts }).answer, "yes");
  assert.equal(judge(b, card(), { ...late, consents: [consent] }).answer, "yes");
});

test("can't say", async (t) => {
  const says = (b, c, q) => {
    const a = judge(b, c, q);
    return a.answer === "cant_say" ? a.why : a.answer;
  };
  const b = await bundleOf();
  const of = async (change) => bundleOf({ "profile.home": { schema, profiles: { home: { ...home, ...change } } } });
  const cases = {
    "no bundle": [undefined, card(), question(), "unverified"],
    "a bundle that verify did not make": [{ ...b }, card(), question(), "unverified"],
    "an older bundle, by org": [b, card(), question({ seen: { org: 8, dated: "2026-11-16" } }), "old_bundle"],
    "an older bundle, by date": [b, card(), question({ seen: { org: 7, dated: "2026-11-30" } }), "old_bundle"],
    "nothing known of older bundles": [b, card(), question({ seen: undefined }), "question"],
    "first pull not complete": [b, card(), question({ synced: false }), "not_synced"],
    "doubtful clock": [b, card(), question({ clock: "doubtful" }), "clock"],
    "before the card": [b, card(), question({ at: "2026-11-25T08:54:59Z" }), "clock"],
    "before the bundle": [b, card({ as_of: "2026-11-22T09:00:00Z", from: "2026-11-22" }),
      question({ at: "2026-11-22T10:00:00Z" }), "clock"],
    "wall time": [b, card(), question({ at: "2026-11-25T10:00:00" }), "question"],
    "a word that is not known": [b, card(), question({ party: "friend" }), "question"],
    "a member that is not known": [b, card(), question({ weapon: true }), "question"],
    "no door": [b, { id: "acme.1" }, question(), "card"],
    "another policy's card": [b, card({ policy_hash: "sha256:cd" }), question(), "card"],
    "a card of other semantics": [b, card({ semantics: 2 }), question(), "semantics"],
    "a member of the card": [b, card({ curfew: true }), question(), "card"],
    "a flag that is not known": [b, card({ flags: { curfew: true } }), question(), "card"],
    "a flag that is empty": [b, card({ flags: { deceased: {} } }), question(), "card"],
    "a contact of an unknown kind": [b, card({ history: [{ channel: "drone", at: "2026-11-25T08:00:00Z",
      result: "sent" }] }), question(), "card"],
    "after the card's last day": [b, card(), question({ at: "2026-12-01T10:00:00Z" }), "card"],
    "after the offsets": [b, card({ to: "2027-03-01" }), question({ at: "2027-01-22T10:00:00Z" }), "offsets"],
    "a profile that the bundle lacks": [b, card({ profiles: ["away"] }), question(), "unknown_rule"],
    "a section that is not known": [await of({ curfew: [] }), card(), question(), "unknown_rule"],
    "a member of a rule": [await of({ hours: [{ ...hours, moon: "full" }] }), card(), question(), "unknown_rule"],
    "a word of a rule": [await of({ hours: [{ ...hours, channels: ["drone"] }] }), card(), question(), "unknown_rule"],
    "an exception": [await of({ hours: [{ ...hours, unless: ["weather:fine"] }] }), card(), question(), "unknown_rule"],
    "a cap older than the offsets": [await of({ caps: [{ id: "c", reason: "DECEASED", count: "attempts", scope: "case",
      max: 1, window: { type: "rolling_days", n: 900 } }] }), card(), question(), "offsets"],
  };
  assert.equal(says(b, card(), question()), "yes");
  for (const [name, [bundle, c, q, want]] of Object.entries(cases)) {
    await t.test(name, () => assert.equal(says(bundle, c, q), want));
  }
});

test("verify", async (t) => {
  const b = await bundleOf();
  assert.deepEqual([b.hash, b.org, b.dated], ["sha256:ab", 7, "2026-11-23"]);
  const fails = (name, change, why = "unverified") => t.test(name, async () => {
    const all = records();
    const made = change(all) ?? all;
    await assert.rejects(verify(made.key ?? key, made.all ?? made), (e) => e instanceof CantSay && e.why === why);
  });
  const head = (all, fn) => all.set("conduct", { ...all.get("conduct"), signed: fn(all.get("conduct").signed) });
  await fails("no head", (all) => void all.delete("conduct"));
  await fails("another org", (all) => head(all, (s) => s.replace("org 7", "org 9")));
  await fails("another date", (all) => head(all, (s) => s.replace("2026-11-23", "2026-11-30")));
  await fails("another part", (all) => all.set("profile.home", { text: parts["profile.base"] }));
  await fails("a part whose text differs", (all) =>
    all.set("profile.home", { text: all.get("profile.home").text.replace("20:00", "24:00") }));
  await fails("a part is missing", (all) => void all.delete("profile.base"));
  await fails("another key", (all) => ({ all, key: key.replace(/.{8}$/, "AAAAAAA=") }));
  await fails("another name", (all) => head(all, (s) => s.replace("— doorstep", "— someone")));
  await fails("no signature", (all) => head(all, (s) => s.slice(0, s.indexOf("— "))));
  await fails("a note that says something else", () =>
    ({ all: records({}, (s) => s.replace("conduct policy", "checkpoint")) }));
  await fails("other semantics", () => ({ all: records({}, (s) => s.replace("semantics 1", "semantics 2")) }),
    "semantics");
  await fails("another formula", () => ({ all: records({}, (s) => s.replace("sha256-packs", "md5")) }), "semantics");
  await fails("no org", () => ({ all: records({}, (s) => s.replace("org 7\n", "")) }), "semantics");
  // Members beside the signature say nothing.
  const all = records();
  all.set("conduct", { ...all.get("conduct"), org: 99, dated: "2099-01-01" });
  assert.equal((await verify(key, all)).org, 7);
});

test("the engine reads no clock and no locale", () => {
  for (const name of readdirSync(new URL("../src/", import.meta.url))) {
    const text = readFileSync(new URL(`../src/${name}`, import.meta.url), "utf8");
    assert.doesNotMatch(text, /\bDate\b[.(]|new Date|\bIntl\b|toLocale|performance|Math\.random/, name);
    if (name !== "verify.ts") assert.doesNotMatch(text, /\bcrypto\b|\bawait\b|\bfetch\b/, name);
  }
});
