package offline

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorstep/auth"
)

// Policy is how a mutation made without network meets what happened meanwhile.
// It belongs to a record's type.
type Policy string

// The policies.
const (
	// AppendOnly records are evidence: created once, never changed. A correction is a new record.
	AppendOnly Policy = "append_only"
	// ServerOwned records are the server's; phones may patch the few fields named in Rules.
	ServerOwned Policy = "server_owned"
	// Decision records are agreed between people: a change holds only against the exact
	// revision it was made on, and two versions are never merged. A device knows what it wrote
	// itself: its next change holds though the answer to the one before was lost (M4).
	Decision Policy = "decision"
	// Merge records are one person's, who writes them on several devices. Their fields are merged one by one: where two
	// devices wrote the same, the first stays, and the record keeps the other value beside it.
	Merge Policy = "merge"
)

// Rules are what Rule must know of a type.
type Rules struct {
	Policy Policy
	// PhoneFields are the fields a phone may patch in a ServerOwned record.
	PhoneFields []string
}

// Codes of a Ruling. The domain adds its own validation codes.
const (
	CodeAppendOnly  = "append_only"         // evidence never changes
	CodeServerOwned = "server_owned"        // the phone may not write this
	CodeStale       = "stale"               // of a conflict: another writer was first
	CodeUnknownType = "unknown_type"        // phones do not write records of this type, or not_yet: it is not known
	CodeMidReused   = "mid_reused"          // the mid stands for another payload
	CodeOp          = "validation.op"       // the operation does not exist, or not for this type
	CodeFields      = "validation.fields"   // fields is not an object, or empty
	CodeRequires    = "validation.requires" // a mutation this one needs was refused
	// CodeRequiresMissing: a mutation this one needs has not come within 7 days.
	CodeRequiresMissing = "requires_missing"
)

// Current is how the record of a mutation stands on the server.
type Current struct {
	// Rev is its revision, 0 when there never was such a record. Deleted marks a tombstone.
	Rev     uint64
	Deleted bool
	// RevsAbove is what revisions are above that were given since the last restore of a backup (journal.RevsAbove): a
	// base that is not above it, and above Rev, is of what the restore took away, and what stands is older. 0: there
	// was no restore.
	RevsAbove uint64
	// InScope tells whether the caller may see the record. It says nothing about a
	// record that does not exist: the domain judges whether the caller may create it.
	InScope bool
	// Mine tells whether the caller's own user created it.
	Mine bool
	// Same tells whether the mutation says what the record says already (AppendOnly, Decision).
	Same bool
	// OwnSince is the revision since which only the caller's device has written the record (Decision);
	// Rev if another wrote it last.
	OwnSince uint64
	// Fields are the values of the phone's fields (ServerOwned, Merge); absent and null are the same.
	Fields map[string]json.RawMessage
	// Written tells who last wrote each of the phone's fields (ServerOwned, Merge).
	Written map[string]FieldWrite
}

// FieldWrite is the last write of one field: the record's revision it made, and by which device.
type FieldWrite struct {
	Rev    uint64        `json:"rev"`
	Device auth.DeviceID `json:"device"`
}

// Ruling is what the policy says of a mutation, before the domain validates it.
type Ruling struct {
	Status string // Applied, Merged, Duplicate, Conflict, Revoked or Rejected
	// Nothing marks an Applied mutation that leaves the record as it is (M7, or equal values).
	Nothing bool
	Code    string
	Detail  string
	// Lost are the fields that another device has changed meanwhile (Merge, with Conflict), sorted: the others are
	// written.
	Lost []string
}

// Rule judges a mutation of a device against the record as it stands. It is
// pure: the same arguments give the same ruling.
func Rule(rules Rules, cur Current, device auth.DeviceID, m Mutation) Ruling {
	exists := cur.Rev > 0 && !cur.Deleted
	switch m.Op {
	case "put", "patch":
	case "delete":
		// M7: what the phone wants gone is not there, or was never there for this phone.
		// The device knows its own record even at base 0: it was created in the same queue.
		if !exists || !cur.InScope || m.Base == 0 && !cur.Mine {
			return Ruling{Status: Applied, Nothing: true}
		}
		return ruleDelete(rules.Policy, cur, device, m)
	default:
		return rejected(CodeOp, "op is put, patch or delete")
	}
	switch rules.Policy {
	case AppendOnly:
		return ruleAppendOnly(cur, exists, m)
	case ServerOwned:
		return ruleServerOwned(rules, cur, exists, device, m)
	case Decision:
		return ruleDecision(cur, exists, m)
	case Merge:
		return ruleMerge(cur, exists, device, m)
	}
	return rejected(CodeUnknownType, "phones do not write records of this type")
}

func rejected(code, detail string) Ruling {
	return Ruling{Status: Rejected, Code: code, Detail: detail}
}

func ruleDelete(p Policy, cur Current, device auth.DeviceID, m Mutation) Ruling {
	switch p {
	case Merge:
		if _, foreign := meet(cur, device, m.Base, nil); foreign {
			return Ruling{Status: Conflict, Code: CodeStale, Detail: "another device has changed it meanwhile"}
		}
		return Ruling{Status: Applied}
	case AppendOnly:
		return rejected(CodeAppendOnly, "evidence is never deleted; record a correction that supersedes it")
	case ServerOwned:
		return rejected(CodeServerOwned, "the record is the server's")
	case Decision:
		return rejected(CodeOp, "what was agreed is not deleted; change its state")
	}
	return rejected(CodeUnknownType, "phones do not write records of this type")
}

func ruleAppendOnly(cur Current, exists bool, m Mutation) Ruling {
	strange := cur.Rev > 0 && !cur.InScope && !cur.Mine // a record the caller must not learn of
	switch {
	case m.Op == "patch" && (cur.Rev == 0 || strange):
		return rejected(CodeAppendOnly, "records of this type are created whole, by a put")
	case cur.Rev == 0:
		return Ruling{Status: Applied}
	case strange:
		return Ruling{Status: Revoked}
	case exists && m.Op == "put" && cur.Same:
		return Ruling{Status: Duplicate}
	}
	return rejected(CodeAppendOnly, "the record exists and never changes; record a new one that supersedes it")
}

func ruleServerOwned(rules Rules, cur Current, exists bool, device auth.DeviceID, m Mutation) Ruling {
	if !exists || !cur.InScope {
		// One answer for both: an id of a stranger must not differ from a free one.
		return Ruling{Status: Revoked}
	}
	if m.Op == "put" {
		return rejected(CodeServerOwned, "the record is the server's; patch the phone's own fields")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(m.Fields, &fields) != nil || len(fields) == 0 {
		return rejected(CodeFields, "fields is an object of the fields to change")
	}
	equal := true
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(rules.PhoneFields, name) {
			// The name is not repeated: it came from outside, and receipts are kept for ever.
			if len(rules.PhoneFields) == 0 {
				return rejected(CodeServerOwned, "the record is the server's")
			}
			return rejected(CodeServerOwned, "the phone may write only "+strings.Join(rules.PhoneFields, ", "))
		}
		equal = equal && SameJSON(cur.Fields[name], fields[name])
	}
	lost, foreign := meet(cur, device, m.Base, fields)
	switch {
	case len(lost) > 0:
		return Ruling{Status: Conflict, Code: CodeStale, Detail: "another device has changed " + lost[0] + " meanwhile"}
	case foreign && !equal:
		return Ruling{Status: Merged}
	}
	return Ruling{Status: Applied, Nothing: equal}
}

// meet merges the fields of a change that was made on a revision into a record (M4, M5): lost are those that another
// device has given another value since, sorted; foreign tells that another device has written any field since. The
// device knows its own writes: its queue holds edits that were all made on one revision, before the answer to the first
// of them came.
func meet(cur Current, device auth.DeviceID, base uint64, fields map[string]json.RawMessage) (lost []string,
	foreign bool) {
	for name, last := range cur.Written {
		known := base <= max(cur.Rev, cur.RevsAbove) // another base is made up
		if last.Rev <= base && known || last.Device == device {
			continue
		}
		foreign = true
		if value, named := fields[name]; named && !SameJSON(cur.Fields[name], value) {
			lost = append(lost, name)
		}
	}
	slices.Sort(lost)
	return lost, foreign
}

// ruleMerge judges a mutation whose fields are the members that it changes, null for those it takes away.
func ruleMerge(cur Current, exists bool, device auth.DeviceID, m Mutation) Ruling {
	if cur.Rev == 0 && m.Op == "put" {
		return Ruling{Status: Applied}
	}
	if !exists || !cur.InScope {
		return Ruling{Status: Revoked} // one answer for what is deleted, another's and not there
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(m.Fields, &fields) != nil {
		return rejected(CodeFields, "fields is an object of the fields to change")
	}
	equal := true
	for name, value := range fields {
		equal = equal && SameJSON(cur.Fields[name], value)
	}
	lost, foreign := meet(cur, device, m.Base, fields)
	switch {
	case len(lost) > 0:
		return Ruling{Status: Conflict, Code: CodeStale, Lost: lost,
			Detail: "another device has changed the same members meanwhile; the record keeps both values"}
	case equal:
		return Ruling{Status: Applied, Nothing: true}
	case foreign:
		return Ruling{Status: Merged}
	}
	return Ruling{Status: Applied}
}

func ruleDecision(cur Current, exists bool, m Mutation) Ruling {
	switch {
	case cur.Rev == 0 && m.Op == "put":
		return Ruling{Status: Applied}
	case !exists || !cur.InScope:
		return Ruling{Status: Revoked}
	case cur.Same:
		return Ruling{Status: Duplicate}
	case m.Base > cur.Rev || m.Base < cur.OwnSince:
		return Ruling{Status: Conflict, Code: CodeStale,
			Detail: "the record was changed meanwhile; both versions are kept and a supervisor decides"}
	}
	return Ruling{Status: Applied}
}

// SameJSON tells whether two JSON values are equal, whatever their spelling, numbers by value; absent and null are the
// same.
func SameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, xok := value(a)
	y, yok := value(b)
	return xok && yok && reflect.DeepEqual(oneValue(x, number), oneValue(y, number))
}

func value(raw json.RawMessage) (v any, ok bool) {
	if len(raw) == 0 {
		return nil, true
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // 2^53+1 and 2^53 differ
	return v, d.Decode(&v) == nil
}

// Canonical is one spelling for all spellings of a JSON value: members in the order
// of their names and without those that are null, numbers by value. nil for a text that is not JSON.
func Canonical(raw json.RawMessage) []byte {
	v, ok := value(raw)
	if !ok {
		return nil
	}
	text, err := json.Marshal(oneValue(v, number))
	if err != nil {
		return nil
	}
	return text
}

// Meaning is Canonical with one spelling for an instant too: what two texts with the same meaning have
// in common (M1). nil for a text that is not JSON.
func Meaning(raw json.RawMessage) []byte {
	v, ok := value(raw)
	if !ok {
		return nil
	}
	text, err := json.Marshal(oneSpelling(v))
	if err != nil {
		return nil
	}
	return text
}

// oneSpelling is Canonical's way with numbers, and the same for times: an instant has
// one spelling, in UTC.
func oneSpelling(v any) any {
	return oneValue(v, func(v any) any {
		if text, ok := v.(string); ok {
			if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
				return at.UTC().Format(time.RFC3339Nano)
			}
		}
		return number(v)
	})
}

// oneValue gives a value without members that are null, its leaves respelled.
func oneValue(v any, leaf func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if x == nil {
				delete(v, name)
			} else {
				v[name] = oneValue(x, leaf)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = oneValue(v[i], leaf)
		}
		return v
	}
	return leaf(v)
}

// number gives a JSON number its shortest spelling by value, exactly: 1e3, 1000.0 and
// 1000 are one. Numbers of more than 60 digits, and other values, stay as they are.
func number(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	text, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil {
			return v
		}
	}
	text, negative := strings.CutPrefix(text, "-")
	whole, part, _ := strings.Cut(text, ".")
	shift -= len(part)
	digits := strings.TrimLeft(whole+part, "0")
	for strings.HasSuffix(digits, "0") {
		digits, shift = digits[:len(digits)-1], shift+1
	}
	switch {
	case digits == "":
		return json.Number("0")
	case shift < -60 || shift > 60 || len(digits) > 60:
		return v
	case shift >= 0:
		digits += strings.Repeat("0", shift)
	default:
		digits = strings.Repeat("0", max(0, 1-shift-len(digits))) + digits
		digits = digits[:len(digits)+shift] + "." + digits[len(digits)+shift:]
	}
	if negative {
		digits = "-" + digits
	}
	return json.Number(digits)
}
