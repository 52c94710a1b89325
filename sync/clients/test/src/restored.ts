import { type Fault, type Proxy } from "./proxy.js";

/** ghost is a case that only the server before the restore has. */
export const ghost = "LND-A.GHOST";

/**
 * Restored makes a phone believe that the server was restored from a backup: it pulled a case that is in no backup,
 * what it pushed after lose() was acknowledged and is lost, and after restore() the epoch has another name.
 */
export class Restored {
  private epoch = "";
  private readonly next = "enew0restored";
  private state: "before" | "losing" | "offline" | "restored" = "before";

  constructor(proxy: Proxy) {
    proxy.alter = (path) => path.replace(`epoch=${this.next}`, `epoch=${this.epoch}`);
    proxy.alterBody = (body) => body.replace(`"epoch":"${this.next}"`, `"epoch":"${this.epoch}"`);
    proxy.rule = (x) => this.judge(x, proxy.original);
  }

  /** lose acknowledges from now on what it does not carry out. */
  lose(): void {
    this.state = "losing";
  }

  /** offline lets no push through. */
  offline(): void {
    this.state = "offline";
  }

  restore(): void {
    this.state = "restored";
  }

  private judge(x: { path: string; body: string }, original: string): Fault | undefined {
    const push = x.path === "/sync/v1/push";
    switch (this.state) {
      case "before":
        if (!x.path.startsWith("/sync/v1/pull")) return undefined;
        return { rewrite: (text) => this.haunt(x.path, text) };
      case "losing":
        return push ? { answer: this.acknowledged(x.body) } : undefined;
      case "offline":
        return push ? "refuse" : undefined;
    }
    if (original.includes(`epoch=${this.epoch}`) || x.body.includes(`"epoch":"${this.epoch}"`)) {
      return { status: 410, answer: { code: "cursor_expired", detail: "", reset: true, epoch: this.next } };
    }
    return { rewrite: (text) => text.replaceAll(`"${this.epoch}"`, `"${this.next}"`) };
  }

  private haunt(path: string, text: string): string {
    const page = JSON.parse(text);
    this.epoch = page.epoch;
    if (!/[?&]after=0\b/.test(path) || !/types=[^&]*cases/.test(path)) return text;
    const doc = { debtor_name: "Nobody" };
    page.changes.push({ seq: page.cursor, type: "cases", id: ghost, rev: 3, op: "put", doc });
    return JSON.stringify(page);
  }

  private acknowledged(body: string): object {
    const results = JSON.parse(body).mutations.map((m: Record<string, unknown>) =>
      ({ mid: m["mid"], type: m["type"], id: m["id"], status: "applied", rev: Number(m["base"]) + 1 }));
    return { epoch: this.epoch, server_time: new Date().toISOString(), results };
  }
}
