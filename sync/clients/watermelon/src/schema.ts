import { type Fields, type Kind, kindOf, merges, type Type } from "@doorstep/wire";
import { Model, tableSchema } from "@nozbe/watermelondb";
import { type TableSchema } from "@nozbe/watermelondb/Schema/index.js";

/** The name of the adapter's own table. */
export const logName = "doorstep_log";

/** Log is its model: one of the modelClasses of the database. */
export class Log extends Model {
  static override table = logName;
}

/** logTable is its schema: one of the tables of the app's schema. */
export const logTable = tableSchema({
  name: logName,
  columns: [
    { name: "state", type: "string", isIndexed: true },
    { name: "record", type: "string", isIndexed: true },
    { name: "sent", type: "string" },
  ],
});

/**
 * tableOf is the table of a type, or of some of its members. `rev` is the server's revision that the phone has seen.
 * All members may be null: a column that was not written must not be sent as an empty text. Members that are lists or
 * objects are texts of JSON. `seen`, of types whose objects are merged member by member, is what was pulled.
 */
export function tableOf(type: Type, members?: readonly string[]): TableSchema {
  const columns = Object.entries(kindOf(type)!.members)
    .filter(([name]) => name !== "id" && (members?.includes(name) ?? true))
    .map(([name, json]) => {
      return { name, type: columnTypes[json.replace("?", "")] ?? ("string" as const), isOptional: true };
    });
  const own = [{ name: "rev", type: "number" as const, isOptional: true }];
  const seen = merges(kindOf(type)!) ? [{ name: "seen", type: "string" as const, isOptional: true }] : [];
  return tableSchema({ name: type, columns: [...own, ...seen, ...columns] });
}

const columnTypes: Record<string, "number" | "boolean"> = { integer: "number", number: "number", boolean: "boolean" };

/** Raw is a row of a table. */
export type Raw = Record<string, unknown> & { id: string; rev?: number | null };

/** rowOf is a record as a row: the columns that the table has. `seen` is what the server has of it. */
export function rowOf(table: TableSchema, kind: Kind, c: { id: string; rev: number }, seen: Fields, doc: Fields): Raw {
  const out: Raw = { id: c.id, rev: c.rev };
  for (const { name } of table.columnArray) {
    if (name === "rev") continue;
    if (name === "seen") {
      out[name] = JSON.stringify(seen);
      continue;
    }
    const value = doc[name] ?? null;
    out[name] = isText(kind, name) && value !== null ? JSON.stringify(value) : value;
  }
  return out;
}

/** fieldsOf are the members of a row. A text that is not JSON goes as it is: the server says what is wrong. */
export function fieldsOf(table: TableSchema, kind: Kind, row: Raw): Fields {
  const out: Fields = {};
  for (const { name } of table.columnArray) {
    if (name === "rev" || name === "seen") continue;
    out[name] = isText(kind, name) ? parsed(row[name]) : row[name];
  }
  return out;
}

function isText(kind: Kind, name: string): boolean {
  return ["array", "object"].includes(kind.members[name]?.replace("?", "") ?? "");
}

function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
