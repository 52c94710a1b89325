//go:build !linux

package main

// unmapBinary does nothing: only Linux tells a process what it has mapped.
func unmapBinary() {}
