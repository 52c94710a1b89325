import { type Upload } from "tus-js-client";

/** Input is what tus-js-client reads a file from: a Blob in a browser, { uri } on React Native, a Buffer in Node. */
export type Input = ConstructorParameters<typeof Upload>[0];

/** Kept is an attachment that the server does not have yet. */
export interface Kept {
  /** The attachment's id, which the record names, too. */
  id: string;
  /** The record that names it: visits, v1. */
  type: string;
  record: string;
  /** Of the bytes, in hexadecimal digits. */
  sha256: string;
  bytes: number;
  /** The media type, such as image/jpeg. */
  filetype: string;
  filename?: string;
  /** When it was kept, in milliseconds since 1970. */
  at: number;
  /** refused: the server will not take it. It stays until the app drops it: show it. */
  state: "waits" | "refused";
  /** Why it was refused, or waits: the code of the server's last answer. */
  code?: string;
  detail?: string;
  /** How often the server has found other bytes than the SHA-256 says, though the file is whole. */
  spoiled?: number;
}

/**
 * Store keeps attachments on the phone until the server has them. An app on React Native makes its own, of its
 * library for files; the four functions are all there is to it. What a store has survives the end of the app.
 */
export interface Store {
  all(): Promise<Kept[]>;
  /** put keeps an attachment, with its bytes the first time. If it rejects, nothing was kept. */
  put(kept: Kept, bytes?: Blob): Promise<void>;
  /** file is undefined when the bytes are missing. */
  file(id: string): Promise<Input | undefined>;
  /** remove forgets an attachment and its bytes. */
  remove(id: string): Promise<void>;
}

/** indexedDBStore keeps attachments in a database of the browser. */
export function indexedDBStore(name = "doorstep-files", factory: IDBFactory = indexedDB): Store {
  let opened: Promise<IDBDatabase> | undefined;
  const open = () => (opened ??= new Promise((done, failed) => {
    const asked = factory.open(name, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("kept", { keyPath: "id" });
      asked.result.createObjectStore("files");
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => {
      opened = undefined;
      failed(asked.error);
    };
  }));
  const within = async <T>(mode: IDBTransactionMode, work: (of: (name: string) => IDBObjectStore) => IDBRequest<T>) => {
    const db = await open();
    return new Promise<T>((done, failed) => {
      const t = db.transaction(["kept", "files"], mode);
      const asked = work((of) => t.objectStore(of));
      t.oncomplete = () => done(asked.result);
      t.onerror = t.onabort = () => failed(t.error);
    });
  };
  return {
    all: () => within("readonly", (of) => of("kept").getAll() as IDBRequest<Kept[]>),
    file: (id) => within("readonly", (of) => of("files").get(id) as IDBRequest<Blob | undefined>),
    put: async (kept, bytes) => {
      await within("readwrite", (of) => {
        if (bytes !== undefined) of("files").put(bytes, kept.id);
        return of("kept").put(kept);
      });
    },
    remove: async (id) => {
      await within("readwrite", (of) => {
        of("files").delete(id);
        return of("kept").delete(id);
      });
    },
  };
}
