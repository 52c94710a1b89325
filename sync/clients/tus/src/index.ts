export { type Answer, answered, type Verdict } from "./answer.js";
export { type NewAttachment, Outbox, type Reference, type Settings } from "./outbox.js";
export { indexedDBStore, type Input, type Kept, type Store } from "./store.js";
