// What the types of sync/v1 are, from the parsed openapi.yaml: which members they have, and what a phone may do with
// them. It needs no package, so that apps with a build of their own can ask it, too.

export function kindsOf(whole) {
  const { schemas } = whole.components;
  const named = (ref) => schemas[ref.split("/").pop()];

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

  const changes = schemas.PullAnswer.properties.changes.items.discriminator.mapping;
  const push = whole.paths["/sync/v1/push"].post.requestBody.content["application/json"].schema;
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
  return kinds;
}
