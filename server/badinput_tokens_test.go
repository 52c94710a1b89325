package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// forged returns tokens that the server must refuse, made from a real one; some are
// signed with the server's own key.
func (h *hostile) forged(t *testing.T, real string) map[string]string {
	t.Helper()
	block, _ := pem.Decode(h.keyFile(t))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ok(t, err)
	key := parsed.(*ecdsa.PrivateKey)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	ok(t, err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	token, _, err := jwt.NewParser().ParseUnverified(real, jwt.MapClaims{})
	ok(t, err)
	sign := func(method jwt.SigningMethod, with any, change func(head, claims map[string]any)) string {
		claims := jwt.MapClaims{}
		for k, v := range token.Claims.(jwt.MapClaims) {
			claims[k] = v
		}
		next := jwt.NewWithClaims(method, claims)
		next.Header["kid"] = token.Header["kid"]
		if change != nil {
			change(next.Header, claims)
		}
		text, err := next.SignedString(with)
		ok(t, err)
		return text
	}
	claim := func(name string, v any) string {
		return sign(jwt.SigningMethodES256, key, func(_, claims map[string]any) {
			claims[name] = v
			if v == nil {
				delete(claims, name)
			}
		})
	}
	parts := strings.Split(real, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	ok(t, err)
	altered := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"sub":"`,
		`"sub":"admin","x":"`, 1)))
	now := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	return map[string]string{
		"garbage":                    "garbage",
		"three parts of nothing":     "..",
		"expired an hour ago":        claim("exp", now.Add(-time.Hour).Unix()),
		"expired at the beginning":   claim("exp", 1),
		"without an end":             claim("exp", nil),
		"not yet":                    claim("nbf", now.Add(24*time.Hour).Unix()),
		"another issuer":             claim("iss", "somebody"),
		"no issuer":                  claim("iss", nil),
		"another audience":           claim("aud", "others-api"),
		"no audience":                claim("aud", nil),
		"another user":               claim("sub", "no-such-user"),
		"no user":                    claim("sub", nil),
		"another session":            claim("fam", "no-such-session"),
		"no session":                 claim("fam", nil),
		"claims of the wrong kind":   claim("sub", 7),
		"another key":                sign(jwt.SigningMethodES256, other, nil),
		"alg none":                   sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"the public key as a secret": sign(jwt.SigningMethodHS256, public, nil),
		"the public PEM as a secret": sign(jwt.SigningMethodHS256,
			pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), nil),
		"an altered payload":   parts[0] + "." + altered + "." + parts[2],
		"an altered signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"no signature":         parts[0] + "." + parts[1] + ".",
		"another's key in the header": sign(jwt.SigningMethodES256, other, func(head, _ map[string]any) {
			head["jwk"], head["jku"], head["kid"] = "x", "http://127.0.0.1:1/", "../../dev/null"
		}),
		"a payload that is no JSON": parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("no JSON")) +
			"." + parts[2],
		"a name where the token belongs": strings.ReplaceAll(marker, " ", "."),
	}
}
