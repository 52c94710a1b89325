import { type Problem } from "@doorstep/wire";

/** Answer is how the server answered a request of an upload that did not succeed. */
export interface Answer {
  /** 0 if no answer came. */
  status: number;
  problem: Partial<Problem>;
  /** Milliseconds that the server asks to wait. */
  retryAfter: number;
}

/**
 * Verdict is what becomes of an attachment after such an answer.
 *
 * - again: ask how far it has come, and go on from there
 * - token: the same with another token
 * - later: the server does not have the record that names it yet; others may go before
 * - spoiled: the bytes came to be others on the way, or are others on the phone; the server has discarded them
 * - anew: give up what the server has, and begin again
 * - refused: it will never be taken: the app shows it
 * - gone: the debtor was erased: the phone forgets it
 * - wipe: the device was blocked: the phone forgets all
 */
export type Verdict = "again" | "token" | "later" | "spoiled" | "anew" | "refused" | "gone" | "wipe";

/**
 * answered is the verdict. What it does not know is tried again if it is the server's trouble, and refused if it is
 * the request's: an upload that can never succeed must not hold up the others.
 */
export function answered({ status, problem }: Answer): Verdict {
  const { code } = problem;
  switch (status) {
    case 401:
      return "token";
    case 403:
      return problem.wipe === true ? "wipe" : "again"; // a role that an administrator may give back
    case 404: // it was discarded, or swept: the next attempt begins it
    case 408:
    case 423: // another request works at it
    case 425:
    case 429:
      return "again";
    case 409:
      return code === "upload.offset" ? "again" : "refused";
    case 410:
      return "gone";
    case 413:
      return code === "upload.pieces" ? "anew" : "refused";
    case 422:
      return code === "upload.record_first" ? "later" : "refused";
    case 460:
      return "spoiled";
  }
  return status >= 400 && status < 500 ? "refused" : "again";
}
