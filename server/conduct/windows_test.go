package conduct

import (
	"testing"
	"time"
)

// TestWindowsAgreeWithJudge asks both for every half minute of the days around each shared vector.
func TestWindowsAgreeWithJudge(t *testing.T) {
	p := defaultPolicy(t)
	for _, v := range sharedVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			req := v.request(t)
			m, err := p.prepare(req.Profiles, &req.Action, &req.Case, req.History)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.zones) == 0 {
				return
			}
			day := m.zones[0].dayOf(m.at)
			spans, hits, werr := p.Windows(req.Profiles, dateOf(day), req.Action, req.Case, req.History)
			if werr != nil {
				t.Fatal(werr)
			}
			if (len(spans) == 0) != (len(hits) > 0) {
				t.Fatalf("%d spans and %d hits", len(spans), len(hits))
			}
			tr := trial{matter: m}
			for _, part := range m.zones[0].instantsOf(day) {
				for at := part.from; at < part.to; at += 30 {
					for _, at := range [...]int64{at - 1, at, at + 1} {
						if at < part.from {
							continue
						}
						tr.run(at)
						if got := inside(spans, at); got != (len(tr.hits) == 0) {
							t.Fatalf("%s: in a window: %v, but hits %v", time.Unix(at, 0).UTC(), got, tr.hits)
						}
					}
				}
			}
		})
	}
}

func dateOf(day int32) string {
	return time.Unix(int64(day)*daySeconds, 0).UTC().Format(time.DateOnly)
}

func inside(spans []Interval, at int64) bool {
	for _, s := range spans {
		if s.From.Unix() <= at && at < s.To.Unix() {
			return true
		}
	}
	return false
}
