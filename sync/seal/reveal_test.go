package seal_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"doorstep/geo"
	"doorstep/sync/seal"
)

// partsOf are the sealed parts as they stand in an entry.
func partsOf(t *testing.T, data []byte) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	check(t, json.Unmarshal(data, &m))
	return m
}

func TestARevealChecksOutAgainstTheEntryAlone(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	data := sealed(t, v, debtor, branch, "cases", "c1")
	doc := read(t, data)
	if r := seal.Reveals(doc); len(r) != 0 {
		t.Fatalf("a closed document reveals %d parts", len(r))
	}
	check(t, v.OpenDoc(context.Background(), debtor, branch, "cases", "c1", doc))
	reveals := seal.Reveals(doc)
	if len(reveals) != 3 {
		t.Fatalf("%d parts are revealed, want 3", len(reveals))
	}
	parts := partsOf(t, data)
	for _, r := range reveals {
		// As an export carries it.
		wire, err := json.Marshal(r)
		check(t, err)
		var got seal.Reveal
		check(t, json.Unmarshal(wire, &got))
		if err := got.Check(parts[got.Field]); err != nil {
			t.Errorf("%s: %v", got.Field, err)
		}
		for what, bad := range map[string]seal.Reveal{
			"another salt":    {Field: got.Field, Salt: append([]byte{got.Salt[0] ^ 1}, got.Salt[1:]...), Value: got.Value},
			"no salt":         {Field: got.Field, Value: got.Value},
			"no value":        {Field: got.Field, Salt: got.Salt},
			"an empty text":   {Field: got.Field, Salt: got.Salt, Value: json.RawMessage(`""`)},
			"a shorter value": {Field: got.Field, Salt: got.Salt, Value: got.Value[:len(got.Value)-1]},
			"another text":    {Field: got.Field, Salt: got.Salt, Value: json.RawMessage(`"Amelia"`)},
			"another place":   {Field: got.Field, Salt: got.Salt, Value: json.RawMessage(`[-86291053,411579439]`)},
		} {
			if err := bad.Check(parts[got.Field]); !errors.Is(err, seal.ErrReveal) {
				t.Errorf("%s with %s: %v", got.Field, what, err)
			}
		}
		for field, part := range parts {
			if field != got.Field {
				if err := got.Check(part); !errors.Is(err, seal.ErrReveal) {
					t.Errorf("%s checks out against %s: %v", got.Field, field, err)
				}
			}
		}
	}
	byField := map[string]string{}
	for _, r := range reveals {
		byField[r.Field] = string(r.Value)
	}
	var text string
	check(t, json.Unmarshal([]byte(byField["name"]), &text))
	if text != name || byField["home"] != "[-86291053,411579438]" {
		t.Errorf("revealed: %v", byField)
	}
}

// TestATextThatLooksLikeAPlaceIsNone: a text is revealed as a JSON string, a
// place as a list; neither passes for the other when shown to a person.
func TestATextThatLooksLikeAPlaceIsNone(t *testing.T) {
	v := open(t, newSmalls(), newClock())
	doc := &card{Case: "c1", Name: seal.NewText("[10,20]")}
	at := seal.NewPoint(geo.Point{Lon: 0.000001, Lat: 0.000002})
	doc.Home = &at
	check(t, v.SealDoc(context.Background(), debtor, branch, "cases", "c1", doc))
	data, err := json.Marshal(doc)
	check(t, err)
	parts := partsOf(t, data)
	for _, r := range seal.Reveals(doc) {
		check(t, r.Check(parts[r.Field]))
		other := map[string]string{"name": "[10,20]", "home": `"[10,20]"`}[r.Field]
		if err := (seal.Reveal{Field: r.Field, Salt: r.Salt,
			Value: json.RawMessage(other)}).Check(parts[r.Field]); !errors.Is(err, seal.ErrReveal) {
			t.Errorf("%s passes for %s: %v", r.Field, other, err)
		}
		want := map[string]string{"name": `"[10,20]"`, "home": "[10,20]"}[r.Field]
		if string(r.Value) != want {
			t.Errorf("%s is revealed as %s, want %s", r.Field, r.Value, want)
		}
	}
}
