// This engine answers as the Go engine does: the vectors, and random questions that server/conduct writes with its
// answers. QUESTIONS is how many of those (20,000 unless it is set).

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { instantText } from "../dist/time.js";
import { decide, root, whole } from "./engine.mjs";

const many = Number(process.env.QUESTIONS ?? 20000);
const dir = mkdtempSync(join(tmpdir(), "doorstep-questions-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
const file = join(dir, "questions.ndjson");
execFileSync("go", ["test", "./server/conduct", "-count=1", "-timeout=20m", "-run=^TestWriteQuestions$",
  `-questions=${file}`, `-questions-many=${many}`], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
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
  skip: !existsSync(shared) && "THE SHARED VECTORS WERE NOT JUDGED: shared/data/conduct does not lie beside the checkout",
}, (t) => vectors(t, shared, 130));
