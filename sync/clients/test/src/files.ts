import { indexedDBStore, type Kept, type NewAttachment, Outbox, type Settings, type Store } from "@doorstep/tus";
import { newMid, type Wire } from "@doorstep/wire";
import { IDBFactory } from "fake-indexeddb";
import { createHash } from "node:crypto";

/** store keeps attachments in a database of the browser's kind, whose files tus-js-client reads in Node. */
export function store(factory: IDBFactory = new IDBFactory()): Store {
  const kept = indexedDBStore("files", factory);
  return { ...kept, file: async (id) => {
    const blob = (await kept.file(id)) as Blob | undefined;
    return blob === undefined ? undefined : Buffer.from(await blob.arrayBuffer());
  } };
}

/** sound is a recording of so many bytes, no two of which are alike. */
export function sound(bytes: number, seed = 1): Blob {
  const out = Buffer.alloc(bytes);
  for (let i = 0, x = seed; i < bytes; i++) {
    x = (x * 1103515245 + 12345) % 2 ** 31;
    out[i] = x >> 16;
  }
  out.write("OggS");
  return new Blob([out]);
}

export async function sum(of: Blob | ArrayBuffer): Promise<string> {
  const bytes = of instanceof Blob ? await of.arrayBuffer() : of;
  return createHash("sha256").update(Buffer.from(bytes)).digest("hex");
}

/** Phone is an outbox, and what it has told. */
export interface Phone {
  wire: Wire;
  outbox: Outbox;
  kept: Store;
  told: string[];
  /** again is the phone after its app was started again. */
  again(): Phone;
}

export function phoneOf(wire: Wire, kept: Store = store(), more: Partial<Settings> = {}): Phone {
  const told: string[] = [];
  const tell = (word: string) => (k: Kept) => void told.push(`${word} ${k.id}${k.code ? ` ${k.code}` : ""}`);
  const outbox = new Outbox({ wire, store: kept, stored: tell("stored"), refused: tell("refused"),
    wiped: () => told.push("wiped"), ...more });
  return { wire, outbox, kept, told, again: () => phoneOf(wire, kept, more) };
}

/** recorded keeps a file, and pushes a payment that names it. */
export async function recorded(p: Phone, file: Blob, more: Partial<NewAttachment> = {}, kind = "recording") {
  const { push, ...reference } = await unrecorded(p, file, more, kind);
  await push();
  return reference;
}

/** unrecorded keeps a file, and pushes the payment when it is asked to. */
export async function unrecorded(p: Phone, file: Blob, more: Partial<NewAttachment> = {}, kind = "recording") {
  const record = newMid();
  const a = { type: "payments_reported", record, filetype: "audio/ogg", file, ...more };
  const reference = await p.outbox.keep(a);
  const push = async () => {
    const of = (await p.wire.pull({ after: 0, limit: 1, types: ["cases"] })).changes[0]!;
    const at = new Date().toISOString();
    const currency = ("doc" in of ? of.doc as { currency: string } : undefined)!.currency;
    const { results } = await p.wire.push([{ mid: newMid(), type: "payments_reported", id: record, op: "put", base: 0,
      client_ts: at, fields: { case: of.id, at, amount_minor: 100, currency,
        attachments: [{ ...reference, kind }] } }]);
    if (results[0]!.status !== "applied") throw new Error(JSON.stringify(results));
    return of.id;
  };
  return { ...reference, record, push };
}
