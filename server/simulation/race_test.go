//go:build race

package simulation

// raced says that the race detector is at work, which makes everything ten times slower.
const raced = true
