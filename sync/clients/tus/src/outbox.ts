import { backoff, newMid, type Problem, type Wire } from "@doorstep/wire";
import { type DetailedError, type HttpResponse, Upload } from "tus-js-client";
import { type Answer, answered } from "./answer.js";
import { type Kept, type Store } from "./store.js";

/** Settings of an Outbox. */
export interface Settings {
  wire: Wire;
  store: Store;
  /** Called when the server has an attachment. The phone has forgotten its bytes then. */
  stored?: (kept: Kept) => void;
  /** Called when the server will not take an attachment, with the reason in `code`. It stays until drop: show it. */
  refused?: (kept: Kept) => void;
  /** Called when the server has blocked the device. Nothing is kept then. */
  wiped?: () => void;
  /** Told how many bytes have been sent. */
  progress?: (kept: Kept, sent: number) => void;
  /** False leaves an attachment for later: recordings wait for a network that costs nothing. */
  allowed?: (kept: Kept) => boolean | Promise<boolean>;
  /** Bytes of one request; 4 MiB when absent. */
  chunk?: number;
}

/** NewAttachment is what an app hands to keep. */
export interface NewAttachment {
  /** The record that will name it: its type and its id, which the app mints first. */
  type: string;
  record: string;
  filetype: string;
  filename?: string;
  file: Blob;
  /** Of the file, where the runtime has no crypto.subtle (React Native). */
  sha256?: string;
}

/** Reference is what the record says of an attachment. */
export interface Reference {
  id: string;
  sha256: string;
  bytes: number;
}

const day = 24 * 3600 * 1000;

/**
 * Outbox uploads what an app keeps, one attachment after another, oldest first. Each attempt begins by asking the
 * server how far the upload has come, so nothing but the file and its Kept has to survive the end of the app.
 */
export class Outbox {
  private failures = 0;
  private waits = 0; // attempts in a row in which only records were missing
  private resting: AbortController | undefined;
  private under: Promise<number> | undefined;
  private readonly dropped = new Set<string>();

  constructor(private readonly settings: Settings) {}

  /**
   * keep keeps an attachment, and gives what the record is to say of it. Write the record after it: a file without a
   * record is refused after 30 days, a record without its file would be evidence that never comes.
   */
  async keep(a: NewAttachment): Promise<Reference> {
    const { file, type, record, filetype, filename } = a;
    const sha256 = a.sha256?.toLowerCase() ?? (await hash(await file.arrayBuffer()));
    const reference = { id: newMid(this.settings.wire.now()), sha256, bytes: file.size };
    const kept: Kept = { ...reference, type, record, filetype, at: this.settings.wire.now(), state: "waits" };
    await this.settings.store.put(filename === undefined ? kept : { ...kept, filename }, file);
    this.wake();
    return reference;
  }

  /** list lists what the server does not have: what waits, and what was refused. */
  list(): Promise<Kept[]> {
    return this.settings.store.all();
  }

  /** drop forgets an attachment, here and, if the network works, on the server. What the server has stored stays. */
  async drop(id: string): Promise<void> {
    this.dropped.add(id);
    await this.settings.store.remove(id);
    await this.terminate(id);
  }

  /** clear forgets all. Call it where the app erases its database. */
  async clear(): Promise<void> {
    for (const { id } of await this.list()) {
      this.dropped.add(id);
      await this.settings.store.remove(id);
    }
  }

  /** wake tries again now. Call it when the network is back, and after a push: a record may be there now. */
  wake(): void {
    this.failures = this.waits = 0;
    this.resting?.abort();
  }

  /** run uploads until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { wire } = this.settings;
    while (!signal.aborted) {
      const resting = new AbortController(); // before the attempt, so that a wake meanwhile is not lost
      this.resting = resting;
      const end = () => resting.abort();
      signal.addEventListener("abort", end, { once: true });
      const wait = await this.once(signal).catch(() => backoff(++this.failures, 0, this.random()));
      await wire.pause(Math.min(wait, day), resting.signal);
      signal.removeEventListener("abort", end);
    }
  }

  /**
   * once tries each attachment that waits, and gives the milliseconds after which to try again: Infinity if nothing
   * waits. After a failure of the network the rest is left for the next time.
   */
  once(signal?: AbortSignal): Promise<number> {
    this.under ??= this.all(signal ?? new AbortController().signal).finally(() => (this.under = undefined));
    return this.under;
  }

  private async all(signal: AbortSignal): Promise<number> {
    const { allowed = () => true } = this.settings;
    const kept = (await this.list()).filter((k) => k.state === "waits");
    let later = false;
    for (const k of kept.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))) {
      if (signal.aborted) return 0;
      if (this.dropped.has(k.id)) continue;
      if (!(await allowed(k))) {
        later = true;
        continue;
      }
      const answer = await this.upload(k, signal);
      if (answer === "settled") continue;
      if (answer === "later") {
        later = true;
        continue;
      }
      if (signal.aborted || answer.problem.wipe === true) return Infinity;
      return backoff(++this.failures, answer.retryAfter, this.random());
    }
    this.failures = 0;
    // Most records come within seconds. One that does not come soon may be days away.
    this.waits = later ? this.waits + 1 : 0;
    return later ? Math.min(5_000 * 2 ** (this.waits - 1), 10 * 60_000) : Infinity;
  }

  /** upload makes one attempt, and a second one where only the token was worn. */
  private async upload(k: Kept, signal: AbortSignal): Promise<"settled" | "later" | Answer> {
    const { store, wire, stored, wiped } = this.settings;
    const file = await store.file(k.id);
    if (file === undefined) return this.refuse(k, "file.missing", "the file is not on the phone any more");
    let refused: string | undefined;
    for (let spent = false; ; spent = true) {
      let token: string;
      try {
        token = await wire.token(refused);
      } catch {
        return { status: 401, problem: {}, retryAfter: 0 }; // the user has to sign in; the file waits
      }
      const answer = await this.attempt(k, file, token, signal);
      if (answer === undefined) {
        await store.remove(k.id);
        const { code: _, detail: __, spoiled: ___, ...kept } = k;
        stored?.(kept);
        return "settled";
      }
      const { code = `http_${answer.status}`, detail = "" } = answer.problem;
      switch (answered(answer)) {
        case "token":
          if (spent) return answer;
          refused = token;
          continue;
        case "wipe":
          await this.clear();
          wiped?.();
          return answer;
        case "gone":
          await store.remove(k.id);
          return "settled";
        case "refused":
          return this.refuse(k, code, detail);
        case "later":
          if (wire.now() - k.at > 30 * day) return this.refuse(k, code, detail);
          await this.note({ ...k, code, detail });
          return "later";
        case "spoiled":
          return this.spoiled(k, file, answer);
        case "anew":
          await this.terminate(k.id);
          return answer;
        case "again":
          return answer;
      }
    }
  }

  /** attempt is undefined once the server has all of the file. */
  private attempt(k: Kept, file: NonNullable<Awaited<ReturnType<Store["file"]>>>, token: string, signal: AbortSignal) {
    const { wire, chunk = 4 << 20, progress } = this.settings;
    const url = this.url(k.id);
    return new Promise<Answer | undefined>((done) => {
      let alarm: ReturnType<typeof setTimeout> | undefined;
      const end = (answer: Answer | undefined) => {
        clearTimeout(alarm);
        signal.removeEventListener("abort", stop);
        done(answer);
      };
      const stop = () => {
        void upload.abort().catch(() => {});
        end({ status: 0, problem: {}, retryAfter: 0 });
      };
      // tus-js-client waits for ever for a connection that stalls.
      const alive = () => {
        clearTimeout(alarm);
        alarm = setTimeout(stop, wire.options.timeout ?? 60_000);
      };
      const upload: Upload = new Upload(file, {
        endpoint: this.url(""),
        uploadUrl: url, // asked for first: a new upload is begun where there is none
        uploadSize: k.bytes,
        metadata: { attachment_id: k.id, sha256: k.sha256, record_type: k.type, record_id: k.record,
          filetype: k.filetype, ...(k.filename === undefined ? {} : { filename: k.filename }) },
        headers: { Authorization: `Bearer ${token}`, "X-Device-Id": wire.options.device },
        chunkSize: chunk,
        retryDelays: null, // the outbox decides
        fingerprint: async () => k.id,
        storeFingerprintForResuming: false,
        onBeforeRequest: () => {
          alive();
          if (this.dropped.has(k.id)) stop();
        },
        onAfterResponse: (_, answer) => {
          if (!foreign(answer, k.sha256)) return;
          void upload.abort().catch(() => {});
          const detail = "the id was used for other bytes";
          end({ status: 409, problem: { code: "upload.other", detail }, retryAfter: 0 });
        },
        onProgress: (sent) => {
          alive();
          progress?.(k, sent);
        },
        onChunkComplete: () => {
          this.failures = 0;
        },
        onSuccess: () => end(undefined),
        onError: (e) => end(read(e)),
      });
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) return stop();
      alive();
      upload.start();
    });
  }

  /** spoiled begins again, unless the file on the phone is another one than was kept. */
  private async spoiled(k: Kept, file: unknown, answer: Answer): Promise<"settled" | Answer> {
    const bytes = file instanceof Blob ? await file.arrayBuffer() : file instanceof Uint8Array ? file : undefined;
    if (bytes !== undefined && globalThis.crypto?.subtle !== undefined && (await hash(bytes)) !== k.sha256) {
      return this.refuse(k, "file.changed", "the file on the phone is not the one that was kept");
    }
    const spoiled = (k.spoiled ?? 0) + 1;
    if (spoiled >= 3) return this.refuse(k, "upload.checksum", answer.problem.detail ?? "");
    await this.note({ ...k, spoiled });
    return answer;
  }

  /** note keeps what is known of an attachment, unless it was dropped meanwhile. */
  private async note(k: Kept): Promise<void> {
    if (!this.dropped.has(k.id)) await this.settings.store.put(k);
  }

  private async refuse(k: Kept, code: string, detail: string): Promise<"settled"> {
    const refused: Kept = { ...k, state: "refused", code, detail };
    await this.note(refused);
    if (!this.dropped.has(k.id)) this.settings.refused?.(refused);
    return "settled";
  }

  private async terminate(id: string): Promise<void> {
    const { wire } = this.settings;
    try {
      const headers = { Authorization: `Bearer ${await wire.token()}`, "X-Device-Id": wire.options.device };
      await Upload.terminate(this.url(id), { headers });
    } catch {
      // The server sweeps what no byte comes for.
    }
  }

  private url(id: string): string {
    return `${this.settings.wire.options.server}/files/${encodeURIComponent(id)}`;
  }

  private random(): number {
    return (this.settings.wire.options.random ?? Math.random)();
  }
}

/** read reads the answer of an error of tus-js-client. */
function read(e: Error | DetailedError): Answer {
  const answer = "originalResponse" in e ? e.originalResponse : null;
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(answer?.getBody() ?? "") as Partial<Problem>;
  } catch {
    // An answer without a body, or of something between the phone and the server.
  }
  const retryAfter = Number(answer?.getHeader("Retry-After") ?? 0) * 1000 || 0;
  return { status: answer?.getStatus() ?? 0, problem, retryAfter };
}

/** foreign tells whether an answer speaks of an upload of other bytes. */
function foreign(answer: HttpResponse, sha256: string): boolean {
  const pairs = (answer.getHeader("Upload-Metadata") ?? "").split(",").map((pair) => pair.trim().split(" "));
  const said = pairs.find(([name]) => name === "sha256")?.[1];
  return said !== undefined && typeof atob === "function" && atob(said) !== sha256;
}

async function hash(bytes: ArrayBuffer | Uint8Array): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(sum, (b) => b.toString(16).padStart(2, "0")).join("");
}
