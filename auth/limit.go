package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of sign-ins. A person types a password a few times; a guesser does not
// get beyond a few thousand a day per login, and an address not beyond 100,000.
const (
	loginEvery   = 10 * time.Second
	loginBurst   = 10
	addressEvery = time.Second
	addressBurst = 100
	maxLimiters  = 100_000
)

// Limits counts requests by key. The zero value is not usable; see NewLimits.
type Limits struct {
	every time.Duration
	burst int

	mu  sync.Mutex
	all map[string]*rate.Limiter
}

// NewLimits allows burst requests at once and one more after each span.
func NewLimits(every time.Duration, burst int) *Limits {
	return &Limits{every: every, burst: burst, all: map[string]*rate.Limiter{}}
}

// Allow takes one; when there is none left it says how long to wait.
func (l *Limits) Allow(key string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.all[key]
	if r == nil {
		if len(l.all) >= maxLimiters {
			for k, old := range l.all {
				if old.TokensAt(now) >= float64(l.burst) {
					delete(l.all, k) // as good as new
				}
			}
			if len(l.all) >= maxLimiters {
				clear(l.all)
			}
		}
		r = rate.NewLimiter(rate.Every(l.every), l.burst)
		l.all[key] = r
	}
	take := r.ReserveN(now, 1)
	if d := take.DelayFrom(now); d > 0 {
		take.CancelAt(now)
		return d, false
	}
	return 0, true
}
