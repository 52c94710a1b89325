package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"doorstep/server"
	"doorstep/server/store/sqlitestore"
)

type adminCmd struct {
	ResetPassword resetPasswordCmd `cmd:"" help:"Give a user a new one-time password."`
}

// Help is shown by --help.
func (c *resetPasswordCmd) Help() string {
	return "On the embedded store, stop the server first. The user's sessions end. Who has lost their authenticator app " +
		"and all recovery codes needs --factors too."
}

type resetPasswordCmd struct {
	Login      string `arg:"" help:"The user's login, such as admin."`
	Factors    bool   `help:"Take away the user's second factors too."`
	Data       string `default:"./doorstep-data" env:"DOORSTEP_DATA" help:"Folder that serve was given with --data."`
	MongoDBURI string `name:"mongodb-uri" env:"DOORSTEP_MONGODB_URI" help:"Where everything is kept in MongoDB instead."`
}

func (c *resetPasswordCmd) Run(ctx context.Context, out io.Writer) error {
	if c.MongoDBURI == "" {
		if err := holdsStore(c.Data); err != nil {
			return err
		}
	}
	cfg := server.Config{Data: c.Data, MongoDB: c.MongoDBURI, Log: slog.New(slog.DiscardHandler)}
	password, err := server.ResetPassword(ctx, cfg, c.Login, c.Factors)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Sign in as %s with the one-time password: %s\nIt must be changed at first use.\n",
		strings.ToLower(c.Login), password)
	return nil
}

// holdsStore returns an error for a folder without a store, because opening it would make an empty one.
func holdsStore(data string) error {
	if _, err := os.Stat(filepath.Join(data, sqlitestore.FileName)); err != nil {
		return fmt.Errorf("%s holds no store; name the folder that serve was given with --data: %w", data, err)
	}
	return nil
}
