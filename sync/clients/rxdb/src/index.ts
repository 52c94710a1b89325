export { type Answer, logName } from "./log.js";
export { replicate, type Replication, type Settings } from "./replicate.js";
export { collections, schemaOf, type Stored } from "./schema.js";
