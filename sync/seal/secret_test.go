package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"doorstep/sync/seal"
)

func TestASecretOpensForItsPurposeAlone(t *testing.T) {
	keys := newSmalls()
	v := open(t, keys, newClock())
	plain := []byte("a secret of a user's")
	sealed, err := v.SealSecret("factors/ana", plain)
	check(t, err)
	if bytes.Contains(sealed, plain[:8]) {
		t.Error("the secret stands in the clear")
	}
	got, err := v.OpenSecret("factors/ana", sealed)
	if check(t, err); !bytes.Equal(got, plain) {
		t.Errorf("it opens to %q", got)
	}
	altered := bytes.Clone(sealed)
	altered[len(altered)-1] ^= 1
	for what, open := range map[string]func() ([]byte, error){
		"another user's": func() ([]byte, error) { return v.OpenSecret("factors/rui", sealed) },
		"altered":        func() ([]byte, error) { return v.OpenSecret("factors/ana", altered) },
		"nothing":        func() ([]byte, error) { return v.OpenSecret("factors/ana", nil) },
	} {
		if got, err := open(); !errors.Is(err, seal.ErrSecret) || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	other, err := seal.ParseKEK(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	check(t, err)
	foreign, err := seal.Open(context.Background(), newSmalls(), other, nil)
	check(t, err)
	if _, err := foreign.OpenSecret("factors/ana", sealed); !errors.Is(err, seal.ErrSecret) {
		t.Errorf("under another key-encryption key: %v", err)
	}
}
