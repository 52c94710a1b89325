package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"doorstep/server/audit"

	"golang.org/x/mod/sumdb/note"
)

// broken verifies a file that must not verify, and compares the line and the message.
func broken(t *testing.T, what string, file []byte, vkey string, line int, says string) {
	t.Helper()
	_, err := audit.Verify(bytes.NewReader(file), vkey)
	var b *audit.Broken
	switch {
	case err == nil:
		t.Errorf("%s: verifies", what)
	case !errors.As(err, &b):
		t.Errorf("%s: %v, want a *Broken", what, err)
	case b.Line != line || !strings.Contains(b.Msg, says):
		t.Errorf("%s: %q, want line %d and %q", what, err, line, says)
	case line > 0 && !strings.HasPrefix(err.Error(), fmt.Sprintf("line %d: ", line)):
		t.Errorf("%s: %q does not begin with its line", what, err)
	}
}

// linesOf splits a file into its lines, each without its end.
func linesOf(file []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(file, []byte("\n")), []byte("\n"))
}

func lineOf(t *testing.T, raw []byte) (l audit.Line) {
	t.Helper()
	check(t, json.Unmarshal(raw, &l))
	return l
}

func fileOf(lines ...[]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }

func TestAnyAlteredByteIsFoundWithItsLine(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 2, 1)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		file, _ := h.export(t, format, audit.Query{Reveal: true})
		last := bytes.LastIndexByte(file[:len(file)-1], '\n') + 1
		for i := range file[:len(file)-1] {
			// These bits change the case of a letter, the lowest bit, or a digit to another. All are tried
			// in the signature, some elsewhere.
			for k, flip := range []byte{0x20, 0x01, 0x08} {
				if near := i > len(file)-200 || i >= last && i < last+20; !near && (i+k)%11 != 0 {
					continue
				}
				bad := bytes.Clone(file)
				bad[i] ^= flip
				if bad[i] == '\n' || bad[i] == '\r' || file[i] == '\n' {
					continue // other tests join and split lines
				}
				want := 1 + bytes.Count(file[:i], []byte("\n"))
				_, err := audit.Verify(bytes.NewReader(bad), h.log.PublicKey())
				var b *audit.Broken
				if !errors.As(err, &b) || b.Line != want {
					t.Fatalf("%s: byte %d (%q, now %q) on line %d altered: %v", format, i, file[i], bad[i], want, err)
				}
				if i < last && !strings.Contains(b.Msg, "altered") {
					t.Fatalf("%s: byte %d on line %d altered: %v", format, i, want, err)
				}
			}
		}
	}
}

func TestLinesDroppedMovedAddedAndRepeated(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 6, 1)
	other := newFixture(t)
	other.record(t, 1, 6, 1)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		file, _ := h.export(t, format, audit.Query{})
		foreign, _ := other.export(t, format, audit.Query{})
		lines, strange := linesOf(file), linesOf(foreign)[2]
		key, n := h.log.PublicKey(), len(lines)-1 // before the manifest
		for i := range n {
			broken(t, fmt.Sprintf("%s: line %d dropped", format, i+1),
				fileOf(slices.Delete(slices.Clone(lines), i, i+1)...), key, i+1, "dropped")
			broken(t, fmt.Sprintf("%s: line %d repeated", format, i+1),
				fileOf(slices.Insert(slices.Clone(lines), i+1, lines[i])...), key, i+2,
				fmt.Sprintf("repeated: this is line %d", i+1))
			broken(t, fmt.Sprintf("%s: a line added before line %d", format, i+1),
				fileOf(slices.Insert(slices.Clone(lines), i, strange)...), key, i+1, "added")
			altered := slices.Clone(lines)
			altered[i] = append(bytes.Clone(lines[i]), ' ')
			broken(t, fmt.Sprintf("%s: line %d altered", format, i+1), fileOf(altered...), key, i+1, "altered")
			for k := range i {
				moved := slices.Clone(lines)
				moved[k], moved[i] = moved[i], moved[k]
				broken(t, fmt.Sprintf("%s: lines %d and %d swapped", format, k+1, i+1), fileOf(moved...), key, k+1,
					fmt.Sprintf("reordered: here stands line %d", i+1))
				early := slices.Insert(slices.Clone(lines), k, lines[i])
				broken(t, fmt.Sprintf("%s: line %d stands before line %d too", format, i+1, k+1), fileOf(early...), key, k+1,
					fmt.Sprintf("repeated: this is line %d", i+1))
			}
		}
		broken(t, string(format)+": a line added at the end",
			fileOf(slices.Insert(slices.Clone(lines), n, strange)...), key, n+1, "added")
		broken(t, string(format)+": a line added after the manifest",
			fileOf(append(slices.Clone(lines), strange)...), key, n+2, "added")
		broken(t, string(format)+": two manifests", fileOf(append(slices.Clone(lines), lines[n])...), key, n+2, "added")
		broken(t, string(format)+": only the manifest", fileOf(lines[n]), key, 1, "dropped")
		broken(t, string(format)+": another's lines under this manifest",
			fileOf(append(linesOf(foreign)[:n:n], lines[n])...), key,
			map[audit.Format]int{audit.NDJSON: 1, audit.CSV: 2}[format], "altered")
	}
}

func TestAFileThatWasCutHasNoManifest(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 4, 0)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		file, _ := h.export(t, format, audit.Query{})
		lines, key := linesOf(file), h.log.PublicKey()
		for n := 1; n < len(lines); n++ {
			broken(t, fmt.Sprintf("%s: %d lines", format, n), fileOf(lines[:n]...), key, n, "not a manifest")
		}
		cut := file[:len(file)-len(lines[len(lines)-1])/2]
		broken(t, string(format)+": cut in the manifest", cut, key, len(lines), "the manifest was altered")
		broken(t, string(format)+": cut in line 2", file[:len(lines[0])+len(lines[1])/2], key, 2, "not a manifest")
		broken(t, string(format)+": nothing left", nil, key, 0, "empty")
	}
}

func TestAnotherKeyDoesNotVerify(t *testing.T) {
	h, other := newFixture(t), newFixture(t) // keys of the same name
	h.record(t, 1, 2, 0)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		file, _ := h.export(t, format, audit.Query{})
		broken(t, string(format)+": another key", file, other.log.PublicKey(), len(linesOf(file)), "not of this key")
		for _, key := range []string{"", "a key", "doorstep-test+00000000+AAAA"} {
			if _, err := audit.Verify(bytes.NewReader(file), key); err == nil ||
				!strings.Contains(err.Error(), "not a public key") {
				t.Errorf("the key %q: %v", key, err)
			}
		}
	}
}

// forge makes an export as a dishonest signer could: change and manifest alter the lines
// and the manifest, and forge makes the hashes and the signature anew.
func forge(t *testing.T, h *fixture, file []byte, change func(lines [][]byte) [][]byte,
	manifest func(m map[string]any)) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(h.folder, "audit.key"))
	check(t, err)
	skey, _, _ := strings.Cut(string(data), "\n")
	signer, err := note.NewSigner(skey)
	check(t, err)
	lines := linesOf(file)
	var last struct {
		Manifest map[string]any `json:"manifest"`
	}
	check(t, json.Unmarshal(lines[len(lines)-1], &last))
	lines = change(lines[:len(lines)-1])
	hashes := []string{}
	for _, l := range lines {
		sum := sha256.Sum256(l)
		hashes = append(hashes, base64.StdEncoding.EncodeToString(sum[:]))
	}
	last.Manifest["lines"] = hashes
	manifest(last.Manifest)
	m := encode(t, last.Manifest)
	sum := sha256.Sum256(m)
	signed, err := note.Sign(&note.Note{Text: "doorstep export\n" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"},
		signer)
	check(t, err)
	return fileOf(append(lines, fmt.Appendf(nil, `{"manifest":%s,"signature":%s}`, m, encode(t, string(signed))))...)
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	check(t, e.Encode(v))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// TestAFalseExportWithAValidSignatureIsFound verifies files whose signature is right and whose content is
// not what the tree holds.
func TestAFalseExportWithAValidSignatureIsFound(t *testing.T) {
	h, other := newFixture(t), newFixture(t)
	h.record(t, 1, 5, 3)
	other.record(t, 1, 5, 3)
	file, _ := h.export(t, audit.NDJSON, audit.Query{Reveal: true})
	foreign, _ := other.export(t, audit.NDJSON, audit.Query{Reveal: true})
	same := func(lines [][]byte) [][]byte { return lines }
	leave := func(map[string]any) {}
	set := func(name string, v any) func(map[string]any) { return func(m map[string]any) { m[name] = v } }
	// within alters line 3, which holds visit number 3.
	within := func(change func(l *audit.Line)) func(lines [][]byte) [][]byte {
		return func(lines [][]byte) [][]byte {
			l := lineOf(t, lines[2])
			change(&l)
			lines[2] = encode(t, l)
			return lines
		}
	}
	replace := func(b []byte, old, with string) []byte {
		out := bytes.Replace(b, []byte(old), []byte(with), 1)
		if bytes.Equal(out, b) {
			t.Fatalf("%q is not in %s", old, b)
		}
		return out
	}
	if _, err := audit.Verify(bytes.NewReader(forge(t, h, file, same, leave)), h.log.PublicKey()); err != nil {
		t.Fatalf("a forgery that changes nothing must verify, or this test tests nothing: %v", err)
	}
	for name, c := range map[string]struct {
		lines    func([][]byte) [][]byte
		manifest func(map[string]any)
		line     int
		says     string
	}{
		"a record that the entry does not hold": {within(func(l *audit.Line) {
			l.Record = replace(l.Record, `"c3"`, `"c4"`)
		}), leave, 3, "the record is not what the entry holds"},
		"an entry altered with its record": {within(func(l *audit.Line) {
			l.Record, l.Entry = replace(l.Record, `"c3"`, `"c4"`), replace(l.Entry, `"c3"`, `"c4"`)
		}), leave, 3, "entry 9 is not in the tree"},
		"another proof": {within(func(l *audit.Line) { l.Proof[0], l.Proof[1] = l.Proof[1], l.Proof[0] }),
			leave, 3, "entry 9 is not in the tree"},
		"a proof that is none":        {within(func(l *audit.Line) { l.Proof[0] = "?" }), leave, 3, "the proof is malformed"},
		"another number of the entry": {within(func(l *audit.Line) { l.EntryNo = 10 }), leave, 3, "the entry is number 9"},
		"another number of the visit": {within(func(l *audit.Line) { l.No = 4 }), leave, 3, "the entry says visit_no 3"},
		"another visit": {within(func(l *audit.Line) { l.ID = visitID(4) }), leave, 3,
			"the entry does not hold this visit"},
		"an altered reveal": {within(func(l *audit.Line) {
			l.Record = replace(l.Record, "2.º andar", "3.º andar")
			l.Reveals[0].Value = replace(l.Reveals[0].Value, "2.º andar", "3.º andar")
		}), leave, 3, "not the one that was sealed"},
		"an altered salt": {within(func(l *audit.Line) { l.Reveals[0].Salt[0] ^= 1 }), leave, 3,
			"not the one that was sealed"},
		"a reveal of nothing": {within(func(l *audit.Line) {
			l.Reveals = append(l.Reveals, l.Reveals[0])
			l.Reveals[1].Field = "name"
		}), leave, 3, "reveals values that the entry does not hold: name"},
		"an erased debtor of whom something is revealed": {within(func(l *audit.Line) {
			l.Erased, l.ErasedAt = true, moment
		}), leave, 3, "says that the debtor was erased, and reveals something"},
		"an erasure of no time": {within(func(l *audit.Line) { l.Erased = true }), leave, 3, "does not say when"},
		"a line that is no visit": {func(l [][]byte) [][]byte { l[2] = []byte("[]"); return l }, leave, 3,
			"not a visit"},
		"another journal's entry": {func(l [][]byte) [][]byte { l[2] = linesOf(foreign)[2]; return l }, leave, 3,
			"entry 9 is not in the tree"},
		"a missing visit": {func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }, set("visits", 4), 3,
			"visit_no 4 follows 2: visits are missing"},
		"the first visit missing": {func(l [][]byte) [][]byte { return l[1:] }, set("visits", 4), 1,
			"visit_no 2 follows 0: visits are missing"},
		"visits in another order": {func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l },
			set("complete", false), 3, "visit_no 2 comes after 3"},
		"a visit twice": {func(l [][]byte) [][]byte { return slices.Insert(l, 2, l[1]) }, set("visits", 6),
			3, "visit_no 2 comes after 2"},
		"a wrong count": {same, set("visits", 6), 0, "the manifest counts 6 visits"},
		"a wrong last number": {func(l [][]byte) [][]byte { return l[:4] }, set("visits", 4), 0,
			"up to visit_no 5"},
		"another branch": {same, set("branch", "lisboa"), 0, "of another branch"},
		"an unsigned checkpoint": {same, set("checkpoint", "doorstep-test/porto/1\n20\nAAAA\n"), 0,
			"not signed by this key"},
		"a format of the future": {same, set("format", "doorstep-visits/2"), 6,
			"a format this program does not know"},
		"a manifest of the other format": {same, set("kind", "csv"), 6, "a format this program does not know"},
	} {
		broken(t, name, forge(t, h, file, c.lines, c.manifest), h.log.PublicKey(), c.line, c.says)
	}
}

// TestAnExportWithoutTheNewestVisitsFails removes the newest visits from exports that say
// they are complete and signs them again: the signed tree counts the visits.
func TestAnExportWithoutTheNewestVisitsFails(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 5, 2)
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		for left, want := range map[uint64]string{5: "", 4: "ends at visit_no 4, but the signed tree holds 5 visits",
			0: "ends at visit_no 0, but"} {
			var file bytes.Buffer
			_, err := h.log.Export(context.Background(), &file, format, audit.Query{Branch: branch}, upTo{h, left})
			check(t, err)
			_, err = audit.Verify(&file, h.log.PublicKey())
			if want == "" {
				check(t, err)
			} else if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s with %d of 5 visits: %v, want %q", format, left, err, want)
			}
		}
	}
}

// upTo lists visits up to a number only.
type upTo struct {
	audit.Visits
	last uint64
}

func (u upTo) EachVisit(ctx context.Context, q audit.Query, fn func(audit.Visit) error) error {
	return u.Visits.EachVisit(ctx, q, func(v audit.Visit) error {
		if v.No > u.last {
			return nil
		}
		return fn(v)
	})
}
