package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"doorstep/sync/journal"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Report describes an export that verifies.
type Report struct {
	Manifest Manifest
	Signer   string // the key's name
	TreeSize uint64
	Head     SignedHead // the checkpoint of the manifest
	// Restores are the restores of backups in the tree, in their order.
	Restores []RestoreNote
}

// Broken says why a file does not verify. Line counts from 1; 0 means the whole file.
type Broken struct {
	Line int
	Msg  string
}

func (b *Broken) Error() string {
	if b.Line == 0 {
		return b.Msg
	}
	return fmt.Sprintf("line %d: %s", b.Line, b.Msg)
}

// maxLine is the longest line in bytes; the manifest of a million visits has 50 MB.
const maxLine = 1 << 30

// Verify checks an export with the public key of the server that must have signed it
// (LoadOrCreateKey's Public, Log.PublicKey). It uses nothing else. The error is a *Broken
// that says which line was altered, dropped, added or moved, or an error of reading.
func Verify(in io.Reader, vkey string) (Report, error) {
	if what := unreadable([]byte(vkey)); what != "" {
		return Report{}, fmt.Errorf("this is not a public key: %s", strings.Replace(what, "the file", "it", 1))
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(strings.TrimPrefix(vkey, string(byteOrderMark))))
	if err != nil {
		return Report{}, errors.New("this is not a public key; it looks like name+hash+base64")
	}
	file := bufio.NewReader(in)
	// A file shorter than what is looked at, and an error of reading, are told below.
	if head, _ := file.Peek(8); unreadable(head) != "" {
		return Report{}, &Broken{0, unreadable(head)}
	}
	lines, err := readLines(file)
	if err != nil {
		return Report{}, err
	}
	if len(lines) == 0 {
		return Report{}, &Broken{0, "the file is empty"}
	}
	for i, l := range lines[:len(lines)-1] {
		if isManifest(l) {
			return Report{}, &Broken{i + 2, fmt.Sprintf("added: the manifest, which ends every export, is line %d", i+1)}
		}
	}
	if len(lines) == 1 {
		lines[0] = bytes.TrimPrefix(lines[0], byteOrderMark) // of an export of nothing
	}
	kind, m, err := readManifest(lines[len(lines)-1], len(lines), verifier)
	if err != nil {
		return Report{}, err
	}
	lines = lines[:len(lines)-1]
	if kind == CSV {
		withoutMark(lines)
	} else if len(lines) > 0 {
		lines[0] = bytes.TrimPrefix(lines[0], byteOrderMark) // which some programs write before what they save
	}
	if err := compareLines(lines, m.Lines); err != nil {
		return Report{}, err
	}
	head, err := readCheckpoint(m, verifier)
	if err != nil {
		return Report{}, err
	}
	if m.Complete && m.LastNo != head.Visits {
		return Report{}, &Broken{0, fmt.Sprintf("the export says it is complete and ends at visit_no %d, "+
			"but the signed tree holds %d visits: the newest are missing", m.LastNo, head.Visits)}
	}
	restores, err := checkRestores(m, head)
	if err != nil {
		return Report{}, err
	}
	size, root := head.Size, head.Root
	if kind == CSV {
		err = checkCSV(lines, m, size, root)
	} else {
		err = checkNDJSON(lines, m, head)
	}
	if err == nil {
		err = numberedAs(m, head.Made)
	}
	return Report{Manifest: m, Signer: verifier.Name(), TreeSize: size, Head: head, Restores: restores}, err
}

// readLines splits a file into lines. A line end may be LF or CR LF, which some systems write.
func readLines(in io.Reader) ([][]byte, error) {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 64<<10), maxLine)
	var lines [][]byte
	for s.Scan() {
		lines = append(lines, bytes.Clone(bytes.TrimSuffix(s.Bytes(), []byte("\r"))))
	}
	for len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	return lines, s.Err()
}

// withoutMark removes the byte order mark from the header, which may have been moved; the mark is not part
// of the line.
func withoutMark(lines [][]byte) {
	header := CSVLine(csvNames())
	for i, l := range lines {
		if rest, marked := bytes.CutPrefix(l, byteOrderMark); marked && (i == 0 || bytes.Equal(rest, header)) {
			lines[i] = rest
		}
	}
}

// isManifest tells whether a line begins as a manifest does.
func isManifest(line []byte) bool {
	return bytes.HasPrefix(line, []byte(`{"manifest":`)) || bytes.HasPrefix(line, []byte(manifestCell))
}

// alone tells whether a note has exactly one signature, in canonical base64: the last
// character of other forms has bits that a decoder ignores.
func alone(n *note.Note) bool {
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return false
	}
	_, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64)
	return err == nil
}

func readManifest(line []byte, number int, verifier note.Verifier) (Format, Manifest, error) {
	kind, raw := NDJSON, line
	if bytes.HasPrefix(line, []byte(manifestCell)) {
		cells, err := csv.NewReader(bytes.NewReader(line)).Read()
		if err != nil || len(cells) != 2 {
			return "", Manifest{}, &Broken{number, "the manifest was altered: it is not two cells"}
		}
		kind, raw = CSV, []byte(cells[1])
	} else if !isManifest(line) {
		return "", Manifest{}, &Broken{number,
			"this is not a manifest, which every export ends with: the file was cut short, or its last lines were dropped"}
	}
	var s signed
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", Manifest{}, &Broken{number, "the manifest was altered: it is not JSON"}
	}
	n, err := note.Open([]byte(s.Signature), note.VerifierList(verifier))
	if err != nil {
		return "", Manifest{}, &Broken{number,
			"the manifest's signature is not of this key: it was altered, or signed with another key"}
	}
	if n.Text != signedText(s.Manifest) {
		return "", Manifest{}, &Broken{number, "the manifest was altered: its signature is over other content"}
	}
	// The signature does not cover the bytes around the manifest, so they must be as Export writes them.
	if written, err := manifestLine(kind, s); err != nil || !bytes.Equal(written, line) || !alone(n) {
		return "", Manifest{}, &Broken{number, "the manifest was altered: it is not written as an export writes it"}
	}
	var m Manifest
	if err := json.Unmarshal(s.Manifest, &m); err != nil || m.Format != manifestFormat || m.Kind != kind {
		return "", Manifest{}, &Broken{number, "the manifest is of a format this program does not know"}
	}
	return kind, m, nil
}

// compareLines finds the first line that differs from the exported one.
func compareLines(lines [][]byte, want []string) error {
	got := make([]string, len(lines))
	place := map[string]int{} // of each exported line
	for i, h := range want {
		place[h] = i
	}
	for i, l := range lines {
		sum := sha256.Sum256(l)
		got[i] = base64.StdEncoding.EncodeToString(sum[:])
	}
	there := map[string]int{}
	for _, h := range got {
		there[h]++
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return &Broken{i + 1, fmt.Sprintf("dropped: the export had %d lines before the manifest, the file has %d",
				len(want), len(got))}
		case i < len(want) && got[i] == want[i]:
			continue
		}
		at, known := place[got[i]]
		switch {
		case known && there[got[i]] > 1:
			return &Broken{i + 1, fmt.Sprintf("repeated: this is line %d of the export, which the file holds %d times",
				at+1, there[got[i]])}
		case i >= len(want):
			return &Broken{i + 1, "added: the export had no such line"}
		case known && there[want[i]] == 0:
			return &Broken{i + 1, fmt.Sprintf("dropped: line %d of the export is not in the file", i+1)}
		case known:
			return &Broken{i + 1, fmt.Sprintf("reordered: here stands line %d of the export", at+1)}
		case there[want[i]] > 0:
			return &Broken{i + 1, "added: the export had no such line"}
		default:
			return &Broken{i + 1, "altered: this is not the line that was exported"}
		}
	}
	return nil
}

func readCheckpoint(m Manifest, verifier note.Verifier) (SignedHead, error) {
	h, err := readHead(m.Checkpoint, verifier)
	if err == nil && h.Branch != m.Branch {
		err = errors.New("is of another branch")
	}
	if err != nil {
		return h, &Broken{0, "the checkpoint in the manifest " + err.Error()}
	}
	return h, nil
}

// checkNDJSON checks every record against its entry, and every entry against the tree.
func checkNDJSON(lines [][]byte, m Manifest, head SignedHead) error {
	size, root := head.Size, head.Root
	var before uint64
	beside, visits := newBesideLines(), map[string]bool{}
	for i, raw := range lines {
		at := func(format string, args ...any) error { return &Broken{i + 1, fmt.Sprintf(format, args...)} }
		if isBeside(raw) {
			if err := beside.line(raw, m, size, root); err != nil {
				return at("%v", err)
			}
			continue
		}
		var l Line
		if err := json.Unmarshal(raw, &l); err != nil {
			return at("not a visit: %v", err)
		}
		e, err := journal.DecodeEntry(l.Entry)
		if err != nil {
			return at("the entry cannot be read")
		}
		if e.N != l.EntryNo || e.Branch != m.Branch {
			return at("the entry is number %d of branch %s, the line says %d of %s", e.N, e.Branch, l.EntryNo, m.Branch)
		}
		state, no, err := visitOf(l.Entry, l.ID)
		if err != nil {
			return at("%v", err)
		}
		if no != l.No {
			return at("the entry says visit_no %d, the line %d", no, l.No)
		}
		if l.Erased == l.ErasedAt.IsZero() || l.Erased && len(l.Reveals) > 0 {
			return at("the line says that the debtor was erased, and reveals something, or does not say when")
		}
		record, err := recordOf(state, l.Reveals)
		if err != nil {
			return at("%v", err)
		}
		if !bytes.Equal(record, l.Record) {
			return at("the record is not what the entry holds")
		}
		if err := included(l.Proof, size, root, e.N, journal.Leaf(l.Entry)); err != nil {
			return at("%v", err)
		}
		if err := inOrder(m, l.No, before); err != nil {
			return at("%v", err)
		}
		before = l.No
		visits[l.ID] = true
		beside.visit(l)
	}
	if err := counts(m, len(visits), before); err != nil {
		return err
	}
	return beside.whole(m, head.Made, visits)
}

// checkCSV checks the leaves against the tree and the numbers for gaps.
func checkCSV(lines [][]byte, m Manifest, size uint64, root tlog.Hash) error {
	if len(lines) == 0 {
		return &Broken{1, "the header is missing"}
	}
	width := len(csvNames())
	var before uint64
	for i, raw := range lines[1:] {
		at := func(msg string) error { return &Broken{i + 2, msg} }
		cells, err := csv.NewReader(bytes.NewReader(raw)).Read()
		if err != nil || len(cells) != width {
			return at(fmt.Sprintf("not a row of %d cells", width))
		}
		no, err := strconv.ParseUint(cells[0], 10, 64)
		if err != nil {
			return at("visit_no is not a number")
		}
		if erased := cells[csvErased]; erased != "" {
			if _, err := time.Parse(time.RFC3339, erased); err != nil {
				return at("erased is not a time")
			}
		}
		n, err := strconv.ParseUint(cells[width-3], 10, 64)
		if err != nil {
			return at("entry_no is not a number")
		}
		leaf, err := tlog.ParseHash(unguarded(cells[width-2]))
		if err != nil {
			return at("leaf is not a hash")
		}
		if err := included(strings.Fields(unguarded(cells[width-1])), size, root, n, leaf); err != nil {
			return at(err.Error())
		}
		if err := inOrder(m, no, before); err != nil {
			return at(err.Error())
		}
		before = no
	}
	return counts(m, len(lines)-1, before)
}

func included(proof []string, size uint64, root tlog.Hash, n uint64, leaf tlog.Hash) error {
	p := make(tlog.RecordProof, len(proof))
	for i, h := range proof {
		var err error
		if p[i], err = tlog.ParseHash(h); err != nil {
			return errors.New("the proof is malformed")
		}
	}
	if n == 0 || n > size || tlog.CheckRecord(p, int64(size), root, int64(n-1), leaf) != nil {
		return fmt.Errorf("entry %d is not in the tree the checkpoint signs", n)
	}
	return nil
}

// inOrder checks that visit numbers ascend, and without a gap in a complete export.
func inOrder(m Manifest, no, before uint64) error {
	if no <= before {
		return fmt.Errorf("visit_no %d comes after %d", no, before)
	}
	if m.Complete && no != before+1 {
		return fmt.Errorf("visit_no %d follows %d: visits are missing from an export that says it is complete", no, before)
	}
	return nil
}

func counts(m Manifest, visits int, last uint64) error {
	if visits != m.Visits || last != m.LastNo {
		return &Broken{0, fmt.Sprintf("the manifest counts %d visits up to visit_no %d, the file holds %d up to %d",
			m.Visits, m.LastNo, visits, last)}
	}
	return nil
}

// unguarded removes the apostrophe that keeps a spreadsheet from running a cell as a
// formula: a hash in base64 may begin with +.
func unguarded(cell string) string { return strings.TrimPrefix(cell, "'") }
