export { Bundle, judge, semantics, type Answer, type Question, type Seen } from "./judge.js";
export { CantSay, type Why } from "./time.js";
export { verify, type PolicyRecord } from "./verify.js";
