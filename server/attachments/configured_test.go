package attachments_test

import (
	"slices"
	"strings"
	"testing"

	"doorstep/server/attachments"
	"doorstep/server/record"
)

// An organisation names what it changes; the rest stays.
func TestLimitsOfAnOrganisation(t *testing.T) {
	l, err := attachments.ReadLimits([]byte(`{"kinds":{"photo":{"types":["image/jpeg"],"a_case_and_day":6},
		"recording":{"bytes":1000}},"uploads_a_day":20}`))
	ok(t, err)
	was := attachments.DefaultLimits()
	photo := l.Kinds[record.KindPhoto]
	if !slices.Equal(photo.Types, []string{"image/jpeg"}) || photo.CaseDay != 6 ||
		photo.Bytes != was.Kinds[record.KindPhoto].Bytes {
		t.Errorf("photo: %+v", photo)
	}
	if r := l.Kinds[record.KindRecording]; r.Bytes != 1000 || len(r.Types) != 8 {
		t.Errorf("recording: %+v", r)
	}
	if l.Uploads != 20 || l.Bytes != was.Bytes || l.Pixels != was.Pixels || l.Keep != was.Keep {
		t.Errorf("%+v", l)
	}
	if s := l.Kinds[record.KindSignature]; !slices.Equal(s.Types, was.Kinds[record.KindSignature].Types) {
		t.Errorf("the types of another kind have changed: %+v", s)
	}
}

func TestLimitsThatAreRefused(t *testing.T) {
	for text, say := range map[string]string{
		``:   "no JSON",
		`[]`: "cannot unmarshal array",
		`{"kinds":{"photo":{"bytes":1},"photo":{"bytes":2}}}`: "no JSON",
		`{"photos":1}`:                                 `unknown field "photos"`,
		`{"kinds":{"selfie":{}}}`:                      "kinds.selfie: there is no such kind; write document, photo, recording, signature",
		`{"kinds":{"photo":{"size":1}}}`:               `kinds.photo: json: unknown field "size"`,
		`{"kinds":{"photo":{"bytes":0}}}`:              "kinds.photo.bytes: 0 is out of range; write a number from 1 to",
		`{"kinds":{"photo":{"bytes":2000000000}}}`:     "kinds.photo.bytes: 2000000000 is out of range",
		`{"kinds":{"photo":{"a_case_and_day":0}}}`:     "kinds.photo.a_case_and_day: 0 is out of range",
		`{"kinds":{"photo":{"types":[]}}}`:             "kinds.photo.types: name at least one",
		`{"kinds":{"photo":{"types":["image/heic"]}}}`: `"image/heic" cannot be taken; write some of image/jpeg`,
		`{"kinds":{"photo":{"types":["text/html"]}}}`:  `"text/html" cannot be taken`,
		`{"pixels":100000000}`:                         "pixels: 100000000 is out of range",
		`{"uploads_a_day":-1}`:                         "uploads_a_day: -1 is out of range",
		`{"bytes_a_day":1.5}`:                          "cannot unmarshal number 1.5",
		`{"bytes_a_day":null}`:                         "null is no limit",
	} {
		if _, err := attachments.ReadLimits([]byte(text)); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v, want %q", text, err, say)
		}
	}
}

// A case has at most so many attachments of a kind a day, whichever agents begin them; what an agent was refused does
// not count for the agent's own day.
func TestACasesDayIsBounded(t *testing.T) {
	f := newFixture(t, record.KindRecording)
	kind := f.limits.Kinds[record.KindRecording]
	kind.CaseDay = 2
	f.limits.Kinds[record.KindRecording] = kind
	f.limits.Uploads = 2
	f.restart()
	text := recording(10)
	f.want("first", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	f.want("of another agent", f.create("rui", "a1", text, "audio/ogg"), "201", "0")
	for range 3 {
		f.want("a third", f.create("ana", "a2", text, "audio/ogg"), "upload.too_many_of_case", "")
	}
	f.want("begun again", f.create("ana", "a1", text, "audio/ogg"), "201", "0")
	f.now = f.now.AddDate(0, 0, 1)
	f.want("the next day", f.create("ana", "a2", text, "audio/ogg"), "201", "0")
	f.now = f.now.AddDate(0, 0, -1)
	kind.CaseDay = 3
	f.limits.Kinds[record.KindRecording] = kind
	f.restart()
	f.want("with another limit", f.create("ana", "a3", text, "audio/ogg"), "201", "0")
	f.want("the agent's own", f.create("ana", "a4", text, "audio/ogg"), "upload.too_many", "")
}
