package audit

import "bytes"

// unreadable says of the beginning of a file, which Verify cannot read, what it is instead of an export as
// the server wrote it, and how to get that; "" for one that may be.
func unreadable(head []byte) string {
	head = bytes.TrimPrefix(head, byteOrderMark)
	for _, packed := range []struct{ magic, is string }{
		{"\x1f\x8b", "compressed with gzip: unpack it with gunzip"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it with unzstd"},
		{"\xfd7zXZ", "compressed with xz: unpack it with unxz"},
		{"BZh", "compressed with bzip2: unpack it with bunzip2"},
		{"PK\x03\x04", "a ZIP archive or a spreadsheet: unpack it, or export NDJSON or CSV anew"},
		{"%PDF", "a PDF: export NDJSON or CSV"},
		{"\xff\xfe\x00\x00", "in UTF-32: " + toUTF8},
		{"\x00\x00\xfe\xff", "in UTF-32: " + toUTF8},
		{"\xff\xfe", "in UTF-16: " + toUTF8},
		{"\xfe\xff", "in UTF-16: " + toUTF8},
	} {
		if bytes.HasPrefix(head, []byte(packed.magic)) {
			return "the file is " + packed.is + ", and verify that"
		}
	}
	// An export begins with a letter of a header, a bracket or a cell, and holds no NUL.
	if len(head) >= 2 && (head[0] == 0) != (head[1] == 0) {
		return "the file is in UTF-16 without a byte order mark: " + toUTF8 + ", and verify that"
	}
	return ""
}

const toUTF8 = "some programs write so what they copy or print; convert it to UTF-8, or save the " +
	"export again byte for byte"
