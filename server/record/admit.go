package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// Admission says of a report that waited in the quarantine who accepted it, and what they
// corrected, or of a correction by the office who made it, and of what. The item, or the record
// that is superseded, keeps the whole of what was recorded.
type Admission struct {
	// Item is the id of the item, in the branch where the report was accepted; "" for a correction by the office.
	Item string      `json:"item,omitempty" is:"server"`
	By   auth.UserID `json:"by" is:"server"`
	At   time.Time   `json:"at"`
	// Corrected are the names of the members that were corrected; none: it is as it was sent.
	Corrected []string `json:"corrected,omitempty" is:"server"`
	// Sent are those members as they were before, as one object: one that was not said is not in
	// it. If they are larger than 16 KiB only the item has them.
	Sent   seal.JSON `json:"sent,omitzero" most:"16384"`
	Reason seal.Text `json:"reason,omitzero" most:"200"`
}

// mostSent is how many bytes of what was corrected are kept beside the record.
const mostSent = 16 << 10

// Mended is a report that was read with corrected members in the place of those sent.
type Mended struct {
	State any // as of Read
	// Names are the members whose values differ from those sent, sorted.
	Names []string
	// Sent are those members as they were sent, where they were.
	Sent json.RawMessage
	// Claimed is when it happened as the phone said, zero if it did not say so readably; At is
	// when it happened as the report says now.
	Claimed, At time.Time
}

// ReadMended reads what a phone said with corrected members in the place of those it sent; null
// takes a member away. The members that may be corrected are those that a phone may say, and what
// comes of it goes through the checks of Read. WasSent knows what the phone sent again. The
// refusal names the place.
func (k Kind) ReadMended(sent, corrected json.RawMessage, now time.Time) (Mended, *refusal.Error) {
	var out Mended
	by, bad := readObject(corrected, "corrected")
	if bad != nil {
		return out, bad
	}
	whole, bad := readObject(sent, "")
	if bad != nil {
		return out, bad
	}
	out.Claimed = claimedIn(whole)
	was := object{}
	may := k.ReportMembers()
	for name, value := range by {
		if !slices.ContainsFunc(may, func(m Member) bool { return m.Name == name }) {
			return out, invalid("quarantine.member", "corrected",
				"correct members that a phone may say of such a record; others are the server's own or not known here")
		}
		if offline.SameJSON(whole[name], value) {
			continue
		}
		if text, ok := whole[name]; ok && !isNull(text) {
			was[name] = text
		}
		whole[name] = value
		out.Names = append(out.Names, name)
	}
	slices.Sort(out.Names)
	if len(was) > 0 {
		out.Sent = encodeRaw(was)
	}
	if out.State, bad = k.Read(encodeRaw(whole), now); bad != nil {
		return out, bad
	}
	if t, ok := out.State.(interface{ taken() *Taken }); ok {
		t.taken().Said = seal.NewText(k.sentHash(sent))
	}
	out.At = claimedIn(whole)
	return out, nil
}

// claimedIn is when it happened as a report says: its at, or that of the check-in; zero if it
// does not say so readably.
func claimedIn(report object) time.Time {
	var at time.Time
	if json.Unmarshal(report["at"], &at) == nil && !at.IsZero() {
		return at
	}
	var fix struct {
		At time.Time `json:"at"`
	}
	if json.Unmarshal(report["check_in"], &fix) != nil {
		return time.Time{}
	}
	return fix.At
}

// WasSent tells whether a stored record was made from a report that says what this one says,
// though the report alone is refused: its members were corrected. The state must be opened.
func (k Kind) WasSent(stored any, report json.RawMessage) bool {
	t, ok := stored.(interface{ taken() *Taken })
	return ok && t.taken().Admitted != nil && t.taken().Said.Plain() == k.sentHash(report)
}

// sentHash is the hash by which a report is known, as keepSaid notes it; of one that is refused
// it is that of its meaning.
func (k Kind) sentHash(report json.RawMessage) string {
	if state, bad := k.Read(report, time.Time{}); bad == nil {
		if hash, err := k.hash(state); err == nil {
			return hash
		}
	}
	sum := sha256.Sum256(offline.Meaning(report))
	return hex.EncodeToString(sum[:])
}

// Admission says who accepted the report and what they corrected.
func (m *Mended) Admission(item string, by auth.UserID, at time.Time, reason string) *Admission {
	a := &Admission{Item: item, By: by, At: at, Corrected: m.Names, Reason: seal.NewText(reason)}
	if len(m.Sent) > 0 && len(m.Sent) <= mostSent {
		// What was read as JSON is JSON.
		a.Sent, _ = seal.NewJSON(m.Sent)
	}
	return a
}
