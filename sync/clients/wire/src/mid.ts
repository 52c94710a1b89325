/**
 * newMid mints the id of one local write: a UUIDv7. It is called when the agent writes and never when the phone
 * sends (a second sending would have another effect). It is not a counter (a phone restored from a backup would use
 * numbers again) and not a hash of the content (A, then B, then A again would be one write).
 */
export function newMid(now: number = Date.now()): string {
  // Two writes within a millisecond, or after the clock was set back, still sort in the order they were made.
  last = now > last.at ? { at: now, count: randomBits(0x1ff) } : { at: last.at, count: last.count + 1 };
  if (last.count > 0xfff) last = { at: last.at + 1, count: 0 };
  const b = random(16);
  let at = last.at;
  for (let i = 5; i >= 0; i--) {
    b[i] = at % 256;
    at = Math.floor(at / 256);
  }
  b[6] = 0x70 | (last.count >> 8);
  b[7] = last.count & 0xff;
  b[8] = 0x80 | (b[8]! & 0x3f);
  return dashed(Array.from(b, (x) => x.toString(16).padStart(2, "0")).join(""));
}

/** midTime is when a UUIDv7 was minted, in milliseconds since 1970. */
export function midTime(mid: string): number {
  return Number.parseInt(mid.replaceAll("-", "").slice(0, 12), 16);
}

let last = { at: 0, count: 0 };

/**
 * uuid gives a mid that an app made itself the one spelling that the server takes. Ids of 32 hexadecimal digits
 * without dashes get theirs; anything else is an error here, since the server would refuse it.
 */
export function uuid(text: string): string {
  const plain = text.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/.test(plain)) throw new TypeError("a mid is a UUID");
  return dashed(plain);
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function randomBits(mask: number): number {
  const b = random(2);
  return (b[0]! * 256 + b[1]!) & mask;
}

function random(bytes: number): Uint8Array {
  if (globalThis.crypto?.getRandomValues === undefined) {
    throw new Error("crypto.getRandomValues is missing: on React Native import react-native-get-random-values first");
  }
  return globalThis.crypto.getRandomValues(new Uint8Array(bytes));
}
