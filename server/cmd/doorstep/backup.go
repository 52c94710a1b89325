package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"doorstep/server"
	"doorstep/sync/journal"
)

type backupCmd struct {
	Data          string `default:"./doorstep-data" env:"DOORSTEP_DATA" help:"Folder of the embedded store. A server may have it open."`
	Keys          string `help:"Write the debtors' keys, the audit key and the token keys too, to a file of their own." placeholder:"FILE"`
	Secrets       string `env:"DOORSTEP_SECRETS" help:"Folder of the key-encryption key, which --keys needs. Default: the data folder's name with -secrets."`
	KEK           string `name:"kek" env:"DOORSTEP_KEK" help:"The key-encryption key itself." hidden:""`
	Deployment    string `env:"DOORSTEP_DEPLOYMENT" help:"Name of this installation in checkpoints, as serve has it."`
	Force         bool   `help:"Replace files that are there."`
	NoAttachments bool   `help:"Leave out photos and recordings, which your own tools copy from attachments/ in --data."`
	Now           string `env:"DOORSTEP_NOW" hidden:"" help:"The time of a demonstration."`
	MongoDBURI    string `name:"mongodb-uri" env:"DOORSTEP_MONGODB_URI" hidden:""`
	File          string `arg:"" help:"File to write."`
}

// Help is shown by --help.
func (c *backupCmd) Help() string {
	return "Photos and recordings, sealed, go into the folder FILE.attachments; on one file system with --data they " +
		"are links, which take no room. FILE holds no debtor's key, no key that signs, no key-encryption key and no " +
		"erasure list. Keep the file of the keys apart from it. The key-encryption key (kek), the newest erasure list " +
		"(erasures.jsonl) and the list of who is shut out (shutouts.json) are in the secrets' folder: keep copies of " +
		"them in a third place."
}

func (c *backupCmd) Run(ctx context.Context, out io.Writer) error {
	if c.MongoDBURI != "" {
		return errors.New("a MongoDB database is backed up with MongoDB's own tools; server/store/mongostore/README.md " +
			"says how, and doorstep restore --already-restored what to do after a mongorestore")
	}
	clock, err := clockAt(c.Now)
	if err != nil {
		return err
	}
	m, err := server.Backup(ctx, server.BackupOptions{Data: c.Data, Secrets: c.Secrets, KEK: c.KEK, File: c.File,
		Keys: c.Keys, Over: c.Force, NoAttachments: c.NoAttachments, Deployment: c.Deployment, Version: version,
		Clock: clock})
	if err != nil {
		return withoutAdvice(err)
	}
	fmt.Fprintf(out, "%s holds %d entries of %d branches, as of %s\n", c.File, m.Entries(), len(m.Branches),
		m.MadeAt.Format(time.RFC3339))
	if t := m.Attachments; t != nil && t.Files > 0 {
		fmt.Fprintf(out, "%s.attachments beside it holds %d files of photos and recordings, sealed (%d bytes)\n", c.File,
			t.Files, t.Bytes)
	}
	if c.Keys == "" {
		fmt.Fprintln(out, "the debtors' keys are not in it; --keys FILE backs them up")
		return nil
	}
	fmt.Fprintf(out, "%s holds the keys; without the key-encryption key nothing can be read with it\n", c.Keys)
	return nil
}

// clockAt is a clock that stands at a time of --now; nil, which is the system's, without one.
func clockAt(now string) (func() time.Time, error) {
	if now == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		return nil, errors.New("--now: write an RFC 3339 time such as 2026-11-25T08:00:00Z")
	}
	return func() time.Time { return at }, nil
}

// withoutAdvice tells of a full disk what concerns a command; the journal's own words are for whoever calls a server.
func withoutAdvice(err error) error {
	if errors.Is(err, journal.ErrFull) || errors.Is(err, syscall.ENOSPC) {
		return errors.New("the disk is full; nothing was written under the name, and what was written before it was removed")
	}
	return err
}
