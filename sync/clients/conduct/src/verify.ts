import { Bundle, semantics } from "./judge.js";
import { Policy } from "./policy.js";
import { CantSay, isObject, parseDay, Zones } from "./time.js";

/** PolicyRecord is a record of type policy as it was pulled: the head has the id "conduct", a part its own name. */
export type PolicyRecord = Readonly<Record<string, unknown>>;

/**
 * verify checks the signature of the head and the hash of every part, by WebCrypto, and makes the bundle that judge
 * takes. key is what GET /v1/conduct/key answered: an app fetches it once and keeps it. It throws CantSay.
 */
export async function verify(key: string, records: ReadonlyMap<string, PolicyRecord>): Promise<Bundle> {
  const head = records.get("conduct");
  const signed = head?.["signed"];
  if (typeof signed !== "string") throw new CantSay("unverified", "there is no head");
  const cut = signed.indexOf("\n\n");
  const text = signed.slice(0, cut + 1);
  if (cut < 0 || !(await isSigned(key, text, signed.slice(cut + 2)))) {
    throw new CantSay("unverified", "the signature is not of the deployment's key");
  }
  // What is signed counts, not the members beside it.
  const [title, hash, org, dated, version, formula, ...parts] = text.slice(0, -1).split("\n");
  if (title !== "doorstep conduct policy" || !hash) throw new CantSay("unverified", "another kind of note is signed");
  if (version !== `semantics ${semantics}` || formula !== "policy_hash sha256-packs") {
    throw new CantSay("semantics", `the bundle has ${version}, ${formula}`);
  }
  const number = /^org (\d{1,15})$/.exec(org ?? "");
  const date = /^dated (\d{4}-\d\d-\d\d)$/.exec(dated ?? "");
  if (!number || !date || parseDay(date[1]) === undefined) throw new CantSay("unverified", "org or dated is malformed");
  const texts = new Map<string, string>();
  for (const line of parts) {
    const [sha, name] = [line.slice(0, 64), line.slice(65)];
    const part = records.get(name);
    const body = isObject(part) ? part["text"] : undefined;
    if (typeof body !== "string" || (await sha256(body)) !== sha) {
      throw new CantSay("unverified", `the part ${name} is not the one that is signed`);
    }
    texts.set(name, body);
  }
  const zones = texts.get("zones");
  if (zones === undefined) throw new CantSay("offsets", "the bundle has no zone offsets");
  texts.delete("zones");
  return new Bundle(hash, Number(number[1]), date[1]!, new Policy(texts.values()), Zones.read(zones));
}

async function sha256(text: string): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** isSigned checks a signed note: key is "<name>+<hash>+<base64>", a line "— <name> <base64>" signs the text. */
async function isSigned(key: string, text: string, lines: string): Promise<boolean> {
  const [name, hash, ...rest] = key.split("+");
  const raw = bytes(rest.join("+"));
  if (!name || !hash || !raw || raw.length !== 33 || raw[0] !== 1) return false;
  const line = lines.split("\n").find((l) => l.startsWith(`— ${name} `));
  const sig = line === undefined ? undefined : bytes(line.slice(name.length + 3));
  if (!sig || sig.length !== 68) return false;
  const tag = [...sig.slice(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join("");
  if (tag !== hash) return false;
  const pub = await crypto.subtle.importKey("raw", raw.slice(1), "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", pub, sig.slice(4), new TextEncoder().encode(text));
}

function bytes(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}
