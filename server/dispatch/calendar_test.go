package dispatch

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"doorstep/server/office"
)

// events reads a calendar by the letter of RFC 5545: lines of at most 75 bytes
// that end with CR LF, unfolded and unescaped, as NAME → value for each event.
func events(t *testing.T, text []byte) (head map[string]string, out []map[string]string) {
	t.Helper()
	body, whole := strings.CutSuffix(string(text), "\r\n")
	if !whole {
		t.Fatal("the last line has no end")
	}
	var lines []string
	for _, l := range strings.Split(body, "\r\n") {
		if len(l) > 75 || !utf8.ValidString(l) || strings.ContainsAny(l, "\r\n") {
			t.Errorf("a line of %d bytes, or cut within a character: %q", len(l), l)
		}
		if rest, folded := strings.CutPrefix(l, " "); folded {
			lines[len(lines)-1] += rest
			continue
		}
		lines = append(lines, l)
	}
	head = map[string]string{}
	into := head
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		name, _, _ = strings.Cut(name, ";")
		switch l {
		case "BEGIN:VEVENT":
			into = map[string]string{}
			out = append(out, into)
			continue
		case "END:VEVENT":
			into = head
			continue
		}
		if name != "GEO" {
			value = unescaped(t, value)
		}
		into[name] = value
	}
	return head, out
}

// unescaped reads a TEXT, in which a comma or semicolon may not stand bare.
func unescaped(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',', ';':
			t.Errorf("a bare %q in %q", s[i], s)
		case '\\':
			i++
			if i == len(s) || !strings.ContainsRune(`\;,nN`, rune(s[i])) {
				t.Fatalf("an escape that is none in %q", s)
			}
			if s[i] == 'n' || s[i] == 'N' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// A calendar tells times as the branch's clocks do, and where people live only when it is asked to.
func TestACalendarOfARoute(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	// An hour ahead of UTC, and of the debtors.
	_, err := h.office.PutBranch(ctx, office.Ask{By: "admin"}, office.Branch{ID: porto, TimeZone: "Europe/Madrid"})
	ok(t, err)
	street := `Praça da República; n.º 5, 2.º \ esquerdo, junto à estação de São João da Madeira, portão ação`
	h.take("c1", "address", street, "postal_code", "4000-123", "city", "Póvoa, Norte", "lon", "-8.6212345", "lat", "41.15")
	h.take("c2", "lon", "-8.58")
	v := h.publish(h.plan(today).ID)

	text, err := h.svc.Calendar(ctx, boss, v.ID, CalendarParams{})
	ok(t, err)
	head, all := events(t, text)
	if _, has := head["METHOD"]; has {
		t.Error("a METHOD without an ORGANIZER")
	}
	visits := 0
	for _, e := range all {
		if e["LOCATION"] != "" || e["GEO"] != "" || strings.Contains(string(text), "Pra") {
			t.Errorf("it tells unasked where people live: %v", e)
		}
		if !strings.Contains(e["SUMMARY"], ": north.c") {
			continue
		}
		visits++
		// A visit of twenty minutes between eight and eight by the debtors' clocks.
		if want := "Lawful from 09:00 until 20:40 (Europe/Madrid)"; e["DESCRIPTION"] != want {
			t.Errorf("%s: %q, want %q", e["SUMMARY"], e["DESCRIPTION"], want)
		}
	}
	if visits != 2 {
		t.Errorf("%d visits in\n%s", visits, text)
	}

	text, err = h.svc.Calendar(ctx, boss, v.ID, CalendarParams{Team: "t-west", Places: true})
	ok(t, err)
	_, all = events(t, text)
	visits = 0
	for _, e := range all {
		if !strings.Contains(e["SUMMARY"], ": north.c") {
			continue
		}
		visits++
		if want := street + ", 4000-123 Póvoa, Norte"; e["LOCATION"] != want || e["GEO"] != "41.150000;-8.621235" &&
			e["GEO"] != "41.150000;-8.621234" {
			t.Errorf("%s: at %q, %q, want %q, latitude first", e["SUMMARY"], e["LOCATION"], e["GEO"], want)
		}
	}
	if visits != 1 || strings.Contains(string(text), "t-east") {
		t.Errorf("%d visits of one team in\n%s", visits, text)
	}
	if _, err := h.svc.Calendar(ctx, boss, v.ID, CalendarParams{Team: "nobody"}); code(err) != "round.team" {
		t.Errorf("of an unknown team: %v", err)
	}
}

// A day that is only planned is shown as such: nobody has been sent.
func TestACalendarIsTentativeUntilTheRoundIsPublished(t *testing.T) {
	h := newFixture(t)
	h.take("c1")
	id := h.plan(today).ID
	says := func(want string) {
		t.Helper()
		text, err := h.svc.Calendar(t.Context(), boss, id, CalendarParams{})
		ok(t, err)
		_, all := events(t, text)
		if len(all) == 0 {
			t.Errorf("no events in\n%s", text)
		}
		for _, e := range all {
			if e["STATUS"] != want {
				t.Errorf("%s is %s, want %s", e["SUMMARY"], e["STATUS"], want)
			}
		}
	}
	says("TENTATIVE")
	h.publish(id)
	says("CONFIRMED")
	h.publish(h.plan(today).ID)
	says("CANCELLED")
}

func TestClocksOfACalendar(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Madrid")
	ok(t, err)
	for instant, want := range map[string]string{"09:00": "10:00", "22:59": "23:59", "23:00": "24:00",
		"23:30": "2026-11-26 00:30", "00:00": "01:00"} {
		if got := clock(at(instant), today, zone); got != want {
			t.Errorf("%s UTC is told as %s, want %s", instant, got, want)
		}
	}
	if got := oneLine("Rua\r\nNova\t5\x07 \u0085esq"); got != "Rua Nova 5 esq" {
		t.Errorf("in one line: %q", got)
	}
}
