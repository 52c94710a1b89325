package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokenKeysAreMadeOnceAndForTheirOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.key")
	k, err := LoadOrCreateKeys(path)
	check(t, err)
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %o", info.Mode().Perm())
	}
	again, err := LoadOrCreateKeys(path)
	check(t, err)
	if !again.sign.Equal(k.sign) || again.refreshToken("f", 1) != k.refreshToken("f", 1) ||
		string(again.JWKS()) != string(k.JWKS()) {
		t.Error("the second start has other keys")
	}
	whole, err := os.ReadFile(path)
	check(t, err)
	for name, data := range map[string]string{
		"empty": "", "cut": string(whole[:len(whole)/2]), "without a key": "{}",
		"without the refresh key": strings.Replace(string(whole), `"refresh"`, `"other"`, 1),
	} {
		check(t, os.WriteFile(path, []byte(data), 0o600))
		if _, err := LoadOrCreateKeys(path); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a file that is %s: %v", name, err)
		}
		if now, _ := os.ReadFile(path); string(now) != data {
			t.Errorf("a file that is %s was written over", name)
		}
	}
}
