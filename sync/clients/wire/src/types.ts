import type { components } from "./made/api.js";
import { kinds } from "./made/kinds.js";

type Schemas = components["schemas"];

/** Type names what phones pull: cases, assignments, visits, … */
export type Type = keyof typeof kinds;

export type PullAnswer = Schemas["PullAnswer"];
export type PushAnswer = Schemas["PushAnswer"];
export type Manifest = Schemas["Manifest"];
export type Problem = Schemas["Problem"];

/** Change is one record of a page of a pull. */
export type Change = PullAnswer["changes"][number];

/** Result is what became of one mutation. */
export type Result = PushAnswer["results"][number];

/** Doc is a record as a phone sees it. */
export type Doc<T extends Type> = NonNullable<Extract<Change, { type: T }>["doc"]>;

type Described = { [K in keyof Schemas]: K extends `${string}Mutation` ? Schemas[K] : never }[keyof Schemas];

/** Report is what a phone says of a record of a type that it writes. */
export type Report<T extends Type> = NonNullable<Extract<Described, { type: T }>["fields"]>;

/** Fields are the members of a record by name. */
export type Fields = Record<string, unknown>;

/** Mutation is one local write as a push sends it. */
export interface Mutation {
  mid: string;
  type: string;
  id: string;
  op: "put" | "patch" | "delete";
  base: number;
  client_ts: string;
  mono_ms?: number;
  requires?: string[];
  fields?: Fields;
}

/** Kind is what is known of a type; `members` gives the JSON type of each, with a ? if it may be null. */
export interface Kind {
  ops: readonly string[];
  said: readonly string[];
  required: readonly string[];
  members: Readonly<Record<string, string>>;
}

/** kindOf is undefined for a type that this version does not know. */
export function kindOf(type: string): Kind | undefined {
  return Object.hasOwn(kinds, type) ? kinds[type as Type] : undefined;
}

/** typeNames are all types that phones pull. */
export const typeNames = Object.keys(kinds) as Type[];
