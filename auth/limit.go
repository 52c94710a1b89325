package auth

import (
	"net/netip"
	"sync"
	"time"
)

// Limits of failed sign-ins and of wrong present passwords. A person mistypes a password a few times. A guesser
// gets 1,440 attempts a day on a login from an address, and 8,640 on all logins together.
const (
	guessEvery   = time.Minute
	guessBurst   = 10
	addressEvery = 10 * time.Second
	addressBurst = 100
	maxLimits    = 100_000
)

// Limits counts requests by key. The zero value is not usable; see NewLimits. It is safe for concurrent use.
type Limits struct {
	every time.Duration
	burst int

	mu  sync.Mutex
	all map[string]time.Time // when a key has its whole burst again
}

// NewLimits allows burst requests at once and one more after each span.
func NewLimits(every time.Duration, burst int) *Limits {
	return &Limits{every: every, burst: burst, all: map[string]time.Time{}}
}

// Allow takes one; when there is none left it says how long to wait.
func (l *Limits) Allow(key string, now time.Time) (wait time.Duration, ok bool) {
	return l.AllowN(key, 1, now)
}

// AllowN takes n, or none; when there are not so many left it says how long to wait. More than a burst is never
// allowed.
func (l *Limits) AllowN(key string, n int, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	whole := time.Duration(l.burst) * l.every
	at := l.all[key]
	if at.Before(now) {
		at = now
	}
	if latest := now.Add(whole); at.After(latest) {
		at = latest // the clock was set back
		l.all[key] = at
	}
	next := at.Add(time.Duration(n) * l.every)
	if over := next.Sub(now) - whole; over > 0 {
		return over, false
	}
	if _, there := l.all[key]; !there && len(l.all) >= maxLimits {
		l.makeRoom(now)
	}
	l.all[key] = next
	return 0, true
}

// Undo gives back what Allow took.
func (l *Limits) Undo(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, there := l.all[key]; there {
		l.all[key] = at.Add(-l.every)
	}
}

// makeRoom drops the keys that have their whole burst again. If none has, it drops a quarter of all keys at random, so
// that a caller with many addresses cannot have a chosen key forgotten.
func (l *Limits) makeRoom(now time.Time) {
	for k, at := range l.all {
		if !at.After(now) {
			delete(l.all, k)
		}
	}
	for k := range l.all { // the order of a map is random
		if len(l.all) < maxLimits*3/4 {
			return
		}
		delete(l.all, k)
	}
}

// AddressKey is what limits count a network address under: an IPv4 address by itself, and of an IPv6 address the
// first 64 bits, since one subscriber has all that share them.
func AddressKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
