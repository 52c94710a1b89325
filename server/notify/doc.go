// Package notify sends what entries have caused: push alerts to agents' devices for
// door-to-door tasks that are new, changed or taken away.
//
// An alert is a document written by the entry that caused it, so nothing is
// alerted that did not happen, and nothing that happened is forgotten. The
// Outbox takes pending alerts of a branch under a lease, asks the rule again,
// marks them "sending" durably, calls the provider, and records the outcome as
// an entry. The outbox keeps nothing of its own: what is pending is found by an index
// (ByStatus) of the documents that entries write, so that `doorstep rebuild --view records`
// and `doorstep fsck` cover it. A rebuild of the views never sends. What a crash left at "sending"
// has an unknown outcome: an alert to an agent is repeated, since a second one
// does no harm (the device collapses it).
//
// Texts to debtors go out by Texts, with other rules: a text is at "sending", and counts as a contact, before the
// carrier is asked, once. What a crash left there, and what a carrier answered unclearly, is unknown, and is never sent
// again. Carriers are in notify/sms.
//
// The payload of an alert carries an opaque id and the kind of alert: no name, no address,
// no amount. Providers are sub-packages, the only importers of their SDKs.
package notify
