// Package play plays a day over HTTP, as the world outside does: a lender's
// import, a supervisor's round, agents' phones with their queues, an auditor's
// export. The demo, the script on real data and the benchmarks use it.
//
// It knows the API by its description only and imports no other room.
package play
