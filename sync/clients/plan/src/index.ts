export { preview, type Instalment, type Plan, type Previewed } from "./plan.js";
export { answer, MalformedQuestion, type Answered, type Question } from "./question.js";
export type { Frequency, Guardrail, Kind, PlanRequest, Refusal, Weekday } from "./request.js";
export { Course, type Payment, type State, type Terms } from "./state.js";
