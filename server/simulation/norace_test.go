//go:build !race

package simulation

// raced says that the race detector is at work.
const raced = false
