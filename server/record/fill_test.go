package record

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/auth"
	"doorstep/geo"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// noon is the server's clock in these tests.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// filler gives members values: codes of their lists, and marked texts where they are
// personal. Which members stay empty is drawn; none with a nil source.
type filler struct {
	draw *rand.Rand
	n    int
	// marks are the personal texts by the top-level member they stand in.
	marks map[string][]string
}

// filled is a new state of a kind.
func filled(k Kind, draw *rand.Rand) (any, *filler) {
	f := &filler{draw: draw, marks: map[string][]string{}}
	state := k.New()
	f.members(reflect.ValueOf(state).Elem(), "")
	return state, f
}

func (f *filler) members(v reflect.Value, top string) {
	ms := Members(v.Type())
	for i := range ms {
		m := &ms[i]
		if f.draw != nil && f.draw.IntN(3) == 0 {
			continue
		}
		name := top
		if name == "" {
			name = m.Name
		}
		f.value(m, m.of(v), name)
	}
}

func (f *filler) mark(top string) string {
	mark := fmt.Sprintf("MARK%04dEND", f.n)
	f.marks[top] = append(f.marks[top], mark)
	return mark
}

func (f *filler) value(m *Member, v reflect.Value, top string) {
	f.n++
	switch p := v.Addr().Interface().(type) {
	case *seal.Text:
		*p = seal.NewText(f.mark(top))
		return
	case *Personal[Affordability]:
		*p = NewPersonal(Affordability{Income: []MonthlyIncome{{"salary", 5}, {"benefits", 3}},
			Outgoings: []MonthlyOutgoing{{"rent_or_mortgage", 4}, {"savings", 6}}, IncomeMinor: 8, OutgoingsMinor: 10,
			SurplusMinor: -2, Method: "SFS", AsOf: "2026-11-01", Verified: true})
		return
	case *seal.Point:
		at := geo.Point{Lon: -8.6 - float64(f.n)*1e-4, Lat: 41.1}
		f.marks[top] = append(f.marks[top], fmt.Sprint(at.Lon))
		*p = seal.NewPoint(at)
		return
	case *seal.JSON:
		*p, _ = seal.NewJSON(json.RawMessage(`{"of":"` + f.mark(top) + `","whole":9223372036854775808}`))
		return
	case *json.RawMessage:
		*p = json.RawMessage(`"` + f.mark(top) + `"`)
		return
	case *geo.E7:
		*p = geo.E7{Lon: -86_000_000, Lat: 411_000_000}
		return
	case *time.Time:
		*p = noon.Add(-24*time.Hour + time.Duration(f.n)*time.Minute)
		return
	}
	switch t := v.Type(); {
	case isPart(t):
		plain := reflect.New(v.MethodByName("Plain").Type().Out(0))
		f.value(m, plain.Elem(), top)
		text, err := json.Marshal(plain.Interface())
		if err == nil {
			err = json.Unmarshal(text, v.Addr().Interface())
		}
		if err != nil {
			panic(err)
		}
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		f.value(m, v.Elem(), top)
	case t.Kind() == reflect.Struct:
		f.members(v, top)
	case t.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(t, 2, 2))
		f.value(m, v.Index(0), top)
		f.value(m, v.Index(1), top)
	case t.Kind() == reflect.String:
		v.SetString(f.word(m.Is, top))
	case t.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		n := int64(f.n)
		if m.Most > 0 {
			n = min(n, int64(m.Most))
		}
		v.SetInt(n)
	case v.CanUint():
		v.SetUint(uint64(f.n))
	default:
		panic("no value for " + top + " of type " + t.String())
	}
}

// word is a text that the is tag allows.
func (f *filler) word(is, top string) string {
	switch is {
	case "text":
		return f.mark(top)
	case "id", "server", "public":
		return fmt.Sprint("id-", f.n)
	case "type":
		return "visits"
	case "date":
		return "2026-12-01"
	case "day":
		return "mon"
	case "clock":
		return "10:00"
	case "zone":
		return "Europe/Lisbon"
	case "currency":
		return "EUR"
	case "country":
		return "PT-13"
	case "language":
		return "pt"
	case "cell":
		return "ez3"
	case "url":
		return "https://example.com/x"
	}
	list := CodesOf(is)
	if len(list) == 0 {
		panic("no word for the is tag " + is)
	}
	return list[f.n%len(list)]
}

// keys are debtors' keys in memory.
type keys struct {
	mu sync.Mutex
	by map[string][]byte
}

func (k *keys) Keys(_ context.Context, ids []string) ([][]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([][]byte, len(ids))
	for i, id := range ids {
		out[i] = k.by[id]
	}
	return out, nil
}

func (k *keys) InsertKeys(_ context.Context, ids []string, wrapped [][]byte) ([]bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]bool, len(ids))
	for i, id := range ids {
		if k.by[id] == nil {
			k.by[id], out[i] = wrapped[i], true
		}
	}
	return out, nil
}

func (k *keys) DestroyKey(_ context.Context, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.by[id] = []byte{}
	return nil
}

// vault is a vault of its own for a test.
func vault(t testing.TB) *seal.Vault {
	t.Helper()
	kek, err := seal.ParseKEK("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
	must(t, err)
	v, err := seal.Open(context.Background(), &keys{by: map[string][]byte{}}, kek, nil)
	must(t, err)
	return v
}

// stored is a state as the journal keeps it; opened is what is read of that.
func stored(t testing.TB, v *seal.Vault, k Kind, state any) json.RawMessage {
	t.Helper()
	must(t, v.SealDoc(context.Background(), journal.DebtorID("d1"), auth.BranchID("porto"), k.Name, "x1", state))
	text, err := seal.Marshal(state)
	must(t, err)
	return text
}

func opened(t testing.TB, v *seal.Vault, k Kind, text json.RawMessage) any {
	t.Helper()
	state := k.New()
	must(t, json.Unmarshal(text, state))
	must(t, seal.CheckSealed(state))
	must(t, v.OpenDoc(context.Background(), "d1", "porto", k.Name, "x1", state))
	return state
}

func show(t testing.TB, state any, to Audience) map[string]json.RawMessage {
	t.Helper()
	text, err := Show(state, to)
	must(t, err)
	out := map[string]json.RawMessage{}
	must(t, json.Unmarshal(text, &out))
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// anyOf gives the first of the marks that stand in a text; "" for none.
func anyOf(marks []string, text string) string {
	for _, m := range marks {
		if strings.Contains(text, m) {
			return m
		}
	}
	return ""
}
