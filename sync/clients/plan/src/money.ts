/** maxMinor is the largest amount, in minor units. */
export const maxMinor = Number.MAX_SAFE_INTEGER;

/** codes are the currencies of ISO 4217 by their decimals. */
const codes: readonly (readonly [decimals: number, codes: string])[] = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [2, "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF " +
    "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD " +
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL " +
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR " +
    "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP " +
    "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
];

const decimalsOf = new Map(codes.flatMap(([n, list]) => list.split(" ").map((code) => [code, n] as const)));

/** decimals returns how many decimals a currency has; undefined for a code that ISO 4217 does not have. */
export const decimals = (code: string): number | undefined => decimalsOf.get(code);

/** plain writes an amount in the decimals of its currency, with a point and without grouping. */
export function plain(minor: number, code: string): string {
  const n = decimals(code) ?? 0;
  if (n === 0) return String(minor);
  const text = String(minor).padStart(n + 1, "0");
  return `${text.slice(0, -n)}.${text.slice(-n)}`;
}

/** isMore tells whether a·b is above c·d, exactly. */
export const isMore = (a: number, b: number, c: number, d: number): boolean =>
  BigInt(a) * BigInt(b) > BigInt(c) * BigInt(d);

/** divided returns amount·weight ÷ sum rounded down, and the remainder, exactly. */
export function divided(amount: number, weight: number, sum: number): [whole: number, remainder: number] {
  const product = BigInt(amount) * BigInt(weight);
  return [Number(product / BigInt(sum)), Number(product % BigInt(sum))];
}
