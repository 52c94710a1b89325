package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"doorstep/auth/refusal"

	"github.com/golang-jwt/jwt/v5"
)

// claimsFor are good claims for a session of ana's.
func (h *fixture) claimsFor(t *testing.T) claims {
	t.Helper()
	s := h.signIn(t, "ana", "phone-1")
	c, err := h.parse(s.AccessToken)
	check(t, err)
	return c
}

func sign(t *testing.T, method jwt.SigningMethod, key any, c jwt.Claims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, c).SignedString(key)
	check(t, err)
	return s
}

func TestForgedTokensAreRefused(t *testing.T) {
	h := newFixture(t)
	good := h.claimsFor(t)
	mine := h.keys.sign
	if _, err := h.Verify(context.Background(), sign(t, jwt.SigningMethodES256, mine, good)); err != nil {
		t.Fatalf("good claims under the good key must pass, or this test tests nothing: %v", err)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	der, err := x509.MarshalPKIXPublicKey(&mine.PublicKey)
	check(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	token := sign(t, jwt.SigningMethodES256, mine, good)
	parts := strings.Split(token, ".")
	// with signs altered claims by the good key.
	with := func(change func(c *claims)) string {
		c := good
		change(&c)
		return sign(t, jwt.SigningMethodES256, mine, c)
	}
	theirs := h.who(t, h.signIn(t, "sup", "").AccessToken).Family
	asOther := good
	asOther.Subject = "u-sup"
	payload, err := json.Marshal(asOther)
	check(t, err)
	for name, forged := range map[string]string{
		"nothing":                  "",
		"words":                    "let me in",
		"no signature":             sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good),
		"signature left out":       parts[0] + "." + parts[1] + ".",
		"HMAC with the public key": sign(t, jwt.SigningMethodHS256, public, good),
		"HMAC with its bytes":      sign(t, jwt.SigningMethodHS256, der, good),
		"HMAC with the key set":    sign(t, jwt.SigningMethodHS256, []byte(h.JWKS()), good),
		"RSA":                      sign(t, jwt.SigningMethodRS256, rsaKey, good),
		"a wider curve":            sign(t, jwt.SigningMethodES384, wide, good),
		"another key":              sign(t, jwt.SigningMethodES256, stranger, good),
		"claims of another user":   parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + parts[2],
		"another issuer":           with(func(c *claims) { c.Issuer = "elsewhere" }),
		"another audience":         with(func(c *claims) { c.Audience = jwt.ClaimStrings{"elsewhere"} }),
		"no audience":              with(func(c *claims) { c.Audience = nil }),
		"no end":                   with(func(c *claims) { c.ExpiresAt = nil }),
		"not yet": with(func(c *claims) {
			c.NotBefore = jwt.NewNumericDate(h.clock.Now().Add(time.Hour))
		}),
		"another user under this key":   with(func(c *claims) { c.Subject = "nobody" }),
		"another device's":              with(func(c *claims) { c.Device = "phone-9" }),
		"a family that is none":         with(func(c *claims) { c.Family = "none" }),
		"another user's family":         with(func(c *claims) { c.Family = theirs }),
		"a device that did not sign in": with(func(c *claims) { c.Device = "" }),
		"very long":                     with(func(c *claims) { c.ID = strings.Repeat("x", 8000) }),
		"a refresh token":               h.signIn(t, "rui", "phone-2").RefreshToken,
		"padding":                       token + "=",
		"the signature's bytes in DER":  parts[0] + "." + parts[1] + "." + derSignature(t, parts[2]),
	} {
		_, err := h.Verify(context.Background(), forged)
		refused(t, name, err, "auth.token_invalid")
	}
}

// derSignature writes a signature r, s as ASN.1 does.
func derSignature(t *testing.T, raw string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(raw)
	check(t, err)
	out := []byte{0x30, 0}
	for _, half := range [][]byte{b[:32], b[32:]} {
		n := append([]byte{0}, half...)
		out = append(append(out, 2, byte(len(n))), n...)
	}
	out[1] = byte(len(out) - 2)
	return base64.RawURLEncoding.EncodeToString(out)
}

func TestATokenExpires(t *testing.T) {
	h := newFixture(t)
	s, unseen := h.signIn(t, "ana", "phone-1"), h.signIn(t, "rui", "phone-2")
	h.who(t, s.AccessToken)
	h.clock.pass(AccessTTL + leeway - time.Second)
	h.who(t, s.AccessToken)
	h.clock.pass(2 * time.Second)
	for what, token := range map[string]string{"a remembered token": s.AccessToken, "one never seen": unseen.AccessToken} {
		_, err := h.Verify(context.Background(), token)
		if e := refused(t, what, err, "auth.token_expired"); e.Kind != refusal.Unauthenticated {
			t.Errorf("%s: %+v", what, e)
		}
	}
	h.who(t, h.refresh(t, s, "phone-1").AccessToken)
}

// TestAVerifiedTokenIsRemembered: within RecheckEvery a call costs no look-up.
func TestAVerifiedTokenIsRemembered(t *testing.T) {
	h := newFixture(t)
	s := h.signIn(t, "ana", "phone-1")
	h.who(t, s.AccessToken)
	asked := h.keeper.lookUps
	for range 100 {
		h.who(t, s.AccessToken)
	}
	if h.keeper.lookUps != asked {
		t.Errorf("%d look-ups for a hundred calls", h.keeper.lookUps-asked)
	}
	h.clock.pass(RecheckEvery + time.Millisecond)
	h.who(t, s.AccessToken)
	if h.keeper.lookUps != asked+1 {
		t.Errorf("%d look-ups after %v, want one", h.keeper.lookUps-asked, RecheckEvery)
	}
	if _, err := h.Verify(context.Background(), "nonsense"); err == nil || len(h.verified.tokens) != 1 {
		t.Errorf("%d tokens are remembered, want only the good one", len(h.verified.tokens))
	}
}

// TestTheKeySetVerifiesATokenByItself reads the key set and the token with nothing
// but the standard library, as a stranger with RFC 7515 and RFC 7517 at hand would.
func TestTheKeySetVerifiesATokenByItself(t *testing.T) {
	h := newFixture(t)
	token := h.signIn(t, "ana", "phone-1").AccessToken
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	check(t, json.Unmarshal(h.JWKS(), &set))
	if len(set.Keys) != 1 {
		t.Fatalf("the set holds %d keys", len(set.Keys))
	}
	k := set.Keys[0]
	if k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["use"] != "sig" {
		t.Errorf("the key is %v", k)
	}
	for name := range k {
		if name == "d" {
			t.Error("the set holds the private key")
		}
	}
	part := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		check(t, err)
		return b
	}
	parts := strings.Split(token, ".")
	var head struct{ Alg, Kid string }
	check(t, json.Unmarshal(part(parts[0]), &head))
	if head.Alg != "ES256" || head.Kid != k["kid"] || head.Kid == "" {
		t.Errorf("the token's head is %+v, the key's id %q", head, k["kid"])
	}
	x, y, sig := part(k["x"]), part(k["y"]), part(parts[2])
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	check(t, err)
	verifies := func(signed string) bool {
		sum := sha256.Sum256([]byte(signed))
		return len(sig) == 64 && ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
	if !verifies(parts[0] + "." + parts[1]) {
		t.Error("the token does not verify under the key set")
	}
	if verifies(parts[0] + "." + parts[1] + "x") {
		t.Error("an altered token verifies")
	}
	var c map[string]any
	check(t, json.Unmarshal(part(parts[1]), &c))
	if c["sub"] != "u-ana" || c["iss"] != "doorstep" || c["exp"].(float64)-c["iat"].(float64) != AccessTTL.Seconds() {
		t.Errorf("the claims are %v", c)
	}
	for _, name := range []string{"role", "name", "login"} {
		if _, there := c[name]; there {
			t.Errorf("the token says a %s, which may change or is personal", name)
		}
	}
}
