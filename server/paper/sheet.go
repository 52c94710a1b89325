package paper

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"unicode"

	"github.com/signintech/gopdf"
)

//go:embed font/sans.ttf
var font []byte

// Measures of a page, in points: A4.
const (
	width, height = 595.28, 841.89
	margin        = 62.0
	bodySize      = 11.0
	leading       = 17.0
	bottom        = height - margin
)

// sheet writes paragraphs one below the other on pages. After its first error it writes nothing.
type sheet struct {
	pdf   gopdf.GoPdf
	y     float64
	pages int
	word  string // for page, before its number
	err   error
}

func newSheet(word string) (*sheet, error) {
	s := &sheet{word: word}
	s.pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: width, H: height}})
	if err := s.pdf.AddTTFFontData("sans", font); err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	s.page()
	return s, s.err
}

func (s *sheet) do(err error) {
	if s.err == nil {
		s.err = err
	}
}

// page begins a page, with its number below.
func (s *sheet) page() {
	s.pdf.AddPage()
	s.pages++
	s.y = margin
	s.size(9)
	s.at(margin, bottom+20, fmt.Sprintf("%s %d", s.word, s.pages))
	s.size(bodySize)
}

func (s *sheet) size(points float64) { s.do(s.pdf.SetFont("sans", "", points)) }

func (s *sheet) measure(text string) float64 {
	w, err := s.pdf.MeasureTextWidth(text)
	s.do(err)
	return w
}

// at writes a text with its base line at y.
func (s *sheet) at(x, y float64, text string) {
	if text == "" || s.err != nil {
		return
	}
	s.pdf.SetXY(x, y)
	s.do(s.pdf.Text(text))
}

// room begins another page unless so much is left on this one.
func (s *sheet) room(points float64) {
	if s.y+points > bottom {
		s.page()
	}
}

func (s *sheet) title(text string) {
	s.size(20)
	s.y += 20
	for _, line := range s.lines([]piece{{text, false}}, width-2*margin) {
		s.at(margin, s.y, line)
		s.y += 27
	}
	s.size(bodySize)
	s.y += 6
}

func (s *sheet) heading(text string) {
	s.room(4 * leading) // not alone at the end of a page
	s.y += 16
	s.size(13)
	s.at(margin, s.y, text)
	s.size(bodySize)
	s.y += leading + 3
}

func (s *sheet) space() { s.y += 8 }

func (s *sheet) paragraph(pieces []piece) {
	for _, line := range s.lines(pieces, width-2*margin) {
		s.room(leading)
		s.at(margin, s.y, line)
		s.y += leading
	}
	s.y += 4
}

// fact writes a name and its value beside it; a value that is too long goes on below.
func (s *sheet) fact(name, value string) {
	const column = 190.0
	names := s.lines([]piece{{name, false}}, column-12)
	values := s.lines([]piece{{value, s.measure(value) < width-2*margin-column}}, width-2*margin-column)
	for i := range max(len(names), len(values)) {
		s.room(leading)
		if i < len(names) {
			s.at(margin, s.y, names[i])
		}
		if i < len(values) {
			s.at(margin+column, s.y, values[i])
		}
		s.y += leading
	}
}

// row writes a line of the table of instalments, the amount at its right end.
func (s *sheet) row(n, due, amount string, head bool) {
	const date, right = margin + 110, margin + 380
	s.room(leading + 4)
	s.at(margin, s.y, n)
	s.at(date, s.y, due)
	s.at(right-s.measure(amount), s.y, amount)
	if head {
		s.pdf.SetLineWidth(0.6)
		s.pdf.Line(margin, s.y+5, right, s.y+5)
		s.y += 4
	}
	s.y += leading
}

// has tells whether the font has all characters of a text.
func (s *sheet) has(text string) bool {
	for _, r := range text {
		if ok, err := s.pdf.IsCurrFontContainGlyph(r); err != nil || !ok {
			return false
		}
	}
	return true
}

// bytes ends the file.
func (s *sheet) bytes() ([]byte, error) {
	if s.err != nil {
		return nil, fmt.Errorf("write a page: %w", s.err)
	}
	var b bytes.Buffer
	if _, err := s.pdf.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write the file: %w", err)
	}
	return b.Bytes(), nil
}

// lines breaks pieces into lines of a width: at spaces, and between characters of scripts that have none. What is whole
// is never broken, not even where it is wider than a line, and neither is a number.
func (s *sheet) lines(pieces []piece, wide float64) []string {
	var out []string
	line := ""
	for _, unit := range units(pieces) {
		if line != "" && s.measure(strings.TrimRight(line+unit, " ")) > wide {
			out = append(out, strings.TrimRight(line, " "))
			line = ""
		}
		line += unit
	}
	return append(out, strings.TrimRight(line, " "))
}

// units are the parts between which a line may be broken.
func units(pieces []piece) []string {
	var out []string
	open := false // the last unit goes on
	add := func(text string) {
		if open {
			out[len(out)-1] += text
			return
		}
		out = append(out, text)
	}
	var last rune
	for _, p := range pieces {
		if p.whole {
			first := []rune(p.text)
			if len(first) == 0 {
				continue
			}
			open = open && !mayBreak(last, first[0], true)
			add(p.text)
			last, open = first[len(first)-1], true
			continue
		}
		for i, r := range []rune(p.text) {
			if open && mayBreak(last, r, i == 0) {
				open = false
			}
			add(string(r))
			last, open = r, true
		}
	}
	return out
}

// Characters that no line begins with, and that no line ends with.
const (
	closing = "，。、；：！？）》」』”’%.,;:!?)"
	opening = "（《「『“‘("
)

// mayBreak tells whether a line may end after a and begin with b; edge says that a value begins or ends between them.
func mayBreak(a, b rune, edge bool) bool {
	switch {
	case b == ' ' || strings.ContainsRune(closing, b) || strings.ContainsRune(opening, a):
		return false
	case a == ' ':
		return true
	case unicode.IsDigit(a) && unicode.IsDigit(b):
		return false
	}
	return unicode.Is(unicode.Han, a) && unicode.Is(unicode.Han, b) ||
		edge && (unicode.Is(unicode.Han, a) || unicode.Is(unicode.Han, b)) || strings.ContainsRune("，。、；：！？）》", a)
}
