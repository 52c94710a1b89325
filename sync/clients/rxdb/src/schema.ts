import { type Fields, kindOf, newMid, type Type, typeNames } from "@doorstep/wire";
import { type RxCollection, type RxCollectionCreator, type RxJsonSchema, type WithDeleted } from "rxdb";

/**
 * Stored is a record in RxDB: its members, and three of the adapter. `rev` is the server's revision that the phone has
 * seen (RxDB's own _rev is another thing), `mut` the id of the last local write, "" for a record as it was pulled.
 */
export type Stored = { id: string; rev: number; mut: string } & Fields;

/** Tables are the collections of some types, for addCollections. */
export function collections(types: readonly Type[] = typeNames): Record<string, RxCollectionCreator<Stored>> {
  return Object.fromEntries(types.map((type) => [type, { schema: schemaOf(type) }]));
}

/**
 * schemaOf is the schema of one type. An app that wants an index, encryption or fewer members makes its own of it:
 * members that the schema does not have are not stored. With its own versions and migrations it keeps id, rev and mut.
 */
export function schemaOf(type: Type): RxJsonSchema<Stored> {
  const members: Record<string, object> = {};
  for (const [name, json] of Object.entries(kindOf(type)!.members)) {
    members[name] = { type: [json.replace("?", ""), "null"] };
  }
  return {
    title: type,
    version: 0,
    primaryKey: "id",
    type: "object",
    properties: {
      ...members,
      id: { type: "string", maxLength: 200 },
      rev: { type: "integer" },
      mut: { type: "string" },
    },
    required: ["id", "rev", "mut"],
  } as RxJsonSchema<Stored>;
}

/**
 * stamp gives each local write its id at the time of the write. It is stored in one write with what the agent did, so
 * that neither can be lost without the other. It also makes a record that was changed and changed back differ from
 * the one before: RxDB compares records, and would take A, B, A for no change while the server may have B.
 */
export function stamp(collection: RxCollection<Stored>, now: () => number): void {
  const write = (doc: Stored) => {
    doc.mut = newMid(now());
  };
  collection.preInsert((doc: Stored) => {
    doc.rev ??= 0;
    write(doc);
  }, false);
  collection.preSave(write, false);
  collection.preRemove(write, false);
}

/** stored is a record of the server's as it stands in the collection. */
export function stored(collection: RxCollection<Stored>, id: string, rev: number, doc: Fields): WithDeleted<Stored> {
  const out: WithDeleted<Stored> = { id, rev, mut: "", _deleted: false };
  for (const name of Object.keys(collection.schema.jsonSchema.properties)) {
    if (name in out || name.startsWith("_") || doc[name] === undefined) continue;
    out[name] = doc[name];
  }
  return out;
}

/**
 * tombstone is what stays of a record that is gone: nothing of a person. It must fit the schema, so members that the
 * schema requires are there, with the least that it takes. RxDB adds its own members to `required` (_rev, _meta,
 * _attachments): to send them back would make it push the record again and again.
 */
export function tombstone(collection: RxCollection<Stored>, id: string, rev: number): WithDeleted<Stored> {
  const out: WithDeleted<Stored> = { id, rev, mut: "", _deleted: true };
  for (const [name, value] of Object.entries(least(collection.schema.jsonSchema as Part) as Fields)) {
    if (!(name in out) && !name.startsWith("_")) out[name] = value;
  }
  return out;
}

/** Part is what a tombstone must know of a part of a schema. */
interface Part {
  type?: string | string[];
  properties?: Record<string, Part>;
  required?: readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  minLength?: number;
  minItems?: number;
  items?: Part;
}

/** least is the least value that a part of a schema takes: what the app's own schema demands, and no more. */
function least(part: Part): unknown {
  const { enum: among, const: only, minimum = 0, minLength = 0, minItems = 0, properties = {}, required = [] } = part;
  const given = among?.[0] ?? only ?? part.default;
  if (given !== undefined) return given;
  switch ([part.type ?? "string"].flat()[0]) {
    case "integer":
    case "number":
      return Math.max(0, minimum);
    case "boolean":
      return false;
    case "array":
      return Array.from({ length: minItems }, () => least(part.items ?? {}));
    case "object":
      return Object.fromEntries(required.map((name) => [name, least(properties[name] ?? {})]));
  }
  return "-".repeat(minLength);
}
