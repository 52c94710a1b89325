// This engine answers as the Go engine does: the vectors, and random questions that server/conduct writes with its
// answers. QUESTIONS is how many of those (20,000 unless it is set). QUESTIONS_DIR names a folder for what is written,
// which a further run then takes from there.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { Bundle, judge } from "../dist/judge.js";
import { Policy } from "../dist/policy.js";
import { instantText, parseWhen, Zones } from "../dist/time.js";
import { decide, root, whole } from "./engine.mjs";

const many = Number(process.env.QUESTIONS ?? 20000);
const dir = process.env.QUESTIONS_DIR ?? mkdtempSync(join(tmpdir(), "doorstep-questions-"));
if (!process.env.QUESTIONS_DIR) process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

/** written has a test of a Go package write a file, and returns the file. */
function written(room, test, name, ...flags) {
  const file = join(dir, `${name}.ndjson`);
  if (!existsSync(file)) {
    execFileSync("go", ["test", `./server/${room}`, "-count=1", "-timeout=20m", `-run=^${test}$`, `-${name}=${file}`,
      ...flags], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  }
  return file;
}

const file = written("conduct", "TestWriteQuestions", "questions", `-questions-many=${many}`);
const doors = written("casework", "TestWriteDoors", "doors");
const lines = createInterface({ input: createReadStream(file) })[Symbol.asyncIterator]();
const first = JSON.parse((await lines.next()).value);
const engine = whole(first.parts.map((p) => p.Text), first.zones);

test("the engines agree on random questions", async (t) => {
  const tally = { all: 0, allowed: 0, searched: 0, spans: 0, split: 0 };
  for await (const line of lines) {
    const v = JSON.parse(line);
    const got = decide(engine, { ...v.question, history: v.question.history ?? [], elsewhere: v.elsewhere },
      v.searched ? 60 : 0);
    const want = { all: v.all, advisory: v.advisory, presumptive: v.presumptive };
    const where = `question ${tally.all}: ${line}`;
    assert.deepEqual({ all: got.hits, advisory: got.advisory, presumptive: got.presumptive }, want, where);
    if (v.searched) assert.deepEqual(got.span, v.span, where);
    tally.all++;
    tally.allowed += v.all.length === 0;
    tally.searched += v.searched === true;
    tally.spans += v.span !== undefined;
    tally.split += v.elsewhere !== undefined;
  }
  t.diagnostic(JSON.stringify(tally));
  assert.equal(tally.all, many);
  // Questions that all get the same answer would prove little.
  assert.ok(tally.allowed > many / 20 && tally.spans > tally.searched / 5 && tally.split > many / 50);
});

// The card and the act give the server's verdict, on every day that the card speaks of, and none on others.
test("case cards judge as the server does", (t) => {
  const [head, ...cards] = readFileSync(doors, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
  const [hash, org, dated] = head.statement.split("\n");
  const texts = new Map(head.parts.map((p) => [p.Name, p.Text]));
  const zones = Zones.read(texts.get("zones"));
  texts.delete("zones");
  const bundle = new Bundle(hash, Number(org.slice(4)), dated.slice(6), new Policy(texts.values()), zones);
  const tally = { yes: 0, no: 0, cant_say: 0, until: 0, again: 0 };
  for (const { card, acts } of cards) {
    for (const { all, day, ...act } of acts) {
      const ask = (at) => judge(bundle, card, { ...act, at, agents: 1, clock: "sure", synced: true,
        seen: { org: bundle.org, dated: bundle.dated } });
      const got = ask(act.at);
      const where = `${JSON.stringify({ card, act, all, got })}`;
      tally[got.answer]++;
      if (day > card.door.to) {
        assert.deepEqual([got.answer, got.why], ["cant_say", "card"], where);
        continue;
      }
      const hits = (all ?? []).map((h) => [h.reason, h.rule]);
      assert.deepEqual(got.answer === "yes" ? [] : got.all, hits, where);
      // The answer changes when it says that it will.
      const edge = got.answer === "yes" ? got.until : got.again_at;
      if (edge === null) continue;
      const [before, then] = [-1, 0].map((s) => ask(instantText(parseWhen(edge).sec + s)));
      if (got.answer === "yes") {
        tally.until++;
        assert.deepEqual([before.answer, then.answer === "yes"], ["yes", false], where);
      } else {
        tally.again++;
        assert.deepEqual([before.answer === "yes", then.answer], [false, "yes"], where);
      }
    }
  }
  t.diagnostic(JSON.stringify(tally));
  assert.ok(Math.min(...Object.values(tally)) > 300);
});

function vectors(t, path, least) {
  const all = readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.ok(all.length >= least);
  for (const v of all) {
    const got = decide(engine, v, 60);
    const want = v.expect;
    const says = `${v.id}: ${v.title}: ${JSON.stringify(got.hits)}`;
    assert.equal(got.hits.length === 0 ? "allow" : "deny", want.decision, says);
    if (want.reason) assert.equal(got.hits[0][0], want.reason, says);
    if (want.rule) assert.ok(got.hits.some((h) => h[1] === want.rule), says);
    if (want.all) assert.deepEqual(got.hits, want.all, says);
    if (want.advisory) assert.deepEqual(got.advisory, want.advisory, says);
    if (want.presumptive) assert.deepEqual(got.presumptive, want.presumptive, says);
    if (want.next !== undefined) assert.equal(got.span ? instantText(got.span[0]) : null, want.next, says);
  }
  t.diagnostic(`${all.length} vectors`);
}

test("the vectors of server/conduct", (t) => vectors(t, join(root, "server/conduct/testdata/vectors.jsonl"), 140));

const shared = join(root, "../shared/data/conduct/vectors.jsonl");
test("the shared vectors", {
  skip: !existsSync(shared) &&
    "THE SHARED VECTORS WERE NOT JUDGED: shared/data/conduct does not lie beside the checkout",
}, (t) => vectors(t, shared, 130));
