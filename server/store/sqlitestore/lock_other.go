//go:build !unix

package sqlitestore

import "os"

// lock does nothing on systems without flock. Start only one server there.
func lock(string) (*os.File, error) { return nil, nil }
