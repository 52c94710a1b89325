// Runs the tests against one server: builds it, starts a demo, and stops it at the end.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { demo } from "./server.js";

const here = new URL("./", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter((name) => name.endsWith(".test.js") && (wanted.length === 0 || wanted.some((w) => name.startsWith(w))));
const server = await demo();
const only = process.env["ONLY"] ? [`--test-name-pattern=${process.env["ONLY"]}`] : [];
const flags = ["--test", "--test-force-exit", "--test-timeout=120000", "--test-reporter=spec", ...only];
const run = spawnSync(process.execPath, [...flags, ...files.map((name) => here + name)], {
  stdio: "inherit",
  env: { ...process.env, DOORSTEP_URL: server.url, DOORSTEP_BINARY: server.program },
});
await server.stop();
process.exitCode = run.status ?? 1;
