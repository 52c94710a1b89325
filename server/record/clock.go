package record

import (
	"slices"
	"time"

	"doorstep/auth"
)

// Sent says how a report came to the server.
type Sent struct {
	// By is the user who recorded it, Device the phone it came from; "" for the office.
	By     auth.UserID
	Device auth.DeviceID
	// Received is the server's time at receipt: what is reported happened before it.
	Received time.Time
	// Written is when the phone wrote the report, by the phone's clock; zero when it is not known.
	Written time.Time
	// SkewS is the phone's clock less the server's at receipt, in seconds; 0 when the phone did not say.
	SkewS int64
	// NotAfter is the latest instant, by the server's clock, at which the report can have been
	// written, as the phone's monotonic clock shows it; zero when it shows nothing.
	NotAfter time.Time
	// Again says that the report may have been acknowledged before a restore of a backup that lost it: it is late
	// when it was written late.
	Again bool
	// Admitted says who accepted the report from the quarantine; nil for one that is taken in as
	// it comes. MendedAt says that they corrected the time at which it happened, by the server's
	// clock: Claimed is the one that the phone said, zero if it cannot be read.
	Admitted *Admission
	MendedAt bool
	Claimed  time.Time
}

// Corrected are the names of the members that the office corrected; nil for none.
func (s Sent) Corrected() []string {
	if s.Admitted == nil {
		return nil
	}
	return s.Admitted.Corrected
}

// How much the times of a report may differ without being flagged, and from when on they
// are corrected. Our own values.
const (
	// clockNoise is a skew that the way of the request can make; it is not corrected.
	clockNoise = time.Minute
	// clockAllowed is how far a time may lie ahead of what is possible.
	clockAllowed = 5 * time.Minute
	// writtenWithin is how long after the event a report is usually written.
	writtenWithin = 24 * time.Hour
	// LateWindow is how long a phone that was out of coverage may take to bring a report.
	LateWindow = 7 * 24 * time.Hour
)

// Instant gives the instant by which a report is judged, planned, counted and exported, for
// the time that the phone claims: less the phone's skew, never after it was received or
// written. in_future flags a claim beyond the receipt, clock_skew a phone's wrong clock,
// backdated a report of long ago.
// The office has the server's clock, and records what it hears of later: it gets no flags.
func (s Sent) Instant(claimed time.Time) (at time.Time, flags []string) {
	if s.Device == "" {
		return WholeUTC(claimed), nil
	}
	flags = SkewFlags(s.SkewS)
	latest := s.Received
	if !s.NotAfter.IsZero() && s.NotAfter.Before(latest) {
		latest = s.NotAfter
	}
	at = s.corrected(claimed)
	switch {
	case s.Ahead(claimed):
		flags = append(flags, FlagInFuture)
	case at.After(latest.Add(clockAllowed)) && len(flags) == 0:
		flags = append(flags, "clock_skew")
	}
	if at.After(latest) {
		at = latest
	}
	if s.Again && s.Received.Sub(at) > LateWindow {
		flags = append(flags, FlagAgain)
	}
	if s.Late(at) || !s.Written.IsZero() && s.corrected(s.Written).Sub(at) > writtenWithin {
		flags = append(flags, FlagBackdated)
	}
	return WholeUTC(at), slices.Clip(flags)
}

// Late tells whether what happened at a time, by the server's clock, is reported later than a phone may be out of
// coverage.
func (s Sent) Late(at time.Time) bool {
	by := s.Received
	if s.Again {
		by = s.Recorded()
	}
	return by.Sub(at) > LateWindow
}

// FlagAgain is the flag of a report of long ago that may have been acknowledged before a restore of a backup.
const FlagAgain = "sent_again"

// Ahead tells whether a claimed time lies ahead of the receipt by more than clocks may differ.
func (s Sent) Ahead(claimed time.Time) bool {
	return s.corrected(claimed).After(s.Received.Add(clockAllowed))
}

// past is a report with times of what has happened besides its own.
type past interface{ past() []time.Time }

// Foretells tells whether a report of a phone says of anything besides itself that it has happened at a time ahead of
// the receipt: when a visit ended, when a copy was given. Times as the phone claims them.
func (s Sent) Foretells(report any) bool {
	r, is := report.(past)
	return is && s.Device != "" && slices.ContainsFunc(r.past(), s.Ahead)
}

// FlagInFuture is the flag of a report of which a time lay ahead of its receipt.
const FlagInFuture = "in_future"

// Recorded is when the report was written, by the server's clock; for the office, and where
// the phone did not say, when it was received.
func (s Sent) Recorded() time.Time {
	at := s.Received
	if !s.Written.IsZero() {
		if w := s.corrected(s.Written); w.Before(at) {
			at = w
		}
	}
	if !s.NotAfter.IsZero() && s.NotAfter.Before(at) {
		at = s.NotAfter
	}
	return WholeUTC(at)
}

// corrected is a time of the phone's clock by the server's. A skew that leads out of the
// years that records may have is not believed.
func (s Sent) corrected(claimed time.Time) time.Time {
	if s.SkewS >= -int64(clockNoise/time.Second) && s.SkewS <= int64(clockNoise/time.Second) {
		return claimed
	}
	at := time.Unix(claimed.Unix()-s.SkewS, int64(claimed.Nanosecond())).UTC()
	if !InYears(at) {
		return claimed
	}
	return at
}
