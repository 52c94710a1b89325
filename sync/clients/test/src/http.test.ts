import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { newMid } from "@doorstep/wire";
import { repository } from "./server.js";
import { url } from "./people.js";

/** Step is a request of the manual and its answer. */
interface Step {
  request: string;
  status: number;
  answer: string;
}

function steps(manual: string): Step[] {
  const blocks = [...manual.matchAll(/^```(http|json)(?: (\d+))?\n([\s\S]*?)^```$/gm)];
  const out: Step[] = [];
  for (let i = 0; i < blocks.length; i += 2) {
    assert.deepEqual([blocks[i]![1], blocks[i + 1]?.[1]], ["http", "json"], "each request is followed by its answer");
    out.push({ request: blocks[i]![3]!, status: Number(blocks[i + 1]![2] ?? 200), answer: blocks[i + 1]![3]! });
  }
  return out;
}

/** fits compares an answer with what the manual shows of it. {{name}} takes a value, … is any. Lists may have more. */
function fits(shown: unknown, got: unknown, values: Map<string, unknown>, at: string): void {
  const name = typeof shown === "string" ? /^\{\{(\w+)\}\}$/.exec(shown)?.[1] : undefined;
  if (name !== undefined) {
    assert.notEqual(got, undefined, `${at} is missing`);
    if (values.has(name) && name !== "cursor") assert.equal(got, values.get(name), at);
    values.set(name, got);
  } else if (shown === "…") {
    assert.notEqual(got, undefined, `${at} is missing`);
  } else if (Array.isArray(shown)) {
    assert.ok(Array.isArray(got), `${at} is no list`);
    if (shown.length === 0) assert.deepEqual(got, [], at);
    let from = 0;
    for (const [i, item] of shown.entries()) {
      const failed: unknown[] = [];
      for (; from < got.length; from++) {
        const before = new Map(values);
        try {
          fits(item, got[from], values, `${at}[${i}]`);
          break;
        } catch (e) {
          failed.push(e);
          values.clear();
          for (const [k, v] of before) values.set(k, v);
        }
      }
      if (from === got.length) throw failed[0] ?? new Error(`${at}[${i}] is missing`);
      from++;
    }
  } else if (typeof shown === "object" && shown !== null) {
    for (const [k, v] of Object.entries(shown)) fits(v, (got as Record<string, unknown>)?.[k], values, `${at}.${k}`);
  } else {
    assert.deepEqual(got, shown, at);
  }
}

test("the requests of http.md are answered as it shows", async () => {
  const all = steps(readFileSync(`${repository}sync/clients/http.md`, "utf8"));
  assert.ok(all.length >= 10);
  const values = new Map<string, unknown>([
    ["login", "RIB-EAST-team2-agent2"], ["password", "played-password-of-the-day"], ["device", `h${process.pid}`],
    ["now", new Date().toISOString()], ["visit", newMid()], ["note", newMid()],
    ...[1, 2, 3, 4, 5].map((n) => [`mid${n}`, newMid()] as [string, string]),
  ]);
  const filled = (text: string) => text.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    assert.ok(values.has(name), `the manual has no ${name} yet`);
    return String(values.get(name));
  });
  for (const step of all) {
    const [head, body] = filled(step.request).split("\n\n");
    const [first, ...lines] = head!.trim().split("\n");
    const [method, path] = first!.split(" ");
    const headers: Record<string, string> = Object.fromEntries(lines.map((l) => l.split(": ") as [string, string]));
    if (values.has("token")) {
      Object.assign(headers, { Authorization: `Bearer ${values.get("token")}`, "X-Device-Id": values.get("device"),
        "X-Schema-Version": "3", "X-Client-Time": new Date().toISOString() });
    }
    const init = { method: method!, headers, ...(body === undefined ? {} : { body }) };
    const answer = await fetch(url + path, init);
    const text = await answer.text();
    assert.equal(answer.status, step.status, `${first}: ${text}`);
    // A changed rev or epoch is the manual's business: what it takes from an answer holds for the next request.
    fits(JSON.parse(step.answer), JSON.parse(text), values, first!);
  }
});
