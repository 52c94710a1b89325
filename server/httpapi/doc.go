// Package httpapi is the edge: endpoints, JSON, problems, streams and metrics.
// It translates and decides nothing; what is lawful, allowed or in scope is said
// by the rooms behind it.
//
// It is the only importer of gin, and of huma, which makes the API description
// (OpenAPI 3.1) from the Go types of requests and answers and checks requests
// against it. The few endpoints that stream or are hot (imports, sync, exports)
// are plain gin handlers whose description is written beside them; a contract
// test holds both kinds to it.
//
// Whatever is sent, the answer is a problem with a code, the place and what to do
// about it. It repeats nothing of what was sent, not even the name of a member that
// is not one of ours: bodies.go says what is refused before an endpoint sees it.
//
// Who may call an endpoint is a column of the endpoint's own row, checked before any
// handler runs. problem.go alone knows statuses.
package httpapi
