package words

import "slices"

// Release is the word of a person that one reason does not hold for one text.
type Release struct {
	Reason string // a code
	Text   string // what stood at the place; "" releases the reason wherever it was found
}

// releasable are the reasons that judge meaning. What T1 to T5 count or look up holds whoever says otherwise.
var releasable = []string{Threat, Shame, ThirdParty, FakeAuthority, Urgency, LumpSumPressure, UnknownLanguage}

// Releasable tells whether a person may release a reason: the rules may be wrong about what a text means, and not about
// what it lacks, leaks or counts.
func Releasable(reason string) bool { return slices.Contains(releasable, reason) }

// Released takes the reasons out of an answer that a second person released, and passes the text when none is left.
// Who that person is, and why, the caller keeps. A reason that is not Releasable stays.
func Released(a Answer, releases []Release) Answer {
	a.Reasons = slices.DeleteFunc(slices.Clone(a.Reasons), func(r Reason) bool {
		return Releasable(r.Reason) && slices.ContainsFunc(releases, func(x Release) bool {
			return x.Reason == r.Reason && (x.Text == "" || x.Text == r.Text)
		})
	})
	if a.Verdict = Refuse; len(a.Reasons) == 0 {
		a.Verdict, a.Reasons = Pass, []Reason{}
	}
	return a
}
