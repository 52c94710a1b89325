package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// Limits of one record of an import.
const (
	maxRecordBytes = 64 << 10
	// maxRecordLines bounds how far a quote that was never closed can reach, and with it the work a broken file makes.
	maxRecordLines = 50
)

// lineReader reads physical lines without their ends, holding at most one in memory.
type lineReader struct {
	in     *bufio.Reader
	n      int // number of the line read last
	pushed []textLine
}

// textLine is a physical line. A line over the limit keeps only its beginning.
type textLine struct {
	n    int
	text []byte
	long bool
}

func (l *lineReader) next() (textLine, error) {
	if k := len(l.pushed); k > 0 {
		t := l.pushed[k-1]
		l.pushed = l.pushed[:k-1]
		return t, nil
	}
	text, err := l.in.ReadSlice('\n')
	t := textLine{n: l.n + 1}
	if errors.Is(err, bufio.ErrBufferFull) {
		t.long = true
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.in.ReadSlice('\n')
		}
	} else {
		t.text = bytes.Clone(text)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		if len(text) == 0 && !t.long {
			return textLine{}, io.EOF
		}
	default:
		// The upload was cut: what stands of this line may be less than was meant.
		return textLine{}, err
	}
	l.n++
	t.text = bytes.TrimSuffix(bytes.TrimSuffix(t.text, []byte("\n")), []byte("\r"))
	if t.n == 1 {
		t.text = bytes.TrimPrefix(t.text, []byte("\ufeff"))
	}
	t.long = t.long || len(t.text) > maxRecordBytes
	return t, nil
}

// push gives lines back, to be read again in the same order.
func (l *lineReader) push(lines []textLine) {
	for _, t := range slices.Backward(lines) {
		l.pushed = append(l.pushed, t)
	}
}

// unreadable says why a text cannot be a record; nil when it can.
func unreadable(line int, text []byte) *LineError {
	if bytes.IndexByte(text, 0) >= 0 {
		return &LineError{Line: line, Code: "import.nul", Message: "the line holds a NUL byte; send the file as UTF-8 text"}
	}
	if !utf8.Valid(text) {
		return &LineError{Line: line, Code: "import.utf8", Message: "the line is not valid UTF-8; save the file as UTF-8"}
	}
	return nil
}

func tooLongLine(line int) *LineError {
	return &LineError{Line: line, Code: "import.line_too_long",
		Message: "the line is longer than 64 KiB; shorten it, or look for a missing line end or a quote that is not closed"}
}
