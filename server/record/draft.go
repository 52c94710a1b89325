package record

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"time"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/auth/strictjson"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// Draft is the state of a document of type "drafts": what an agent has begun on a phone and has not sent as a record
// yet. It is private: the phones of its agent alone see it, while the agent holds the case. Neither the case file of
// the office nor an export has it, and it does not move with its debtor.
type Draft struct {
	DraftReport
	DraftFound
}

// DraftReport is what the phone says in a draft.
type DraftReport struct {
	Case journal.CaseID `json:"case" is:"id" see:"agent" need:"say which case it is for"`
	// OfType is the type of the record that it will become.
	OfType string `json:"of_type" is:"type" see:"agent" need:"say which type of record it will become, such as visits"`
	// Content is what was written so far, as the app likes it. Two phones of the agent merge it member by member: a patch
	// names those that change, and null takes one away. Names have 1 to 64 letters, digits and _.
	Content seal.JSON `json:"content,omitzero" most:"16384" see:"agent"`
}

// DraftFound is what the server says of a draft.
type DraftFound struct {
	Debtor journal.DebtorID `json:"debtor" is:"server" see:"agent"`
	By     auth.UserID      `json:"by" is:"server" see:"agent"`
	// TouchedAt is when it was changed last, by the server's clock: 30 days later it is deleted.
	TouchedAt time.Time `json:"touched_at" see:"agent"`
	// OtherValues are what another phone of the agent wrote into a member at the same time, and what did not win. Writing
	// the member again takes them away.
	OtherValues Personal[[]OtherValue] `json:"other_values,omitzero" see:"agent"`
	// Written tells who wrote each member of Content last, members that were taken away included. Their names are the
	// app's, so that they are sealed too.
	Written Personal[Written] `json:"written,omitzero" see:"none"`
}

// OtherValue is a value that a member of a draft does not have, since another phone wrote it first.
type OtherValue struct {
	Member string          `json:"member" is:"text"` // the name of the member
	Value  json.RawMessage `json:"value"`            // null: the phone took the member away
	Device auth.DeviceID   `json:"device" is:"id"`   // which phone wrote it
	At     time.Time       `json:"at"`               // when it came, by the server's clock
	Rev    uint64          `json:"rev"`              // the draft's revision that has it: a write on that takes it away
}

// Limits of a draft.
const (
	// MostDrafts is how many drafts an agent may have at a time.
	MostDrafts = 100
	// DraftsFor is how long a draft that is not changed is kept.
	DraftsFor = 30 * 24 * time.Hour

	mostDraftMembers = 200 // those that were taken away included
	mostOtherValues  = 20
	mostOtherBytes   = 16 << 10
)

var draftMember = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

func (d *DraftReport) check(time.Time) *refusal.Error {
	content := d.Content.Plain()
	if content == nil {
		return nil
	}
	members, f := strictjson.Members(content)
	if f != nil {
		return notObject(f, "content")
	}
	return checkDraftMembers(slices.Collect(maps.Keys(objectOf(members))))
}

func checkDraftMembers(names []string) *refusal.Error {
	if len(names) > mostDraftMembers {
		return invalid("validation.content", "content", "a draft has at most %d members", mostDraftMembers)
	}
	for _, name := range names {
		if !draftMember.MatchString(name) {
			return invalid("validation.content", "content", "names have 1 to 64 letters, digits and _")
		}
	}
	return nil
}

// keep takes members that are not a draft's into its content: a draft holds whatever the app writes.
func (d *Draft) keep(more object) *refusal.Error {
	content, bad := readObject(orObject(d.Content.Plain()), "content")
	if bad != nil {
		return bad
	}
	maps.Copy(content, more)
	text, err := seal.NewJSON(encodeRaw(content))
	d.Content = text
	if err != nil {
		return invalid(offline.CodeFields, "fields", "this is not a JSON object")
	}
	return nil
}

func orObject(text json.RawMessage) json.RawMessage {
	if text == nil {
		return json.RawMessage("{}")
	}
	return text
}

// DraftChanges are the members of its content that a mutation of a draft changes, by name; null takes one away. Members
// that are not a draft's count as content. The refusal names the place.
func DraftChanges(fields json.RawMessage) (map[string]json.RawMessage, *refusal.Error) {
	kind, _ := KindOf("drafts")
	all, bad := readObject(fields, "")
	if bad != nil {
		return nil, bad
	}
	more, bad := readMore(all["more"])
	if bad != nil {
		return nil, bad
	}
	out := object{}
	if text, said := all["content"]; said && !isNull(text) {
		if out, bad = readObject(text, "content"); bad != nil {
			return nil, bad
		}
	}
	maps.Copy(all, more)
	for name, value := range all {
		if name != "more" && !slices.Contains(serverNames, name) &&
			!slices.ContainsFunc(kind.Members(), func(m Member) bool { return m.Name == name }) {
			out[name] = value
		}
	}
	return out, checkDraftMembers(slices.Collect(maps.Keys(out)))
}

// Fields are the members of the content. The draft must be opened.
func (d *Draft) Fields() map[string]json.RawMessage {
	out, bad := readObject(orObject(d.Content.Plain()), "")
	if bad != nil {
		return nil // it was read as an object when it was sent
	}
	return out
}

// Merge writes members into the draft's content; null takes one away. Members of lost stay as they are, and keep what
// was sent beside them. The draft must be opened. The refusal is for a draft that would be too large.
func (d *Draft) Merge(changes map[string]json.RawMessage, lost []string, by Write, at time.Time) *refusal.Error {
	content, others := object(d.Fields()), d.OtherValues.Plain()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		value := changes[name]
		if slices.Contains(lost, name) {
			others = append(others, OtherValue{name, value, by.Device, at, by.Rev})
			continue
		}
		names = append(names, name)
		// The phone had seen those that it overwrites.
		others = slices.DeleteFunc(others, func(o OtherValue) bool { return o.Member == name && o.Rev <= by.Base })
		if isNull(value) {
			delete(content, name)
		} else {
			content[name] = value
		}
	}
	written := d.Written.Plain()
	written.Stamp(names, by)
	if len(written) > mostDraftMembers {
		return invalid("validation.content", "content", "a draft has at most %d members, with those that were taken away",
			mostDraftMembers)
	}
	text, err := seal.NewJSON(encodeRaw(content))
	if err != nil {
		return invalid("validation.content", "content", "this cannot be written as JSON again")
	}
	d.Content, d.TouchedAt = text, at
	d.Written, d.OtherValues = NewPersonal(written), NewPersonal(newestOthers(others))
	return Check(&d.DraftReport)
}

// newestOthers are the last of the values that did not win: as many as a draft keeps.
func newestOthers(others []OtherValue) []OtherValue {
	size := 0
	for i := range slices.Backward(others) {
		if size += len(others[i].Value); size > mostOtherBytes || len(others)-i > mostOtherValues {
			return others[i+1:]
		}
	}
	return others
}
