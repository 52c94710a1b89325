package factor

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// rfcSecret is the secret of the vectors of RFC 6238, appendix B, "12345678901234567890", in base32.
const rfcSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

func TestCodesAreThoseOfTheStandard(t *testing.T) {
	for _, v := range []struct {
		at   int64
		code string // the last six of the standard's eight digits
	}{{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"}, {2000000000, "279037"},
		{20000000000, "353130"}} {
		at := time.Unix(v.at, 0)
		if got, err := Code(rfcSecret, StepAt(at)); err != nil || got != v.code {
			t.Errorf("at %d the code is %s (%v), want %s", v.at, got, err, v.code)
		}
		if step, ok := Match(rfcSecret, v.code, at, 0); !ok || step != StepAt(at) {
			t.Errorf("at %d the code %s is of step %d, %t", v.at, v.code, step, ok)
		}
	}
}

func TestACodeIsGoodOnceWithinItsWindow(t *testing.T) {
	at := time.Unix(1_800_000_015, 0)
	now := StepAt(at)
	for _, c := range []struct {
		what  string
		step  Step // whose code is sent
		last  Step // the step accepted last
		taken bool
	}{
		{"the present one", now, 0, true},
		{"the one before", now - 1, 0, true},
		{"the one after", now + 1, 0, true},
		{"two before", now - 2, 0, false},
		{"two after", now + 2, 0, false},
		{"the present one again", now, now, false},
		{"the one before, after the present one", now - 1, now, false},
		{"the one after, after the present one", now + 1, now, true},
		{"the present one, after one ahead", now, now + 1, false},
	} {
		code, err := Code(rfcSecret, c.step)
		if err != nil {
			t.Fatal(err)
		}
		step, ok := Match(rfcSecret, code[:3]+" "+code[3:], at, c.last)
		if ok != c.taken || ok && step != c.step {
			t.Errorf("%s: %t, step %d of %d", c.what, ok, step, c.step)
		}
	}
	for _, code := range []string{"", "1", "12345", "1234567", "abcdef", "١٢٣٤٥٦"} {
		if _, ok := Match(rfcSecret, code, at, 0); ok {
			t.Errorf("%q is taken", code)
		}
	}
}

func TestAnAuthenticatorAppTakesTheURI(t *testing.T) {
	secret, text, err := New("Doorstep of Porto", "ana.p")
	if err != nil {
		t.Fatal(err)
	}
	uri, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	q := uri.Query()
	if uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Doorstep of Porto:ana.p" ||
		q.Get("secret") != secret || q.Get("issuer") != "Doorstep of Porto" || q.Get("digits") != "6" ||
		q.Get("period") != "30" || strings.Contains(text, "+") || len(secret) != 32 {
		t.Errorf("the URI is %s", text)
	}
	if other, _, _ := New("Doorstep of Porto", "ana.p"); other == secret {
		t.Error("two secrets are the same")
	}
}

func TestRecoveryCodes(t *testing.T) {
	codes, hashes := NewRecovery()
	if len(codes) != RecoveryCodes || len(hashes) != RecoveryCodes {
		t.Fatalf("%d codes, %d hashes", len(codes), len(hashes))
	}
	for i, c := range codes {
		for _, typed := range []string{c, strings.ToUpper(c), strings.ReplaceAll(c, "-", ""), " " + c + " "} {
			if at := MatchRecovery(typed, hashes); at != i {
				t.Errorf("%q is code %d, want %d", typed, at, i)
			}
		}
	}
	for _, c := range []string{"", codes[0][1:], codes[0] + "a", strings.Repeat("a", recoveryLength)} {
		if at := MatchRecovery(c, hashes); at != -1 {
			t.Errorf("%q is code %d", c, at)
		}
	}
}
