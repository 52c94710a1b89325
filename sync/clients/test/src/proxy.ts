import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";

/** Exchange is one request and its answer, as the proxy saw them. */
export interface Exchange {
  method: string;
  path: string;
  body: string;
  headers: IncomingMessage["headers"];
  status: number;
  answer: string;
}

/**
 * Rule decides what becomes of a request: undefined lets it pass. `lose` carries it out and gives no answer. `refuse`
 * does not carry it out. `cut` breaks the answer off in its middle. `send` breaks the request off after so many bytes
 * of its body, once the server has them. `garble` changes a byte of the request. `delay` holds the answer back.
 * `answer` answers in the server's place, and `rewrite` changes what it answered. A promise holds the request back
 * until it is decided.
 */
export type Fault =
  | "lose" | "refuse" | "cut" | "garble" | { send: number } | { delay: number }
  | { answer: object; status?: number; headers?: Record<string, string> } | { rewrite: (answer: string) => string };
export type Rule = (x: { method: string; path: string; body: string }) =>
  Fault | undefined | Promise<Fault | undefined>;

/** answered answers every push in the server's place, each mutation with one status. */
export function answered(status: string): Rule {
  return (x) => {
    if (x.path !== "/sync/v1/push") return undefined;
    const { mutations } = JSON.parse(x.body) as { mutations: { mid: string; type: string; id: string }[] };
    const results = mutations.map(({ mid, type, id }) => ({ mid, type, id, status }));
    return { answer: { epoch: "e", server_time: "", results } };
  };
}

/** Proxy stands between a phone and the server. */
export class Proxy {
  readonly seen: Exchange[] = [];
  rule: Rule = () => undefined;
  /** alter changes the path of a request. */
  alter: (path: string) => string = (path) => path;
  /** alterBody changes the body of a request. */
  alterBody: (body: string) => string = (body) => body;
  /** credentials is a token that goes in place of the request's; undefined for none. */
  credentials: () => string | undefined = () => undefined;
  /** original is the path of the request that is judged, as the phone sent it. */
  original = "";
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly to: string) {
    this.server = createServer((req, res) => void this.carry(req, res));
    this.server.on("connection", (s) => {
      this.sockets.add(s);
      s.on("close", () => this.sockets.delete(s));
    });
  }

  static async to(url: string): Promise<Proxy> {
    const p = new Proxy(url);
    await new Promise<void>((done) => p.server.listen(0, "127.0.0.1", done));
    return p;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** pushes lists the mutations of each push that was carried out or answered here. */
  pushes(): { mid: string; type: string; id: string; op: string; base: number; fields?: Record<string, unknown> }[][] {
    return this.seen.filter((x) => x.path === "/sync/v1/push").map((x) => JSON.parse(x.body).mutations);
  }

  /** drop cuts all connections that are open. */
  drop(): void {
    for (const s of this.sockets) s.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async carry(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let sent = await read(req);
    const original = textOf(sent, req);
    const body = this.alterBody(original);
    const altered = body !== original;
    if (altered) sent = Buffer.from(body);
    const method = req.method ?? "";
    const path = this.alter(req.url ?? "");
    this.original = req.url ?? "";
    const fault = await this.rule({ method, path, body: original });
    const note = (status: number, answer: string) =>
      this.seen.push({ method, path, body, headers: req.headers, status, answer });
    if (fault === "refuse") return void req.socket.destroy();
    if (typeof fault === "object" && "answer" in fault) {
      const text = JSON.stringify(fault.answer);
      note(fault.status ?? 200, text);
      res.writeHead(fault.status ?? 200, { "Content-Type": "application/json", ...fault.headers });
      return void res.end(text);
    }
    const token = this.credentials();
    const headers = { ...req.headers, "accept-encoding": "identity",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    if (altered) {
      delete headers["content-encoding"];
      headers["content-length"] = String(sent.length);
    }
    const out = request(this.to + path, { method, headers });
    out.on("error", () => res.destroy());
    out.on("response", async (got) => {
      if (got.headers["content-type"]?.startsWith("text/event-stream")) {
        res.writeHead(got.statusCode ?? 502, got.headers);
        res.on("close", () => out.destroy());
        got.on("error", () => {});
        return void got.pipe(res);
      }
      let text = textOf(await read(got), got);
      note(got.statusCode ?? 0, text);
      if (fault === "lose") return void req.socket.destroy();
      if (typeof fault === "object" && "delay" in fault) await new Promise((done) => setTimeout(done, fault.delay));
      if (typeof fault === "object" && "rewrite" in fault) text = fault.rewrite(text);
      const bytes = Buffer.from(text);
      if (method === "HEAD" || got.statusCode === 204) {
        res.writeHead(got.statusCode ?? 502, got.headers);
        return void res.end();
      }
      const { "transfer-encoding": _, "content-encoding": __, ...headers } = got.headers;
      res.writeHead(got.statusCode ?? 502, { ...headers, "content-length": bytes.length });
      if (fault === "cut") {
        res.write(bytes.subarray(0, bytes.length / 2));
        return void setImmediate(() => req.socket.destroy());
      }
      res.end(bytes);
    });
    if (fault === "garble" && sent.length > 0) sent[sent.length - 1]! ^= 1;
    if (typeof fault === "object" && "send" in fault) {
      out.flushHeaders();
      out.write(sent.subarray(0, fault.send), () => {
        // An end without a reset, so that the server reads all that was written before it.
        out.socket?.end();
        req.socket.destroy();
      });
      return;
    }
    out.end(sent);
  }
}

async function read(from: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for await (const part of from) parts.push(part as Buffer);
  } catch {
    return Buffer.of(); // the other side is gone
  }
  return Buffer.concat(parts);
}

function textOf(bytes: Buffer, from: IncomingMessage): string {
  return (from.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
}
