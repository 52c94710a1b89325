package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorstep/server/store/sqlitestore"
)

// opened opens a server and closes it again; it returns the error of Open.
func opened(t *testing.T, cfg Config) error {
	t.Helper()
	cfg.Listen, cfg.AdminPassword = "127.0.0.1:0", adminPassword
	s, err := Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	ok(t, s.Close())
	return nil
}

// TestALostOrForeignKeyStopsTheStart removes each key, and replaces it by another
// deployment's: Open returns an error that says what to do, and makes no new key.
func TestALostOrForeignKeyStopsTheStart(t *testing.T) {
	here, there := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
	ok(t, opened(t, Config{Data: here}))
	ok(t, opened(t, Config{Data: there}))
	for name, c := range map[string]struct{ path, lost, foreign string }{
		"kek":         {"-secrets/kek", "key-encryption key is missing: put", "not the one this data was sealed with"},
		"audit":       {"/audit.key", "audit key is missing: put", "of two keys"},
		"public":      {"/audit.key.pub", "", "of two keys"},
		"token":       {"/auth.keys", "token keys are missing: put", "does not hold the token keys of this data"},
		"debtors' ":   {"/" + sqlitestore.KeysFileName, "debtors' keys are missing: put", "do not belong together"},
		"both audits": {"/audit.key", "audit key is missing: put", "is not the audit key of this data"},
	} {
		path := here + c.path
		was, err := os.ReadFile(path)
		ok(t, err)
		other, err := os.ReadFile(there + c.path)
		ok(t, err)
		pub, err := os.ReadFile(here + "/audit.key.pub")
		ok(t, err)
		if name == "both audits" {
			ok(t, os.Remove(here+"/audit.key.pub"))
		}
		ok(t, os.Remove(path))
		err = opened(t, Config{Data: here})
		if c.lost == "" {
			ok(t, err) // made again from the key
		} else if err == nil || !strings.Contains(err.Error(), c.lost) {
			t.Errorf("%s lost: %v; want %q", name, err, c.lost)
		}
		if _, err := os.Stat(path); err == nil && c.lost != "" && !strings.HasSuffix(path, ".db") {
			t.Errorf("%s lost: a new one was made", name)
		}
		ok(t, os.WriteFile(path, other, 0o600))
		if name == "both audits" {
			other, err := os.ReadFile(there + "/audit.key.pub")
			ok(t, err)
			ok(t, os.WriteFile(here+"/audit.key.pub", other, 0o600))
		}
		if err := opened(t, Config{Data: here}); err == nil || !strings.Contains(err.Error(), c.foreign) {
			t.Errorf("%s of another deployment: %v; want %q", name, err, c.foreign)
		}
		ok(t, os.WriteFile(path, was, 0o600))
		ok(t, os.WriteFile(here+"/audit.key.pub", pub, 0o600))
		ok(t, opened(t, Config{Data: here}))
	}
}

func TestAKeyThatIsLostForGoodIsReplacedOnce(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	ok(t, opened(t, Config{Data: data}))
	for name, path := range map[string]string{"audit": data + "/audit.key", "token": data + "/auth.keys"} {
		if err := opened(t, Config{Data: data, ReplaceKey: name}); err == nil ||
			!strings.Contains(err.Error(), "is in order") {
			t.Errorf("a %s key that is there was replaced: %v", name, err)
		}
		ok(t, os.Remove(path))
		ok(t, opened(t, Config{Data: data, ReplaceKey: name}))
		ok(t, opened(t, Config{Data: data}))
	}
	if aside, err := filepath.Glob(data + "/audit.key.pub.replaced-*"); err != nil || len(aside) != 1 {
		t.Errorf("the old public key is kept as %v, %v", aside, err)
	}
	if err := opened(t, Config{Data: data, ReplaceKey: "kek"}); err == nil {
		t.Error("the key-encryption key was replaced")
	}
}

func TestTheSecretsStandOutsideTheData(t *testing.T) {
	root := t.TempDir()
	data := filepath.Join(root, "data")
	for _, inside := range []string{data, filepath.Join(data, "secrets")} {
		if err := opened(t, Config{Data: data, Secrets: inside}); err == nil ||
			!strings.Contains(err.Error(), "name one outside") {
			t.Errorf("secrets in %s: %v", inside, err)
		}
	}
	ok(t, opened(t, Config{Data: data}))
	kek, err := os.ReadFile(filepath.Join(root, "data-secrets", "kek"))
	ok(t, err)
	ok(t, filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), strings.TrimSpace(string(kek))) {
			t.Errorf("%s holds the key-encryption key", path)
		}
		return err
	}))
}
