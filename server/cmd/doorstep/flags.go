package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"doorstep/geo/routing/vroom"

	"github.com/alecthomas/kong"
)

// This file reads flags with numbers. kong would take "-1" for another flag, and its
// errors do not say what to write instead.

// timeFlag is how long to search; zero if not given.
type timeFlag struct{ time.Duration }

// Decode reads the flag's value.
func (f *timeFlag) Decode(c *kong.DecodeContext) error {
	text, err := word(c, "a time such as 5s, of at most a day")
	if err != nil {
		return err
	}
	read := func(text string) (time.Duration, bool) {
		d, err := time.ParseDuration(text)
		return d, err == nil && d > 0 && d <= 24*time.Hour
	}
	d, ok := read(text)
	_, seconds := read(text + "s")
	// 2000m is over a day; it must not be read as 2000ms.
	if _, err := strconv.ParseFloat(text, 64); !ok && seconds && err == nil {
		return fmt.Errorf("is %q, without a unit: write %ss for seconds", text, text)
	}
	if !ok {
		return fmt.Errorf("is %q: write a time such as 5s, of at most a day", text)
	}
	f.Duration = d
	return nil
}

// seedFlag is a seed; nil if not given.
type seedFlag struct{ seed *uint64 }

// Decode reads the flag's value.
func (f *seedFlag) Decode(c *kong.DecodeContext) error {
	want := fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64))
	text, err := word(c, want)
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return fmt.Errorf("is %q: write %s", text, want)
	}
	f.seed = &seed
	return nil
}

// threadsFlag is a number of searches, 0 for one for each core; nil if not given.
type threadsFlag struct{ threads *int }

// Decode reads the flag's value.
func (f *threadsFlag) Decode(c *kong.DecodeContext) error {
	const want = "1 to 1024, or 0 for one for each core"
	text, err := word(c, want)
	if err != nil {
		return err
	}
	threads, err := strconv.Atoi(text)
	if err != nil || threads < 0 || threads > 1024 {
		return fmt.Errorf("is %q: write %s", text, want)
	}
	f.threads = &threads
	return nil
}

// word returns the value after a flag, even if it begins with a hyphen.
func word(c *kong.DecodeContext, want string) (string, error) {
	t := c.Scan.Pop()
	if text := t.String(); !t.IsEOL() && !strings.HasPrefix(text, "--") {
		return text, nil
	}
	return "", fmt.Errorf("has no value: write %s", want)
}

// refuse reports a command line that cannot be understood in the same way as bad input
// of the command.
func refuse(k *kong.Context, err error, s streams) error {
	if k != nil && strings.HasPrefix(k.Command(), "route solve") {
		if failed := writeJSON(s.out, vroom.Failure(2, err)); failed != nil {
			return exit{failed, badOutput}
		}
	}
	return exit{err, badInput}
}
