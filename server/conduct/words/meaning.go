package words

import "slices"

// meaning judges what the text says, by the rules.
func (j *judged) meaning() {
	for _, s := range j.readings {
		j.byRules(s, func(reason string, at span) { j.addSpan(reason, s.tokens, at) })
	}
}

// values judges each value by itself, as a bad one says the same in any text.
func (j *judged) values() {
	for _, p := range j.pieces {
		v, has := j.Vars[p.text]
		if !p.is || !has {
			continue
		}
		for _, joined := range []bool{false, true} {
			s := j.book.search(tokenize([]piece{{text: v, to: len([]rune(v))}}, joined), primary(j.Language))
			j.byRules(s, func(reason string, _ span) {
				if p.text == "sender_name" && (reason == FalseConsequence || reason == Threat) {
					reason = FakeAuthority // the name of a court, or of the police
				}
				j.add(reason, "vars."+p.text, v)
			})
		}
	}
}

func (j *judged) byRules(s *searched, tell func(reason string, at span)) {
	for i := range j.book.rules {
		r := &j.book.rules[i]
		if r.Reason == "" || len(r.Steps) > 0 && !slices.Contains(r.Steps, j.Step) {
			continue
		}
		found, tied := s.hits(r)
		for _, at := range found {
			tell(r.Reason, at)
		}
		for _, at := range tied {
			tell(Threat, at)
		}
	}
}
