// Package offline is what phones speak: pull, push, manifest and stream of
// sync/v1 (../README.md is the wire protocol), and the policies by which a
// mutation made without network meets what happened meanwhile, as pure functions.
//
// It knows feeds, revisions and mutations; it does not know what a case or a
// visit is. The domain implements two interfaces: Applier decides mutations,
// Records turns feed references into the documents a device may see.
package offline
