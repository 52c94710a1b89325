package server

import (
	"context"
	"errors"

	"doorstep/auth"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// ResetPassword gives the user with this login a new one-time password and returns
// it. With factors it takes the user's second factors away too. It opens the store of
// cfg itself, so a server on the embedded store must be stopped; with MongoDB servers may
// run, and know the new password within a minute. Of cfg it reads Data, MongoDB and Log.
// Errors: the office's refusals (*refusal.Error), the store's.
func ResetPassword(ctx context.Context, cfg Config, login string, factors bool) (password string, err error) {
	if err := cfg.fill(); err != nil {
		return "", err
	}
	store, err := openStore(ctx, &cfg)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	j := journal.Open(store, journal.Options{Clock: cfg.clock(), Log: cfg.Log})
	defer func() { err = errors.Join(err, j.Close(ctx)) }()
	passwords := cfg.passwords()
	password = auth.OneTimePassword()
	if err := office.New(j, passwords).ResetPassword(ctx, office.Ask{By: "system"}, login, password,
		factors); err != nil {
		return "", err
	}
	return password, nil
}
