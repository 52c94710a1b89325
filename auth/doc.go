// Package auth says who is calling and what they may do: passwords, access
// tokens, refresh families, devices, roles, and the table of permissions.
//
// An access token is short (AccessTTL), signed with ES256 and checked without a
// store. Because a signature says nothing of what happened since, who a token
// speaks for is looked up again every few seconds: a blocked device or a
// disabled user is out at once on the node that did it and within RecheckEvery
// on the others.
//
// A refresh token belongs to a family, one per sign-in. Each use replaces it; a
// used one that comes again ends the family, since one of the two who hold it
// must be a thief. A phone whose answer was lost is not a thief: for RefreshGrace
// the token before the last gives the same successor again, to the same device.
// Refresh tokens are not kept at all: they are MACs of the family's counter.
//
// The room keeps no users. It asks a Users and a Devices (server/office), and
// keeps families through a Families (the store's small documents).
package auth
