//go:build !unix

package sqlitestore

import "os"

// lock does nothing where there is no flock: there, start one server only.
func lock(string) (*os.File, error) { return nil, nil }
