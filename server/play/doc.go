// Package play plays a day over HTTP in the roles of a lender, a supervisor, agents with
// their phones, and an auditor: import, round, visits without network, sync, export. The
// demo, the tests, scripts/firstround and the benchmarks use it.
//
// It uses only what the API description says and imports no other package of Doorstep.
package play
