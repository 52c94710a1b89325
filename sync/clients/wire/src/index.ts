export { midTime, newMid, uuid } from "./mid.js";
export * from "./queue.js";
export * from "./types.js";
export { backoff, type Options, type PullQuery, Wire, WireError } from "./wire.js";
export { kinds } from "./made/kinds.js";
