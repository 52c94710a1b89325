package conduct

import "slices"

// neverDenies reports a rule that could never deny an act. Whoever wrote it meant it to: to take it in silently
// would permit what it was to forbid. A rule that states a duty or a text, which no decision reads, may be one.
func neverDenies(o object, hint string) {
	o.p.add(o.path, "this rule could never deny: %s", hint)
}

// states tells whether a rule is there to show a duty or a text.
func states(o object) bool { return o.m["obligation"] != nil || o.m["must_state"] != nil }

// covers tells whether a mask has all of the first n codes.
func (m mask) covers(n int) bool { return m&(1<<n-1) == 1<<n-1 }

// asks notes that the policy asks for flags, so that a case may have them.
func (c *compiler) asks(flags ...string) {
	for _, f := range flags {
		if f != "" {
			c.p.flags[f] = true
		}
	}
}

// forms reads the forms that a notice may have; an absent field means any.
func (c *compiler) forms(o object) []string {
	list := o.strs("form")
	if list != nil && len(list) == 0 {
		o.p.add(o.at("form"), "this is empty; leave it out to mean any form")
	}
	for i, w := range list {
		c.word(o.p, index(o.at("form"), i), forms[:], w)
	}
	return slices.Clip(list)
}
