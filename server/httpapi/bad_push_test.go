package httpapi

import (
	"testing"
	"time"
)

// A device that sends one push after the other that cannot be read is stopped before its bodies are read, and gets one
// a second after that. Pushes that can be read cost nothing of it.
func TestPushesThatCannotBeReadAreStopped(t *testing.T) {
	a := described(t)
	begin := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	read := 0
	for i := range 10_000 { // ten seconds
		now := begin.Add(time.Duration(i) * time.Millisecond)
		if _, ok := a.badPushes.Allow("bad", now); ok {
			read++
		}
		if _, ok := a.badPushes.Allow("good", now); !ok {
			t.Fatal("a push that can be read is refused")
		}
		a.badPushes.Undo("good")
	}
	if read > badPushBurst+10 {
		t.Errorf("%d bodies were read", read)
	}
}
