import { type Options, Wire } from "@doorstep/wire";

const password = "played-password-of-the-day";

/** url is where the demo answers; run.ts sets it. */
export const url = process.env["DOORSTEP_URL"] ?? "";

async function call(method: string, path: string, token: string, body?: unknown, type = "application/json") {
  const headers: Record<string, string> = { "Content-Type": type };
  if (token !== "") headers["Authorization"] = `Bearer ${token}`;
  const text = typeof body === "string" ? body : JSON.stringify(body ?? {});
  const answer = await fetch(url + path, { method, headers, ...(method === "GET" ? {} : { body: text }) });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${said}`);
  return said === "" ? undefined : JSON.parse(said);
}

/** Person is a user who has signed in. */
export class Person {
  private constructor(readonly token: string) {}

  static async signIn(login: string, device?: string, secret = password): Promise<Person> {
    const body = { login, password: secret, ...(device ? { device: { id: device, platform: "other" } } : {}) };
    return new Person((await call("POST", "/v1/sessions", "", body)).access_token);
  }

  get(path: string): Promise<any> {
    return call("GET", path, this.token);
  }

  post(path: string, body?: unknown, type?: string): Promise<any> {
    return call("POST", path, this.token, body, type);
  }

  put(path: string, body: unknown): Promise<any> {
    return call("PUT", path, this.token, body);
  }

  delete(path: string): Promise<any> {
    return call("DELETE", path, this.token);
  }
}

let signedIn: Promise<Person> | undefined;

/** supervisor is the demo's, signed in once. */
export function supervisor(): Promise<Person> {
  signedIn ??= Person.signIn("supervisor");
  return signedIn;
}

let count = 0;

/** phone signs an agent in on a new device, and gives the options of its adapter. */
export async function phone(agent: string, server = url, device = `t${process.pid}-${count++}`): Promise<Options> {
  const who = await Person.signIn(agent, device);
  return { server, device, schema: 3, token: () => who.token, random: () => 0 };
}

/** plain is a phone without a database. */
export async function plain(agent: string): Promise<Wire> {
  return new Wire(await phone(agent));
}

/** until polls a condition for a minute, or as long as UNTIL says in milliseconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + Number(process.env["UNTIL"] ?? 60_000);
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`that did not come about: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
