import { type Body, packed, plain } from "./body.js";
import { type Manifest, type Mutation, type Problem, type PullAnswer, type PushAnswer } from "./types.js";

/** Options of a Wire. */
export interface Options {
  /** Where the server answers: https://doorstep.example */
  server: string;
  /** Minted when the app is installed, kept out of backups, minted anew after a restore. It is the token's own. */
  device: string;
  /** The schema version of the app. */
  schema: number;
  /** Gives the access token. `refused` is one that the server has just refused: refresh then. */
  token: (refused?: string) => string | Promise<string>;
  fetch?: typeof fetch;
  now?: () => number;
  /** From 0 to 1: spreads the calls of many phones over time after a failure. */
  random?: () => number;
  /** After how many milliseconds a request without an answer is given up; 60,000 when absent. */
  timeout?: number;
}

/** WireError is a request that failed as a whole. What became of one mutation is in a Result. */
export class WireError extends Error {
  constructor(
    /** The HTTP status; 0 if no answer came, so that nothing is known of what the request did. */
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly problem: Partial<Problem> = {},
    /** Milliseconds that the server asks to wait. */
    readonly retryAfter = 0,
  ) {
    super(`${code}: ${detail}`);
    this.name = "WireError";
  }

  /** The cursor is worthless: begin again from 0 (P7). */
  get reset(): boolean {
    return this.status === 410;
  }

  /** The device was blocked and must erase what it holds. */
  get wipe(): boolean {
    return this.problem.wipe === true;
  }

  /** This version of the app is too old. */
  get tooOld(): boolean {
    return this.status === 409 && this.code === "schema_unsupported";
  }
}

/**
 * backoff is how many milliseconds to wait after so many failures in a row, the first being 1: doubling from half a
 * second to a minute, of which a random half, and never less than the server asked for.
 */
export function backoff(failures: number, retryAfter: number, random: number): number {
  const most = Math.min(60_000, 500 * 2 ** Math.max(0, failures - 1));
  return Math.max(retryAfter, Math.round((most / 2) * (1 + random)));
}

export interface PullQuery {
  epoch?: string | undefined;
  after: number;
  limit?: number;
  types?: readonly string[];
  wait?: number;
}

/**
 * Wire makes the requests of sync/v1. After a request that failed, the next one waits (backoff): all requests of a
 * phone share this, so that ten collections do not call ten times. Methods reject with WireError.
 */
export class Wire {
  private failures = 0;
  private notBefore = 0; // of performance.now(): the clock of the phone may be set back
  private readonly woken = new Set<() => void>();
  private refreshing: Promise<string> | undefined;
  private unpacked = false; // something on the way takes no gzip

  constructor(readonly options: Options) {}

  now(): number {
    return (this.options.now ?? Date.now)();
  }

  /** wake ends the wait after failures: call it when the network is back. */
  wake(): void {
    this.failures = this.notBefore = 0;
    for (const wake of this.woken) wake();
  }

  pull(q: PullQuery, signal?: AbortSignal): Promise<PullAnswer> {
    const query = Object.entries({ ...q, types: q.types?.join(",") })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encodeURIComponent(value!)}`);
    return this.json<PullAnswer>(`/sync/v1/pull?${query.join("&")}`, undefined, signal);
  }

  /**
   * push sends what fits into one push (pushesOf cuts). The results are in the order of the mutations. `epoch` is the
   * one in which the phone has offered all that it keeps, "" for a phone that keeps nothing. In another one the server
   * decides nothing and answers 410 (WireError.reset): what was acknowledged before goes first (P8).
   */
  async push(mutations: Mutation[], epoch = "", signal?: AbortSignal): Promise<PushAnswer> {
    const { device, schema } = this.options;
    const body = { device, schema, ...(epoch === "" ? {} : { epoch }), mutations };
    const answer = await this.json<PushAnswer>("/sync/v1/push", body, signal);
    const fits = answer.results.length === mutations.length && answer.results.every((r, i) =>
      r.index === i || r.mid.toLowerCase() === mutations[i]!.mid.toLowerCase());
    // To take one mutation's answer for another's would lose work.
    if (!fits) throw new WireError(0, "results", "the results do not belong to the mutations");
    return answer;
  }

  manifest(type: string, signal?: AbortSignal): Promise<Manifest> {
    return this.json<Manifest>(`/sync/v1/manifest?type=${encodeURIComponent(type)}`, undefined, signal);
  }

  /** held are the ids that the device should hold of a type; undefined where the server does not know the type. */
  async held(type: string, signal?: AbortSignal): Promise<Set<string> | undefined> {
    try {
      return new Set((await this.manifest(type, signal)).records.map(([id]) => id as string));
    } catch (e) {
      if (!(e instanceof WireError && e.status === 400)) throw e;
      this.wake();
      return undefined;
    }
  }

  /**
   * listen calls back whenever there may be something to pull, until the signal ends it. It reads the stream by fetch,
   * because EventSource cannot send headers. Where fetch gives no body to read (React Native), it calls back every
   * `every` milliseconds instead.
   */
  async listen(poke: () => void, signal: AbortSignal, every = 30_000): Promise<void> {
    while (!signal.aborted) {
      try {
        const answer = await this.request("/sync/v1/stream", undefined, signal);
        if (answer.body) {
          await this.read(answer.body.getReader(), poke);
          await this.pause(backoff(1, 0, 1), signal); // a stream that ends at once must not make this a hot loop
        } else {
          poke();
          await this.pause(every, signal);
        }
      } catch (e) {
        if (signal.aborted || (e instanceof WireError && (e.wipe || e.tooOld))) return;
      }
    }
  }

  /** read ends when the stream does, and when it has been silent for longer than the server's comments let it be. */
  private async read(from: ReadableStreamDefaultReader<Uint8Array>, poke: () => void) {
    const text = new TextDecoder();
    let line = "";
    const stop = () => void from.cancel().catch(() => {});
    let alarm = setTimeout(stop, 50_000);
    try {
      for (;;) {
        const { done, value } = await from.read();
        if (done) return;
        clearTimeout(alarm);
        alarm = setTimeout(stop, 50_000);
        line += text.decode(value, { stream: true });
        const lines = line.split("\n");
        line = lines.pop() ?? "";
        if (lines.some((l) => l.trimEnd() === "event: poke")) poke();
      }
    } finally {
      clearTimeout(alarm);
    }
  }

  /** json gives up after the timeout, which holds for the body too: a connection that stalls would wait for ever. */
  private async json<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const ended = new AbortController();
    const end = () => ended.abort();
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end, { once: true });
    let alarm: ReturnType<typeof setTimeout> | undefined;
    const start = () => (alarm = setTimeout(end, this.options.timeout ?? 60_000));
    try {
      const answer = await this.request(path, body, ended.signal, start);
      return await answer.json().catch(() => {
        throw this.failed(new WireError(0, "cut", "the answer was cut off"));
      });
    } finally {
      clearTimeout(alarm);
      signal?.removeEventListener("abort", end);
    }
  }

  /** request answers with a status of 200. It waits first, if requests failed, and then calls start. */
  private async request(path: string, body: unknown, signal: AbortSignal, start = () => {}) {
    await this.pause(this.notBefore - performance.now(), signal);
    start();
    let token = await this.token();
    const text = body === undefined ? undefined : JSON.stringify(body);
    let sent = text === undefined || this.unpacked ? plain(text) : await packed(text);
    for (let again = false; ; ) {
      const answer = await this.send(path, sent, token, signal);
      if (answer.ok) {
        this.failures = this.notBefore = 0;
        return answer;
      }
      const problem = (await answer.json().catch(() => ({}))) as Partial<Problem>;
      if (answer.status === 401 && !again) {
        again = true;
        token = await this.token(token);
        continue;
      }
      if (answer.status === 415 && sent.encoding !== undefined) {
        this.unpacked = true;
        sent = plain(text);
        continue;
      }
      const wait = Number(answer.headers.get("Retry-After") ?? 0) * 1000 || 0;
      const code = problem.code ?? `http_${answer.status}`;
      throw this.failed(new WireError(answer.status, code, problem.detail ?? "", problem, wait));
    }
  }

  /**
   * token gives an access token for requests that Wire does not make. `refused` is one that the server has just
   * refused. It asks once for a new one, however many requests were refused: a refresh token is used once.
   */
  token(refused?: string): Promise<string> {
    if (refused === undefined) return this.ask();
    this.refreshing ??= this.ask(refused).finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async ask(refused?: string): Promise<string> {
    try {
      return await this.options.token(refused);
    } catch (e) {
      throw this.failed(e instanceof WireError ? e : new WireError(0, "token", "there is no access token: sign in"));
    }
  }

  private async send(path: string, body: Body, token: string, signal: AbortSignal): Promise<Response> {
    const { server, device, schema } = this.options;
    const headers: Record<string, string> = {
      Authorization: `Bearer ${token}`,
      "X-Device-Id": device,
      "X-Schema-Version": String(schema),
      "X-Client-Time": new Date(this.now()).toISOString(),
    };
    const init: RequestInit = { headers, signal };
    if (body.bytes !== undefined) {
      headers["Content-Type"] = "application/json";
      if (body.encoding !== undefined) headers["Content-Encoding"] = body.encoding;
      init.method = "POST";
      init.body = body.bytes;
    }
    try {
      return await (this.options.fetch ?? fetch)(server + path, init);
    } catch {
      throw this.failed(new WireError(0, "network", "no answer came"));
    }
  }

  /** failed notes a failure that time may mend. 410 and a wipe ask for something else. */
  private failed(e: WireError): WireError {
    if (!e.reset && !e.wipe) {
      this.failures++;
      const wait = backoff(this.failures, e.retryAfter, (this.options.random ?? Math.random)());
      this.notBefore = Math.max(this.notBefore, performance.now() + wait);
    }
    return e;
  }

  /** pause waits so many milliseconds, or until wake or the signal ends it. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (!(ms > 0) || signal?.aborted) return Promise.resolve();
    return new Promise((done) => {
      const end = () => {
        clearTimeout(alarm);
        this.woken.delete(end);
        signal?.removeEventListener("abort", end);
        done();
      };
      const alarm = setTimeout(end, ms);
      this.woken.add(end);
      signal?.addEventListener("abort", end, { once: true });
    });
  }
}
