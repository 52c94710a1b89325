package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"doorstep/server/conduct"
	"doorstep/server/dispatch"
	"doorstep/server/play"
)

// fits fails the test if a line is longer than 80 columns.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestADemoLineFits(t *testing.T) {
	long := strings.Repeat("so many words ", 12)
	for _, said := range []string{"", "short", long, long[:49], long[:50], long[:51], long[:52], "Überschüssige " + long} {
		line := stepLine("back in coverage", said, 99*time.Second)
		fits(t, line)
		want := strings.Join(strings.Fields("back in coverage "+said+" 99.0 s"), " ")
		if got := strings.Join(strings.Fields(line), " "); got != want {
			t.Errorf("the line says %q, want %q", got, want)
		}
	}
	fits(t, countLine(123456, long))
	fits(t, welcome{URL: "http://127.0.0.1:8080", Date: "2026-11-25", Round: "0193a6f2-7c1e-7000-8000-000000000001",
		Key: "doorstep+1a2b3c4d+" + strings.Repeat("x", 44), Folder: "/tmp/doorstep-demo-1234567890",
		Agent: "RIB-WEST-team1-agent1"}.String())
}

// The demo has words for every code for which a case gets no visit.
func TestEveryReasonHasWords(t *testing.T) {
	law, err := conduct.Default()
	noError(t, err)
	codes := append(law.Reasons(), dispatch.NoPosition, dispatch.NoTerritory, dispatch.NoTeam, dispatch.AddressUnfit,
		dispatch.OnHold, dispatch.NoFitTeam, dispatch.Unreachable, dispatch.BeyondLimits, dispatch.NoTimeInWindow,
		dispatch.NoTime, dispatch.WorthLess, dispatch.SameDebtor, dispatch.NoAppointment, dispatch.Visited)
	for _, code := range codes {
		if said := whyNot(play.Reason{Code: code}); said == code {
			t.Errorf("%s has no words", code)
		}
	}
}
