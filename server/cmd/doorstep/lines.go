package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"doorstep/auth/refusal"
)

// maxQuestion is how long a line may be, as bodies of the endpoint.
const maxQuestion = 1 << 20

// answerLines answers each line of a file with a line. answer appends the answer to a line, refuse the problem of one
// that is too long; both leave the end of the line out.
func answerLines(s streams, file string, answer func(b, line []byte) []byte,
	refuse func(b []byte, err error) []byte) error {
	in, err := s.input(file)
	if err != nil {
		return exit{err, badInput}
	}
	defer func() { _ = in.Close() }()
	r, w := bufio.NewReaderSize(in, 64<<10), bufio.NewWriter(s.out)
	var line, out []byte
	for first := true; ; first = false {
		var long, end bool
		if line, long, end, err = readLine(r, line[:0]); err != nil {
			return exit{errors.Join(err, w.Flush()), badInput}
		}
		if end {
			break
		}
		if first {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if long {
			out = refuse(out[:0], refusal.New(refusal.TooLarge, "too_large", "", "the line is longer than %d bytes",
				maxQuestion))
		} else {
			out = answer(out[:0], line)
		}
		if _, err := w.Write(append(out, '\n')); err != nil {
			return exit{err, badOutput}
		}
		if r.Buffered() == 0 { // whoever writes line by line reads each answer before the next question
			if err := w.Flush(); err != nil {
				return exit{err, badOutput}
			}
		}
	}
	if err := w.Flush(); err != nil {
		return exit{err, badOutput}
	}
	return nil
}

// readLine appends the next line to line, without its end. Of one that is longer than maxQuestion it keeps the
// beginning, and reads over the rest.
func readLine(r *bufio.Reader, line []byte) (_ []byte, long, end bool, err error) {
	read := false
	for {
		part, err := r.ReadSlice('\n')
		read = read || len(part) > 0
		done := err == nil
		if done {
			part = part[:len(part)-1]
		}
		if room := maxQuestion - len(line); len(part) > room {
			part, long = part[:room], true
		}
		line = append(line, part...)
		switch {
		case done:
			return line, long, false, nil
		case errors.Is(err, io.EOF):
			return line, long, !read, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, long, false, err
		}
	}
}
