package record

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

func mended(t *testing.T, k Kind, sent, corrected string) Mended {
	t.Helper()
	m, bad := k.ReadMended(json.RawMessage(sent), json.RawMessage(corrected), noon)
	if bad != nil {
		t.Fatalf("%s corrected by %s is refused: %v", k.Name, corrected, bad)
	}
	return m
}

// What a phone may not say is set by no correction either, of no kind; what it may say goes
// through the checks that a phone's goes through, and is refused in the same words.
func TestACorrectionSaysOnlyWhatAPhoneMay(t *testing.T) {
	written(t, func(t *testing.T, k Kind) {
		sample := samples[k.Name]
		phone := map[string]bool{}
		for _, m := range k.ReportMembers() {
			phone[m.Name] = true
		}
		names := slices.Concat(serverNames, []string{"more", "id", "rev", "_rev", "mut", "Outcome", "unknown"})
		for _, m := range k.Members() {
			names = append(names, m.Name)
		}
		for _, name := range names {
			for _, value := range []any{"x1", 7, true, map[string]any{}, []any{}, "2026-11-25T11:00:00Z", nil} {
				corrected := with(t, "{}", map[string]any{name: value})
				_, bad := k.ReadMended(json.RawMessage(sample), json.RawMessage(corrected), noon)
				if !phone[name] {
					if bad == nil || bad.Code() != "quarantine.member" {
						t.Errorf("%s is corrected to %v: %v", name, value, bad)
					}
					continue
				}
				_, want := k.Read(json.RawMessage(with(t, sample, map[string]any{name: value})), noon)
				if (bad == nil) != (want == nil) || bad != nil && (bad.Code() != want.Code() || bad.Place != want.Place) {
					t.Errorf("%s corrected to %v is answered %v, and as a phone says it %v", name, value, bad, want)
				}
			}
		}
		for _, text := range []string{`[]`, `7`, `{`, `{"case":"c1","case":"c2"}`} {
			if _, bad := k.ReadMended(json.RawMessage(sample), json.RawMessage(text), noon); bad == nil {
				t.Errorf("%s corrects", text)
			}
		}
	})
	visits, _ := KindOf("visits")
	m := mended(t, visits, samples["visits"],
		`{"check_in":{"at":"2026-11-25T10:00:00Z","point":[-8.61,41.15],"inside_fence":true,"distance_m":3}}`)
	if fix := m.State.(*Visit).CheckIn; fix.Inside != nil || fix.DistanceM != nil {
		t.Error("a correction says how far from the door the fix was")
	}
}

// What was corrected is named with what the phone had sent; what is put in its own place is not.
func TestACorrectionNamesWhatItChanged(t *testing.T) {
	visits, _ := KindOf("visits")
	sent := `{"case":"c1","at":"2300-01-01T10:00:00Z","outcome":"NOT_MET_NOBODY","purpose":"remind"}`
	m := mended(t, visits, sent, `{"at":"2026-11-25T10:00:00Z","case":"c1","purpose":null,"place":"home","photos":null}`)
	if !slices.Equal(m.Names, []string{"at", "place", "purpose"}) {
		t.Errorf("corrected are %v", m.Names)
	}
	if got := string(m.Sent); got != `{"at":"2300-01-01T10:00:00Z","purpose":"remind"}` {
		t.Errorf("sent was %s", got)
	}
	if m.Claimed.Year() != 2300 || !m.At.Equal(time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("claimed %v, corrected %v", m.Claimed, m.At)
	}
	v := m.State.(*Visit)
	if v.Purpose != "" || v.Place != "home" {
		t.Errorf("the visit is %+v", v.VisitReport)
	}
	// The phone sends it again, in another spelling, as it was or unreadable.
	v.Admitted = m.Admission("q1", "boss", noon, "a wrong clock")
	for text, want := range map[string]bool{sent: true,
		`{"purpose":"remind","at":"2300-01-01T12:00:00+02:00","place":null,"outcome":"NOT_MET_NOBODY","case":"c1"}`: true,
		`{"case":"c1","at":"2300-01-01T10:00:00Z","outcome":"MET_PTP","purpose":"remind"}`:                          false} {
		if visits.WasSent(v, json.RawMessage(text)) != want {
			t.Errorf("%s was sent: %t", text, !want)
		}
	}
	wrong := `{"case":"c1","at":"yesterday","outcome":"NOT_MET_NOBODY"}`
	v = mended(t, visits, wrong, `{"at":"2026-11-25T10:00:00Z"}`).State.(*Visit)
	v.Admitted = &Admission{}
	if !visits.WasSent(v, json.RawMessage(`{"outcome":"NOT_MET_NOBODY","case":"c1", "at":"yesterday"}`)) ||
		visits.WasSent(v, json.RawMessage(sent)) {
		t.Error("what cannot be read is not known when it comes again")
	}
}

// A correction of the time moves the phone's other times by as much, but for those corrected too.
func TestACorrectedTimeMovesTheOthers(t *testing.T) {
	visits, _ := KindOf("visits")
	sent := `{"case":"c1","at":"2040-01-01T10:00:00Z","outcome":"NOT_MET_NOBODY","left_at":"2040-01-01T10:09:00Z",
		"check_in":{"at":"2040-01-01T10:00:10Z"},"check_out":{"at":"2040-01-01T10:08:00Z"}}`
	m := mended(t, visits, sent, `{"at":"2026-11-25T10:00:00Z","check_out":{"at":"2026-11-25T10:07:00Z"}}`)
	v := m.State.(*Visit)
	s := Sent{By: "ana", Device: "d1", Received: noon, SkewS: 60, MendedAt: true, Claimed: m.Claimed,
		Admitted: m.Admission("q1", "boss", noon, "a wrong clock")}
	v.Move(v.Take("d", s, &v.At), s.Corrected()...)
	for name, c := range map[string]struct{ got, want time.Time }{
		"at":        {v.At, time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)},
		"check_in":  {v.CheckIn.At, time.Date(2026, 11, 25, 10, 0, 10, 0, time.UTC)},
		"check_out": {v.CheckOut.At, time.Date(2026, 11, 25, 10, 7, 0, 0, time.UTC)},
		"left_at":   {v.LeftAt, time.Date(2026, 11, 25, 10, 9, 0, 0, time.UTC)},
		"claimed":   {v.ClaimedAt, time.Date(2040, 1, 1, 10, 0, 0, 0, time.UTC)},
	} {
		if !c.got.Equal(c.want) {
			t.Errorf("%s is %v, want %v", name, c.got, c.want)
		}
	}
	if !slices.Equal(v.Flags, []string{FlagMended}) {
		t.Errorf("flagged %v", v.Flags)
	}
}
