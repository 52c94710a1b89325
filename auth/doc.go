// Package auth says who is calling and what they may do: passwords, access
// tokens, refresh families, second factors, devices, roles, and the table of permissions.
//
// An access token is short (AccessTTL), signed with ES256 and checked without a
// store. Because a signature says nothing of what happened since, who a token
// speaks for is looked up again every few seconds: a blocked device or a
// disabled user is out at once on the node that did it and within RecheckEvery
// on the others.
//
// A refresh token belongs to a family, one per sign-in: a session. Each use
// replaces it. A phone whose answer was lost asks with the token before the last,
// and gets the last again until it has presented that one. A token that comes after
// its successor was presented ends the family, since one of the two who hold it
// must be a thief. No clock has a say in this, so neither a phone's nor another
// node's can sign a phone out. A session ends Options.Life after its sign-in.
// Refresh tokens are not kept at all: they are MACs of the family's counter.
//
// A second factor (an authenticator app, or a recovery code) is asked for after the
// password, where the user has one: SignIn returns a challenge, SignInWithFactor the
// session. Codes, tries and challenges of a user are one document that is swapped by
// version, so a code is taken once and a challenge judges five codes on however many
// nodes. A session goes on only while the user's factors are those it was begun
// with. An agent has no second factor: the known device is it.
//
// A blocked device is told so by every request that carries a signature of ours,
// before anything else is looked at: it must erase what it holds even if its user
// was disabled or signed out meanwhile.
//
// The room keeps no users. It asks a Users and a Devices (server/office), and
// keeps families and factors through a Families and a Factors (the store's small
// documents).
package auth
