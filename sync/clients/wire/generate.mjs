// Writes src/made from openapi.yaml: api.ts, the types of what sync/v1 carries, and kinds.ts, the same for programs:
// which types there are, which members they have, and what a phone may do with them. Nothing of it is kept in git, so
// that it cannot differ from the description.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseYaml } from "@redocly/openapi-core";
import openapiTS, { astToString } from "openapi-typescript";

const here = new URL("./", import.meta.url);
const whole = parseYaml(readFileSync(new URL("../../../openapi/openapi.yaml", here), "utf8"));
const schemas = whole.components.schemas;

// reachable adds the schemas that a value refers to, and theirs.
function reachable(value, into) {
  if (value === null || typeof value !== "object") return into;
  const name = typeof value.$ref === "string" ? value.$ref.split("/").pop() : undefined;
  if (name !== undefined && into[name] === undefined) {
    into[name] = schemas[name];
    reachable(schemas[name], into);
  }
  for (const part of Object.values(value)) reachable(part, into);
  return into;
}

const named = (ref) => schemas[ref.split("/").pop()];
const paths = Object.fromEntries(Object.entries(whole.paths).filter(([path]) => path.startsWith("/sync/v1/")));
const part = reachable(paths, {});
const narrow = { openapi: whole.openapi, info: whole.info, paths: {}, components: { schemas: part } };

// typeOf is the JSON type of a member, followed by ? if it may be null.
function typeOf(member) {
  const schema = member.$ref === undefined ? member : named(member.$ref);
  const types = [schema.type ?? "object"].flat();
  const type = types.find((name) => name !== "null");
  return types.includes("null") ? `${type}?` : type;
}

function membersOf(schema) {
  return Object.fromEntries(Object.entries(schema.properties).map(([name, member]) => [name, typeOf(member)]));
}

const changes = part.PullAnswer.properties.changes.items.discriminator.mapping;
const push = paths["/sync/v1/push"].post.requestBody.content["application/json"].schema;
const mutations = push.properties.mutations.items.discriminator.mapping;
const kinds = {};
for (const type of Object.keys(changes).sort()) {
  const seen = named(named(changes[type]).properties.doc.$ref);
  const kind = { ops: [], said: [], required: [], members: membersOf(seen) };
  if (mutations[type] !== undefined) {
    const mutation = named(mutations[type]);
    const report = named(mutation.properties.fields.$ref);
    kind.ops = mutation.properties.op.enum;
    kind.said = Object.keys(report.properties);
    kind.required = report.required ?? [];
    kind.members = { ...membersOf(report), ...kind.members };
  }
  kinds[type] = kind;
}

mkdirSync(new URL("src/made/", here), { recursive: true });
const head = "// Made by generate.mjs from openapi.yaml.\n";
const types = astToString(await openapiTS(narrow, { alphabetize: true }));
writeFileSync(new URL("src/made/api.ts", here), head + types);
writeFileSync(
  new URL("src/made/kinds.ts", here),
  `${head}export const kinds = ${JSON.stringify(kinds, null, 2)} as const;\n`,
);
