package conduct

import "math"

// mask is a set of codes of one closed list.
type mask uint16

const every = mask(math.MaxUint16)

func (m mask) has(code int) bool { return code >= 0 && m&(1<<code) != 0 }

// rule holds the fields that all kinds of rules have.
type rule struct {
	id       string
	reason   int // index into the policy's reasons
	channels mask
	places   mask
	cite     []string
	unless   []lift
	// agencyOnly rules do not bind the lender itself; placeKnown rules do not bind an act whose place is not known.
	agencyOnly, placeKnown bool
}

// lift is one way to lift a rule: a consent's scope or the age of the debt.
type lift struct {
	scope   string
	days    int32 // how many local dates a consent lifts the rule, from the one on which it was given; 0: until it ends
	pastDue int   // if scope is "": lifted at more days past due than this
}

// span is [from, to) in seconds of the day; to may be 86400.
type span struct{ from, to int64 }

type hoursRule struct {
	rule
	days         mask // of weekdays
	allow        []span
	endInclusive bool
}

type closedRule struct {
	rule
	days     mask
	holidays bool
}

// capRule is a cap (at most max contacts in the window) or a cool-down (no contact for n days after one).
type capRule struct {
	rule
	counts      mask // of results; every counts attempts
	scope       scopeKind
	max         int
	window      windowKind
	n           int
	presumptive bool
}

type scopeKind uint8

const (
	scopeCase scopeKind = iota
	scopeDebt
	scopeNumber
	scopeDebtor
)

type windowKind uint8

const (
	rollingDays windowKind = iota // local dates, today is the first; calendar_day is one of them
	calendarMonth
)

// partyRow holds a profile's rules for one party.
type partyRow struct {
	id            string // <profile>-party-<party>
	cite          []string
	allow         bool
	allowIfFlag   []string
	unless        []lift
	purposes      mask
	disclose      bool
	stopOnRefusal bool
	refusedFlag   string
	max           int // of contacts ever; 0 is no cap
}

type placeMode uint8

const (
	placeSilent placeMode = iota
	placeAllow
	placeDeny
	placeNeedsConsent
	placeNeedsFlag
	placeEmployer
)

var placeModes = map[string]placeMode{"allow": placeAllow, "deny": placeDeny, "unless_consent": placeNeedsConsent,
	"deny_unless_requested": placeNeedsConsent, "unless_flag_home_unavailable": placeNeedsFlag,
	"unless_employer_prohibits": placeEmployer}

type placeRule struct {
	id   string // <profile>-place-<place>
	mode placeMode
}

type requestsRule struct {
	id                      string
	cite                    []string
	times, places, channels bool
}

type channelRule struct {
	rule
	needsTag     string
	denyIfOptOut bool
	needsConsent string
}

type stopRule struct {
	rule
	flag         string // "" always stops
	maxDays      int32  // 0 is no end
	unlessFlags  []string
	unlessParty  mask
	allowPurpose mask
}

type noticeRule struct {
	rule
	agency   bool
	minDays  int
	forms    []string
	contents []string
	short    int // the reason if the notice was sent too late
}

type teamRule struct {
	rule
	minAgents int
	needs     []int // codes of papers
}

type onsiteRule struct {
	rule
	event        int
	needsConsent string
	after, needs int // codes of onsites, or none
	forbidden    bool
}

type contentRule struct {
	rule
	forbid            []string
	forbidUndisclosed []string // when the debt may not be disclosed
}

type historyNeed struct {
	channel int
	min     int
}

type lastResortRule struct {
	rule
	needs []historyNeed
	flag  string
}

// profile is a profile with its rules compiled.
type profile struct {
	Profile
	effective int32 // day; math.MinInt32 when none is given
	// national profiles are law of their own: they extend base, directly or by others. The rest are overlays.
	national bool
	// answerDays are the calendar days in which a complaint has to be answered; 0 where the profile names none.
	answerDays int
	// answerWorkingDays are the same in working days of the profile's calendar, and answerCite the sources of both.
	answerWorkingDays int
	answerCite        []string

	hours      []hoursRule
	closed     []closedRule
	caps       []capRule
	cooldowns  []capRule
	hasParties bool
	parties    [len(parties)]*partyRow
	partiesID  string
	places     [len(places)]placeRule
	placesCite []string
	requests   *requestsRule
	channels   []channelRule
	stops      []stopRule
	notices    []noticeRule
	team       []teamRule
	recording  []rule
	onsite     []onsiteRule
	content    []contentRule
	lastResort []lastResortRule
}
