package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"doorstep/auth"
	"doorstep/server/audit"
	"doorstep/sync/journal"
	"doorstep/sync/seal"
)

// A start must not silently replace a lost key by a new one: what the old key sealed
// could not be read, what it signed would seem forged, and all users would be signed
// out. So the store keeps a fingerprint of each key from the first start on; a later
// start without the key, or with another one, ends with an error that says what to do.

// keyring holds the keys of a deployment.
type keyring struct {
	vault *seal.Vault
	audit audit.Key
	token *auth.Keys
}

// fingerprintKind is the kind of the small documents that hold the keys' fingerprints; their ids are the
// keys' names.
const fingerprintKind = "fingerprint"

// openKeys loads the keys; at the first start it makes them.
func openKeys(ctx context.Context, cfg *Config, s store, clock func() time.Time) (k keyring, err error) {
	switch cfg.ReplaceKey {
	case "", "audit", "token":
	default:
		return k, errors.New("only the keys audit and token can be replaced; " +
			"without the key-encryption key nothing that is sealed can be read")
	}
	if _, err = openKey(ctx, s, "kek", keySource[seal.KEK]{
		load: func() (seal.KEK, error) { return cfg.kek(seal.LoadKEK) },
		make: func() (seal.KEK, error) { return cfg.kek(seal.LoadOrCreateKEK) },
		lost: fmt.Sprintf("the key-encryption key is missing: put %s back from the place where its copy is kept, "+
			"copy it from another node, or give it in DOORSTEP_KEK; without it nothing personal can be read", cfg.kekPath()),
		foreign: "the key-encryption key is not the one this data was sealed with: " +
			"give the one that was made at the first start (the file kek of the secrets' folder, or DOORSTEP_KEK)",
		use: func(kek seal.KEK, first bool) (err error) {
			k.vault, err = openVault(ctx, s, kek, first, clock)
			return err
		},
		files: []string{cfg.kekPath()},
	}); err != nil {
		return k, err
	}
	path := cfg.keyPath("audit")
	k.audit, err = openOrReplace(ctx, cfg, s, clock, "audit", keySource[audit.Key]{
		load: func() (audit.Key, error) { return audit.LoadKey(path) },
		make: func() (audit.Key, error) { return audit.LoadOrCreateKey(path, cfg.Deployment) },
		lost: fmt.Sprintf("the audit key is missing: put %s back from a backup, or copy it from another node. "+
			"If it is lost for good, start once with --replace-key audit: "+
			"exports made before then verify with the old public key, those made after with the new one", path),
		files: []string{path, path + ".pub"},
		foreign: fmt.Sprintf("%s is not the audit key of this data: put back the one that belongs to it. "+
			"If that is lost for good, start once with --replace-key audit", path),
	})
	if err != nil {
		return k, err
	}
	path = cfg.keyPath("token")
	k.token, err = openOrReplace(ctx, cfg, s, clock, "token", keySource[*auth.Keys]{
		load: func() (*auth.Keys, error) { return auth.LoadKeys(path) },
		make: func() (*auth.Keys, error) { return auth.LoadOrCreateKeys(path) },
		lost: fmt.Sprintf("the token keys are missing: put %s back from a backup, or copy it from another node. "+
			"If they are lost for good, start once with --replace-key token: everybody signs in again", path),
		files: []string{path},
		foreign: fmt.Sprintf("%s does not hold the token keys of this data: put back those that belong to it. "+
			"If they are lost for good, start once with --replace-key token: everybody signs in again", path),
	})
	return k, err
}

// kekPath is the file of the key-encryption key, which is not used if Config.KEK is set.
func (c *Config) kekPath() string { return filepath.Join(c.Secrets, "kek") }

func (c *Config) kek(load func(path string) (seal.KEK, error)) (seal.KEK, error) {
	if c.KEK != "" {
		return seal.ParseKEK(c.KEK)
	}
	return load(c.kekPath())
}

// keyPath returns the file of the audit key or the token keys, which belong to the data and its backups.
func (c *Config) keyPath(name string) string {
	return filepath.Join(c.Data, map[string]string{"audit": "audit.key", "token": "auth.keys"}[name])
}

// keySource says how to load and make a key, and what to tell the operator if it is lost or foreign.
type keySource[K any] struct {
	load    func() (K, error) // fs.ErrNotExist if there is none
	make    func() (K, error) // loads it, or makes it if there is none
	lost    string
	foreign string
	files   []string // what make writes
	// use, if not nil, is called with the key before its fingerprint is stored at the first
	// start. If it fails, the next start counts as the first again.
	use func(k K, first bool) error
}

// tooLate removes the key that this node has just made, and says where the right one is.
func (from keySource[K]) tooLate(name string) error {
	var errs []error
	for _, file := range from.files {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append([]error{fmt.Errorf("another node started first and made the %s key of this deployment: "+
		"copy the keys from that node's folders (kek, or DOORSTEP_KEK; audit.key, audit.key.pub and auth.keys) to this "+
		"node's, and start it again", name)}, errs...)...)
}

// openVault opens the vault. Debtors' keys may be missing at the first start only.
func openVault(ctx context.Context, s store, kek seal.KEK, first bool, clock func() time.Time) (*seal.Vault, error) {
	proven, err := seal.Proven(ctx, s)
	if err != nil {
		return nil, err
	}
	if !first && !proven {
		return nil, errors.New("the debtors' keys are missing: " +
			"put keys.db back beside the store, from the newest backup there is; " +
			"what was sealed under keys that are in no backup cannot be read")
	}
	v, err := seal.Open(ctx, s, kek, clock)
	if errors.Is(err, seal.ErrWrongKEK) {
		return nil, fmt.Errorf("the debtors' keys and the key-encryption key do not belong together: "+
			"put back the pair that does: %w", err)
	}
	return v, err
}

// openOrReplace opens a key. If the key is lost and cfg.ReplaceKey names it, it makes a new one.
func openOrReplace[K interface{ Fingerprint() string }](
	ctx context.Context, cfg *Config, s store, clock func() time.Time, name string, from keySource[K],
) (K, error) {
	k, err := openKey(ctx, s, name, from)
	switch {
	case cfg.ReplaceKey != name:
		return k, err
	case err == nil:
		return k, fmt.Errorf("the %s key is in order: start without --replace-key", name)
	}
	if err := replaceKey(ctx, cfg, s, name, clock()); err != nil {
		return k, fmt.Errorf("replace the %s key: %w", name, err)
	}
	return openKey(ctx, s, name, from)
}

// openKey loads a key and compares it with the stored fingerprint. If the store has no
// fingerprint yet, it makes the key.
func openKey[K interface{ Fingerprint() string }](
	ctx context.Context, s store, name string, from keySource[K],
) (k K, err error) {
	use := func(first bool) error {
		if from.use == nil {
			return nil
		}
		return from.use(k, first)
	}
	body, _, err := s.Small(ctx, fingerprintKind, name)
	known := err == nil
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return k, fmt.Errorf("read the fingerprint of the %s key: %w", name, err)
	}
	if !known {
		_, err := from.load()
		made := errors.Is(err, fs.ErrNotExist)
		if k, err = from.make(); err != nil {
			return k, err
		}
		if err := use(true); err != nil {
			if made && errors.Is(err, seal.ErrWrongKEK) {
				return k, from.tooLate(name)
			}
			return k, err
		}
		text, err := json.Marshal(k.Fingerprint())
		if err == nil {
			err = s.SwapSmall(ctx, fingerprintKind, name, 0, text)
		}
		if errors.Is(err, journal.ErrRaced) { // another node starts for the first time as well
			k, err := openKey(ctx, s, name, from)
			if err != nil && made {
				err = from.tooLate(name)
			}
			return k, err
		}
		return k, err
	}
	switch k, err = from.load(); {
	case errors.Is(err, fs.ErrNotExist):
		return k, errors.New(from.lost)
	case err != nil:
		return k, err
	}
	var print string
	if err := json.Unmarshal(body, &print); err != nil {
		return k, fmt.Errorf("read the fingerprint of the %s key: %w", name, err)
	}
	if k.Fingerprint() != print {
		return k, errors.New(from.foreign)
	}
	return k, use(false)
}

// replaceKey renames a key's files and deletes its fingerprint, so that a new key can be made.
func replaceKey(ctx context.Context, cfg *Config, s store, name string, now time.Time) error {
	path := cfg.keyPath(name)
	for _, file := range []string{path, path + ".pub"} {
		err := os.Rename(file, file+now.UTC().Format(".replaced-20060102T150405Z"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_, version, err := s.Small(ctx, fingerprintKind, name)
	if errors.Is(err, journal.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.DeleteSmall(ctx, fingerprintKind, name, version)
}
