// What the tests need of the engine below judge: an answer to a question in the shapes of the vectors.

import { fileURLToPath } from "node:url";
import { Matter } from "../dist/matter.js";
import { Policy } from "../dist/policy.js";
import { allowedFrom } from "../dist/search.js";
import { Zones } from "../dist/time.js";
import { tryAt } from "../dist/trial.js";

export const root = fileURLToPath(new URL("../../../../", import.meta.url));

export const whole = (texts, zones) => ({ policy: new Policy(texts), zones: Zones.read(zones) });

/** decide judges a question, and looks for the first span of so many days in which the act is allowed. */
export function decide({ policy, zones }, q, days) {
  const m = new Matter(policy, policy.chain(q.profiles), zones, q);
  const out = tryAt(m, m.at);
  if (days > 0 && m.zones.length > 0) {
    out.span = allowedFrom(m, m.at, m.at + days * 86400 + 1, () => true);
  }
  return out;
}
