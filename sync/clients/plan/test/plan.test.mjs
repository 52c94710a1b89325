// This package answers as server/repayment does: the vectors, and random questions that the Go package writes with its
// answers. QUESTIONS is how many of those (100,000 unless it is set).

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { answer, Course, MalformedQuestion, preview } from "../dist/index.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const many = Number(process.env.QUESTIONS ?? 100_000);
const dir = mkdtempSync(join(tmpdir(), "doorstep-plans-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

/** asked answers a question as Go's AppendAnswer does, but for the words of a problem. */
function asked(question) {
  try {
    return answer(question);
  } catch (e) {
    if (e instanceof MalformedQuestion) return { problem: e.at };
    throw e;
  }
}

const wanted = (text) => {
  const want = JSON.parse(text);
  return want.problem ? { problem: want.problem.at } : want;
};

test("random questions have the same answers in Go", async (t) => {
  const file = join(dir, "questions.ndjson");
  execFileSync("go", ["test", "./server/repayment", "-count=1", "-timeout=20m", "-run=^TestWriteQuestions$",
    `-questions=${file}`, `-questions-many=${many}`], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const tally = { all: 0, result: 0, problem: 0 };
  const [reasons, states] = [new Set(), new Set()];
  let question;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (question === undefined) {
      question = line;
      continue;
    }
    const got = asked(JSON.parse(question));
    // Comparing texts is faster; a problem has words that differ.
    if (JSON.stringify(got) !== line) assert.deepEqual(got, wanted(line), question);
    tally.all++;
    tally.result += got.result !== undefined;
    tally.problem += got.problem !== undefined;
    if (got.refused) reasons.add(got.refused.reason);
    for (const check of got.checks ?? []) states.add(check.state);
    question = undefined;
  }
  t.diagnostic(JSON.stringify({ ...tally, reasons: reasons.size, states: [...states] }));
  // Questions that all get the same answer would prove little.
  assert.equal(tally.all, many);
  assert.ok(tally.result > many / 4 && tally.problem > many / 200);
  assert.equal(states.size, 4);
  if (many >= 10_000) assert.equal(reasons.size, 24);
});

test("the vectors of server/repayment", (t) => {
  const lines = readFileSync(join(root, "server/repayment/testdata/vectors.jsonl"), "utf8").trimEnd().split("\n");
  for (const line of lines) {
    const { title, question, answer: want } = JSON.parse(line);
    assert.deepEqual(asked(question), want.problem ? { problem: want.problem.at } : want, title);
  }
  t.diagnostic(`${lines.length} vectors`);
  assert.ok(lines.length > 60);
});

test("a number that is too long for JSON.parse is out of range", () => {
  const request = JSON.parse(`{"kind":"ptp_single","today":"2026-11-29","currency":"EUR","start_on":"2026-12-01",
    "balance_minor":1${"0".repeat(400)}}`);
  assert.deepEqual(preview(request), { refused: { reason: "amount_out_of_range", at: "balance_minor" } });
});

test("what is no request is refused, and a date of a check must be one", () => {
  for (const request of [undefined, null, 5, "x", []]) {
    assert.deepEqual(preview(request), { refused: { reason: "bad_request", at: "" } });
  }
  const { result } = preview({ kind: "ptp_single", today: "2026-11-29", currency: "EUR", balance_minor: 100,
    start_on: "2026-12-01", count: undefined });
  const course = new Course(result, "2026-11-29", {}, [{ ref: "p", on: "2026-12-01", amount_minor: 100 }]);
  assert.equal(course.at("2026-12-01").state, "kept");
  assert.throws(() => course.at("2026-12-1"), RangeError);
});

test("no clock, zone or locale is asked", () => {
  const folder = new URL("../src/", import.meta.url);
  for (const name of readdirSync(folder)) {
    const text = readFileSync(new URL(name, folder), "utf8");
    assert.doesNotMatch(text, /\bDate\b|\bIntl\b|toLocale|Math\.random|performance|process\b/, name);
  }
});
