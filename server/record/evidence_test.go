package record

import (
	"fmt"
	"testing"
)

func TestEvidenceThatARecordNames(t *testing.T) {
	const photo, sound = "AB01", "cd02"
	visit := &Visit{VisitReport: VisitReport{
		Photos:    []Photo{{Kind: "letter_left", SHA256: photo}, {Kind: "door_number", SHA256: "ef03"}},
		Recording: &Recording{SHA256: sound},
		Attachments: []Attachment{{ID: "a1", SHA256: "ab01", Bytes: 7}, {ID: "a2", Kind: "recording"},
			{ID: "a3", SHA256: "0404", Kind: "x"}, {}}}}
	signed := &Signature{SignatureReport: SignatureReport{SHA256: "ab"}}
	paid := &PaymentReported{PaymentReport: PaymentReport{Attachments: []Attachment{{ID: "r1"}}}}
	for _, c := range []struct {
		state any
		want  string
	}{
		{visit, "[{photo a1 ab01 7} {photo  ef03 0} {recording  cd02 0} {recording a2  0} {document a3 0404 0}]"},
		{signed, "[{signature  ab 0}]"},
		{paid, "[{document r1  0}]"},
		{&Note{}, "[]"},
	} {
		if got := fmt.Sprint(EvidenceOf(c.state)); got != c.want {
			t.Errorf("%T names %s, want %s", c.state, got, c.want)
		}
	}
	for _, c := range []struct {
		n          Named
		id, sha256 string
		want       bool
	}{
		{Named{ID: "a1", SHA256: "ab"}, "a1", "AB", true},
		{Named{ID: "a1", SHA256: "ab"}, "a9", "ab", true}, // the bytes decide
		{Named{ID: "a1", SHA256: "ab"}, "a1", "cd", false},
		{Named{ID: "a1"}, "a1", "cd", true},
		{Named{ID: "a1"}, "a9", "cd", false},
		{Named{SHA256: "ab"}, "a1", "", false},
		{Named{}, "", "", false},
	} {
		if got := c.n.Is(c.id, c.sha256); got != c.want {
			t.Errorf("%+v is %q %q: %t", c.n, c.id, c.sha256, got)
		}
	}
}
