package repayment

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"doorstep/auth/strictjson"
)

// findings are the first member that is malformed and the first amount that is out of range.
type findings struct {
	malformed  bool
	at         string // the malformed member
	outOfRange string
}

// object is a JSON object of a request that is read member by member.
type object struct {
	*findings
	prefix string // of its members in refusals
	of     map[string]json.RawMessage
	read   map[string]bool
}

// readObject reads a request as far as that it is an object that names no member twice.
func readObject(text []byte) (*object, *Refusal) {
	found, fault := strictjson.Members(text)
	switch {
	case fault != nil && fault.Kind == strictjson.Repeated:
		return nil, &Refusal{badRequest, told(fault.Place)}
	case fault != nil:
		return nil, &Refusal{badRequest, ""}
	}
	return objectOf(&findings{}, "", found), nil
}

// tellable is a place made of names that members could have.
var tellable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}(\[[0-9]+\]|\.[A-Za-z_][A-Za-z0-9_]{0,63})*$`)

// told is a place that was sent, as an answer repeats it: any other text could be a person's name.
func told(place string) string {
	if !tellable.MatchString(place) {
		return "…"
	}
	return place
}

func objectOf(f *findings, prefix string, found []strictjson.Member) *object {
	o := &object{f, prefix, map[string]json.RawMessage{}, map[string]bool{}}
	for _, m := range found {
		o.of[m.Name] = m.Value
	}
	return o
}

// fail notes that a member is malformed. Only the first counts.
func (o *object) fail(name string) {
	if !o.malformed {
		o.malformed, o.at = true, o.prefix+name
	}
}

// take is a member; nil if it is absent. All methods of a value take nil for an absent one, and have zero for it.
func (o *object) take(name string) *value {
	o.read[name] = true
	raw, there := o.of[name]
	if !there {
		return nil
	}
	return &value{o, name, raw}
}

// need is a member that must be there.
func (o *object) need(name string) *value {
	v := o.take(name)
	if v == nil {
		o.fail(name)
	}
	return v
}

// close fails for the members that were not read.
func (o *object) close() {
	var unknown []string
	for name := range o.of {
		if !o.read[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return
	}
	o.fail(told(slices.Min(unknown)))
}

// refusal closes the object and says what is malformed.
func (o *object) refusal() *Refusal {
	if o.close(); o.malformed {
		return &Refusal{badRequest, o.at}
	}
	return nil
}

// value is a member, or an entry of a list that is one.
type value struct {
	o    *object
	name string
	raw  json.RawMessage
}

func (v *value) fail() { v.o.fail(v.name) }

func (v *value) text() string {
	var s string
	if v == nil {
		return ""
	}
	if v.raw[0] != '"' || json.Unmarshal(v.raw, &s) != nil {
		v.fail()
	}
	return s
}

// word is a word of a closed list.
func (v *value) word(list []string) string {
	if v == nil {
		return ""
	}
	s := v.text()
	if !slices.Contains(list, s) {
		v.fail()
	}
	return s
}

func (v *value) date() Date {
	if v == nil {
		return 0
	}
	d, ok := ParseDate(v.text())
	if !ok {
		v.fail()
	}
	return d
}

func (v *value) flag() bool {
	if v == nil {
		return false
	}
	s := string(v.raw)
	if s != "true" && s != "false" {
		v.fail()
	}
	return s == "true"
}

var wholeNumber = regexp.MustCompile(`^-?[0-9]+$`)

// integer is a whole number, written without a point and without an exponent. One that is too long for an int64 is the
// nearest int64.
func (v *value) integer() *int64 {
	if v == nil {
		return nil
	}
	if !wholeNumber.Match(v.raw) {
		v.fail()
	}
	n, _ := strconv.ParseInt(string(v.raw), 10, 64) // when it is out of range, n is the nearest int64
	return &n
}

// within is an integer of a range. One outside of it is malformed.
func (v *value) within(least, most int64) *int64 {
	n := v.integer()
	if n != nil && (*n < least || *n > most) {
		v.fail()
	}
	return n
}

// minor is an amount of at most MaxMinor.
func (v *value) minor(least int64) int64 {
	if v == nil {
		return 0
	}
	n := *v.integer()
	if (n < least || n > MaxMinor) && v.o.outOfRange == "" {
		v.o.outOfRange = v.o.prefix + v.name
	}
	return n
}

// list is the entries of a list. They go by its name.
func (v *value) list() []*value {
	if v == nil {
		return nil
	}
	var raws []json.RawMessage
	if v.raw[0] != '[' || json.Unmarshal(v.raw, &raws) != nil {
		v.fail()
	}
	out := make([]*value, len(raws))
	for i, raw := range raws {
		out[i] = &value{v.o, v.name, raw}
	}
	return out
}

func (v *value) object() *object {
	if v == nil {
		return nil
	}
	found, fault := strictjson.Members(v.raw)
	if fault != nil {
		v.fail()
		return nil
	}
	return objectOf(v.o.findings, v.o.prefix+v.name+".", found)
}
