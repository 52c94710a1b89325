// Writes src/made from openapi.yaml: api.ts, the types of what sync/v1 carries, and kinds.ts, the same for programs:
// which types there are, which members they have, and what a phone may do with them. Nothing of it is kept in git, so
// that it cannot differ from the description.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseYaml } from "@redocly/openapi-core";
import openapiTS, { astToString } from "openapi-typescript";
import { kindsOf } from "./kinds.mjs";

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

const paths = Object.fromEntries(Object.entries(whole.paths).filter(([path]) => path.startsWith("/sync/v1/")));
const part = reachable(paths, {});
const narrow = { openapi: whole.openapi, info: whole.info, paths: {}, components: { schemas: part } };

mkdirSync(new URL("src/made/", here), { recursive: true });
const head = "// Made by generate.mjs from openapi.yaml.\n";
const types = astToString(await openapiTS(narrow, { alphabetize: true }));
writeFileSync(new URL("src/made/api.ts", here), head + types);
writeFileSync(
  new URL("src/made/kinds.ts", here),
  `${head}export const kinds = ${JSON.stringify(kindsOf(whole), null, 2)} as const;\n`,
);
