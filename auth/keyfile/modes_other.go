//go:build !unix

package keyfile

// modes says that the system has no permissions of owner, group and others.
const modes = false

// SyncFolder makes the names in a folder durable. It has nothing to do: here names are durable with their files.
func SyncFolder(string) error { return nil }
