import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const repository = new URL("../../../../", import.meta.url).pathname;

/** binary is the program: the one DOORSTEP_BINARY names, or one that is built into a folder. */
export function binary(folder: string): string {
  const given = process.env["DOORSTEP_BINARY"];
  if (given !== undefined && given !== "") return given;
  const path = join(folder, "doorstep");
  const args = ["build", "-trimpath", "-o", path, "./server/cmd/doorstep"];
  execFileSync("go", args, { cwd: repository, stdio: "inherit" });
  return path;
}

/** Demo is a running demo in the morning: the round is published and no visit has been made. */
export interface Demo {
  url: string;
  /** Where its data is, in data. */
  folder: string;
  program: string;
  /** stop ends it and removes its data; halt leaves them, and kill does so without a word to it. */
  stop(): Promise<void>;
  halt(): Promise<void>;
  kill(): Promise<void>;
}

/** serve starts a server on the data of a demo that was halted, at its address; now is where its clock begins. */
export async function serve(d: Demo, now: string): Promise<Demo> {
  const args = ["serve", "--data", join(d.folder, "data"), "--listen", new URL(d.url).host, "--now", now];
  const env = { ...process.env, DOORSTEP_ADMIN_PASSWORD: "demo-administrator" };
  const child = spawn(d.program, args, { stdio: ["ignore", "pipe", "ignore"], env });
  await said(child, /answers at (\S+);/, /answers at/);
  return running(child, d.url, d.folder, d.program);
}

export async function demo(): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), "doorstep-clients-"));
  const program = binary(folder);
  const args = ["demo", "--morning", "--search", "1", "--data", join(folder, "data"), "--listen", "127.0.0.1:0"];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const url = await said(child, /^The server stays up until Ctrl-C: (\S+)/, /^Everything is kept/);
  return running(child, url, folder, program);
}

function running(child: ChildProcess, url: string, folder: string, program: string): Demo {
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const end = (signal: NodeJS.Signals) => async () => {
    child.kill(signal);
    await ended;
  };
  const halt = end("SIGINT");
  return {
    url, folder, program, halt, kill: end("SIGKILL"),
    async stop() {
      await halt();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function said(child: ChildProcess, what: RegExp, last: RegExp): Promise<string> {
  let out = "";
  let all = "";
  for await (const line of createInterface({ input: child.stdout! })) {
    all += `${line}\n`;
    out ||= what.exec(line)?.[1] ?? "";
    if (last.test(line)) {
      child.stdout!.resume();
      return out;
    }
  }
  throw new Error(`the server ended after it had said\n${all}`);
}
