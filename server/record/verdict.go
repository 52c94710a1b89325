package record

import "time"

// Verdict is a conduct decision as it is kept: enough to explain it under the law of
// its day. It holds codes only, since it stands in the clear for ever.
type Verdict struct {
	// Phase is when the law was asked: plan, dispatch, door, sync or alert.
	Phase string `json:"phase" is:"server"`
	// At is the time that was judged, in UTC.
	At     time.Time `json:"at,omitzero"`
	Answer string    `json:"decision" is:"decisions"`
	Reason string    `json:"reason,omitempty" is:"id"`
	Rule   string    `json:"rule,omitempty" is:"id"`
	All    []Hit     `json:"all,omitempty"`
	Cite   []string  `json:"cite,omitempty" is:"id"`
	Policy string    `json:"policy_hash,omitempty" is:"id"`
}

// Allowed tells whether the decision allows the act.
func (v *Verdict) Allowed() bool { return v.Answer == "allow" }

// Hit is a reason and the rule that gives it.
type Hit struct {
	Reason string `json:"reason" is:"id"`
	Rule   string `json:"rule" is:"id"`
}
