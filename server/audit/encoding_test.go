package audit_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"doorstep/server/audit"
)

// inUTF16 is a file as programs write it that take UTF-16 for text.
func inUTF16(file []byte, order binary.AppendByteOrder, mark bool) []byte {
	var out []byte
	if mark {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, unit := range utf16.Encode([]rune(string(file))) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func zipped(t *testing.T, file []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(file)
	check(t, err)
	check(t, z.Close())
	return out.Bytes()
}

// A file that another program saved anew is not called altered: it verifies, or is named for what it is.
func TestAnExportThatAnotherProgramSavedIsNamed(t *testing.T) {
	h := newFixture(t)
	h.record(t, 1, 2, 1)
	mark := []byte("\xef\xbb\xbf")
	for _, format := range []audit.Format{audit.NDJSON, audit.CSV} {
		for _, query := range []audit.Query{{Reveal: true}, {Reveal: true, From: "1999-01-01", To: "1999-01-02"}} {
			file, _ := h.export(t, format, query)
			vkey := h.log.PublicKey()
			plain := bytes.TrimPrefix(file, mark)
			for what, same := range map[string][]byte{"with a mark": append(bytes.Clone(mark), plain...), "without": plain} {
				if _, err := audit.Verify(bytes.NewReader(same), vkey); err != nil {
					t.Errorf("%s %s: %v", format, what, err)
				}
			}
			if _, err := audit.Verify(bytes.NewReader(file), string(mark)+vkey+"\n"); err != nil {
				t.Errorf("a key with a mark: %v", err)
			}
			for says, other := range map[string][]byte{
				"gzip":                        zipped(t, file),
				"in UTF-16":                   inUTF16(plain, binary.LittleEndian, true),
				"UTF-16":                      inUTF16(plain, binary.BigEndian, true),
				"UTF-16 without":              inUTF16(plain, binary.LittleEndian, false),
				"UTF-16 without a byte order": inUTF16(plain, binary.BigEndian, false),
				"UTF-32":                      append([]byte("\xff\xfe\x00\x00"), plain...),
				"zstd":                        []byte("\x28\xb5\x2f\xfd\x04"),
				"spreadsheet":                 []byte("PK\x03\x04\x14"),
				"PDF":                         []byte("%PDF-1.7"),
			} {
				broken(t, says, other, vkey, 0, says)
			}
			// A mark in another place is an alteration.
			if two := bytes.SplitAfterN(plain, []byte("\n"), 2); format == audit.NDJSON && len(two) == 2 && len(two[1]) > 0 {
				moved := append(bytes.Clone(two[0]), append(bytes.Clone(mark), two[1]...)...)
				if _, err := audit.Verify(bytes.NewReader(moved), vkey); err == nil {
					t.Error("a mark in the middle verifies")
				}
			}
		}
	}
}
