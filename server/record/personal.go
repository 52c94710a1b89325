package record

import (
	"reflect"

	"doorstep/auth/refusal"
	"doorstep/sync/seal"
)

// Personal is a struct or a list that is sealed as a whole: observations, holds,
// signs of vulnerability. Its members are checked like those in the clear.
type Personal[T any] struct{ seal.Value[T] }

// NewPersonal makes an open value that is yet to be sealed. It panics on a T that
// has no JSON, such as a channel: T is one of this package's own types.
func NewPersonal[T any](v T) Personal[T] {
	out, err := seal.NewValue(v)
	if err != nil {
		panic("record: " + err.Error())
	}
	return Personal[T]{out}
}

// UnmarshalJSON reads what a T reads, or the sealed form. A T may have several
// spellings, and members it does not have are dropped: what is kept has one.
func (p *Personal[T]) UnmarshalJSON(data []byte) (err error) {
	if err := p.Value.UnmarshalJSON(data); err != nil || !p.IsOpen() {
		return err
	}
	p.Value, err = seal.NewValue(p.Plain())
	return err
}

// check looks at the members of the open value.
func (p *Personal[T]) check(at string) *refusal.Error {
	v := p.Plain()
	return checkValue(&Member{}, reflect.ValueOf(&v).Elem(), at)
}
