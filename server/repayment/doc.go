// Package repayment computes repayment plans: which amounts are due on which days, whether a plan is refused, and what
// payments have made of it by the evening of a day.
//
// Read turns the JSON of a request into a Request, Request.Plan computes the plan or says why there is none, and
// Plan.Follow says what became of it. Answer does all three for POST /v1/plans/preview and doorstep plans preview. All
// of it is pure: today is part of the request, dates have no zone, amounts are whole minor units, and no number is ever
// a float. sync/clients/plan is the same in TypeScript, and both are held to the same answers: README.md says how.
//
// Rules are what a lender allows, and CheckRules refuses those that contradict each other.
//
// The package knows no case and no record. It does not say whether the balance of a request is what is owed, who may
// agree to a plan, or which rules hold for a case: its callers do.
package repayment
