package record

import (
	"slices"
	"strings"
)

// HoldKind is a reason to leave a case alone. Any open hold keeps the case out of
// rounds (rule house-hold); its flags tell the conduct decision why, for every channel.
type HoldKind struct {
	Name  string
	Flags []string // of the conduct decision
	// Asked says that the person asked for it, or complains: a second person must agree to its end.
	Asked bool
	About string
}

// HoldKinds lists every kind, sorted by name.
//
// A kind is either a word of the office (stop, dispute, complaint, contact_load) or a flag of
// the conduct profiles under its own name, as imports use them. Where the two
// differ, the office's word is the wider one: a dispute that has just been raised
// has not been verified, so it sets disputed_unverified as well, which in
// some places stops every channel; disputed alone is for a debt that was verified
// and is still contested. A complaint always sets both of its flags, because
// profiles differ in which they read.
func HoldKinds() []HoldKind { return slices.Clone(holdKinds[:]) }

var holdKinds = [...]HoldKind{
	{"bankrupt", []string{"bankrupt"}, false, "insolvency proceedings protect the debtor"},
	{"breathing_space", []string{"breathing_space"}, false, "a moratorium granted by law"},
	{"cease_visit", []string{"cease_visit"}, true, "the person asked for no more visits"},
	{"cease_written", []string{"cease_written", "cease_visit"}, true, "the person asked in writing for no more contact"},
	{"complaint", []string{"complaint_open", "complaint_open_visit"}, true, "a complaint is being looked into"},
	{"complaint_open", []string{"complaint_open", "complaint_open_visit"}, true, "a complaint is being looked into"},
	{"complaint_open_visit", []string{"complaint_open", "complaint_open_visit"}, true,
		"a complaint about a visit is being looked into"},
	{"contact_load", nil, false, "the debtor was contacted as often as the lender allows; it ends by itself"},
	{"deceased", []string{"deceased"}, false, "the debtor is reported dead"},
	{"dispute", []string{"disputed", "disputed_unverified"}, true,
		"the person disputes the debt and it is not verified yet"},
	{"disputed", []string{"disputed"}, true, "the debt was verified and is still disputed"},
	{"disputed_unverified", []string{"disputed", "disputed_unverified"}, true,
		"the person disputes the debt and it is not verified yet"},
	{"lacks_capacity", []string{"lacks_capacity"}, false, "the debtor cannot decide about money at present"},
	{"mental_health_crisis_moratorium", []string{"mental_health_crisis_moratorium"}, false,
		"a moratorium during crisis treatment"},
	{"plan_performing", []string{"plan_performing"}, false, "a repayment plan kept elsewhere is being met"},
	{"represented", []string{"represented"}, true, "an attorney or debt adviser speaks for the debtor"},
	{"sensitive_occasion", []string{"sensitive_occasion"}, false, "bereavement, calamity, marriage or festival"},
	{"stop", []string{"cease_visit"}, false, "the office stops visits, for a reason of its own"},
	{"vulnerable", []string{"vulnerable"}, false, "the debtor is vulnerable: only a specialist may go"},
	{"wants_lender_direct", []string{"wants_lender_direct"}, true, "the person deals with the lender itself"},
}

// holdKind finds a kind by name.
func HoldKindNamed(name string) (HoldKind, bool) {
	i, ok := slices.BinarySearchFunc(holdKinds[:], name, func(k HoldKind, n string) int {
		return strings.Compare(k.Name,
			n)
	})
	if !ok {
		return HoldKind{}, false
	}
	return holdKinds[i], true
}
