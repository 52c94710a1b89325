package main

import "runtime/debug"

// giveBack returns to the system what the start needed and serving does not: garbage, of which hashing one password
// makes 19 MB, and the pages of the binary that were mapped to set up packages. A server that nobody calls would keep
// the garbage until the runtime's next forced collection, minutes later, and the pages for ever.
func giveBack() {
	debug.FreeOSMemory()
	unmapBinary()
}
