export { type Answer } from "./queue.js";
export { Log, logName, logTable, tableOf } from "./schema.js";
export { refused, type Settings, sync, unsent, watch } from "./sync.js";
