package words

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A pattern is a row of items, as README.md says: words, (a | b), [optional], <list>, gaps, numbers, variables.

type itemKind uint8

const (
	literal      itemKind = iota + 1
	choice                // one of several rows
	optional              // likewise, or nothing
	listed                // <name>
	gap                   // ...
	anyNumber             // #
	beginning             // ^: a sentence begins here
	ending                // $: a sentence ends here
	commaHere             // ,: a comma stands here
	anyLink               // @
	currencySign          // ¤
)

type item struct {
	kind        itemKind
	text        string // of a word; the list's name
	open, close bool   // the word may have more before it, after it
	rows        [][]item
	most        int // words that a gap spans
}

var errEnd = errors.New("the pattern ends within a bracket")

// parsePattern reads the rows of a pattern: alternatives, with | between them.
func parsePattern(s string) ([][]item, error) {
	p := parser{in: []rune(s)}
	rows, err := p.rows(0)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", s, err)
	}
	return rows, nil
}

type parser struct {
	in []rune
	at int
}

// rows reads alternatives up to the closing bracket, which is 0 for the end of the text.
func (p *parser) rows(closing rune) ([][]item, error) {
	var rows [][]item
	var row []item
	for {
		for p.at < len(p.in) && unicode.IsSpace(p.in[p.at]) {
			p.at++
		}
		if p.at == len(p.in) {
			if closing != 0 {
				return nil, errEnd
			}
			return appendRow(rows, row)
		}
		c := p.in[p.at]
		p.at++
		switch c {
		case closing:
			return appendRow(rows, row)
		case '|':
			var err error
			if rows, err = appendRow(rows, row); err != nil {
				return nil, err
			}
			row = nil
		case '(', '[':
			closes, kind := ')', choice
			if c == '[' {
				closes, kind = ']', optional
			}
			in, err := p.rows(closes)
			if err != nil {
				return nil, err
			}
			row = append(row, item{kind: kind, rows: in})
		case ')', ']', '>', '}':
			return nil, fmt.Errorf("%c closes nothing", c)
		case '<', '{':
			closes, kind := '>', listed
			if c == '{' {
				closes, kind = '}', literal
			}
			name, err := p.until(closes)
			if err != nil {
				return nil, err
			}
			if kind == literal {
				name = "{" + name + "}"
			}
			row = append(row, item{kind: kind, text: name})
		case '#':
			row = append(row, item{kind: anyNumber})
		case '@':
			row = append(row, item{kind: anyLink})
		case '¤':
			row = append(row, item{kind: currencySign})
		case ',':
			row = append(row, item{kind: commaHere})
		case '^':
			row = append(row, item{kind: beginning})
		case '$':
			row = append(row, item{kind: ending})
		default:
			p.at--
			items, err := p.word()
			if err != nil {
				return nil, err
			}
			row = append(row, items...)
		}
	}
}

func appendRow(rows [][]item, row []item) ([][]item, error) {
	if len(row) == 0 {
		return nil, errors.New("an alternative is empty")
	}
	return append(rows, row), nil
}

func (p *parser) until(closing rune) (string, error) {
	for i := p.at; i < len(p.in); i++ {
		if p.in[i] == closing {
			name := string(p.in[p.at:i])
			p.at = i + 1
			return name, nil
		}
	}
	return "", errEnd
}

// word reads a word, folded as texts are, with its stars; or a gap.
func (p *parser) word() ([]item, error) {
	from := p.at
	for p.at < len(p.in) && !unicode.IsSpace(p.in[p.at]) && !strings.ContainsRune("()[]<>{}|#^$@¤,", p.in[p.at]) {
		p.at++
	}
	s := string(p.in[from:p.at])
	if rest, is := strings.CutPrefix(s, "..."); is {
		most := 3
		if rest != "" {
			n, err := strconv.Atoi(rest)
			if err != nil || n < 1 || n > 20 {
				return nil, fmt.Errorf("%s: a gap is of 1 to 20 words", s)
			}
			most = n
		}
		return []item{{kind: gap, most: most}}, nil
	}
	open, closed := strings.HasPrefix(s, "*"), strings.HasSuffix(s, "*")
	var items []item
	for _, k := range tokenize([]piece{{text: strings.Trim(s, "*")}}, false) {
		items = append(items, item{kind: literal, text: k.text})
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%q is no word", s)
	}
	items[0].open, items[len(items)-1].close = open, closed
	return items, nil
}

// fits tells whether a word is the item's.
func (it *item) fits(k *token) bool {
	if it.same(k.text) {
		return true
	}
	for _, o := range k.others {
		if it.same(o) {
			return true
		}
	}
	return false
}

func (it *item) same(w string) bool {
	switch {
	case it.open && it.close:
		return strings.Contains(w, it.text)
	case it.open:
		return strings.HasSuffix(w, it.text)
	case it.close:
		return strings.HasPrefix(w, it.text)
	}
	return w == it.text
}

// span is where a pattern was found: tokens from i until before n.
type span struct{ i, n int }

// reading is a text that is searched, with what was found so far.
type reading struct {
	tokens []token
	lang   *language
	found  map[string][]span
}

// find returns where the patterns of a list match: for each beginning, each alternative's nearest end.
func (r *reading) find(name string) []span {
	if s, done := r.found[name]; done {
		return s
	}
	r.found[name] = nil // a list does not refer to itself; readLanguage sees to it
	var out []span
	rows := r.lang.lists[name]
	for i := range r.tokens {
		for j := range rows {
			if len(rows[j]) > 0 && rows[j][0].kind == literal && !rows[j][0].fits(&r.tokens[i]) {
				continue
			}
			r.match(rows[j], i, r.tokens[i].sentence, func(n int) bool {
				out = append(out, span{i, n})
				return true
			})
		}
	}
	r.found[name] = out
	return out
}

// match matches a row from token i on, in the given sentence, and calls then with each end until it returns true.
func (r *reading) match(row []item, i, sentence int, then func(n int) bool) bool {
	if len(row) == 0 {
		return then(i)
	}
	it, rest := &row[0], row[1:]
	next := func(n int) bool { return r.match(rest, n, sentence, then) }
	inside := i < len(r.tokens) && r.tokens[i].sentence == sentence
	switch it.kind {
	case literal:
		return inside && it.fits(&r.tokens[i]) && next(i+1)
	case anyNumber:
		return inside && r.tokens[i].kind == number && next(i+1)
	case anyLink:
		return inside && r.tokens[i].kind == link && next(i+1)
	case currencySign:
		return inside && r.tokens[i].kind == sign && unicode.Is(unicode.Sc, []rune(r.tokens[i].text)[0]) && next(i+1)
	case beginning:
		return (i == 0 || i < len(r.tokens) && r.tokens[i-1].sentence != sentence) && next(i)
	case ending:
		return (i == len(r.tokens) || r.tokens[i].sentence != sentence) && next(i)
	case commaHere:
		return inside && r.tokens[i].comma && next(i)
	case choice, optional:
		for _, alt := range it.rows {
			if r.match(alt, i, sentence, next) {
				return true
			}
		}
		return it.kind == optional && next(i)
	case listed:
		if !inside {
			return false
		}
		for _, s := range r.find(it.text) {
			if s.i == i && next(s.n) {
				return true
			}
		}
	case gap:
		room := 2 * it.most // a Chinese character is half a word
		for n := i; ; n++ {
			if next(n) {
				return true
			}
			if n >= len(r.tokens) || r.tokens[n].sentence != sentence {
				return false
			}
			room -= 2
			if r.tokens[n].han {
				room++
			}
			if room < 0 {
				return false
			}
		}
	}
	return false
}
