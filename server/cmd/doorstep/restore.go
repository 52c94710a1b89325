package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"doorstep/server"
)

type restoreCmd struct {
	Data               string   `default:"./doorstep-data" env:"DOORSTEP_DATA" help:"Data folder to restore into. No server may have it open."`
	Keys               string   `help:"File that backup --keys wrote, of the same backup or a later one. Default: the keys that are in --data." placeholder:"FILE"`
	Erasures           string   `help:"The newest erasure list. Default: erasures.jsonl in the secrets' folder." placeholder:"FILE"`
	WithoutErasures    bool     `help:"Restore although the erasure list is lost or old. The journals say so."`
	WithoutAttachments bool     `help:"Restore although the folder of the photos and recordings (FILE.attachments) is lost."`
	Checkpoint         []string `help:"A signed checkpoint newer than the backup (GET /v1/audit/checkpoint), so that the journal says how much is lost." placeholder:"FILE"`
	Force              bool     `help:"Move aside what is in --data."`
	Secrets            string   `env:"DOORSTEP_SECRETS" help:"Folder of the key-encryption key and the erasure list. Default: the data folder's name with -secrets."`
	KEK                string   `name:"kek" env:"DOORSTEP_KEK" help:"The key-encryption key itself." hidden:""`
	Now                string   `env:"DOORSTEP_NOW" hidden:"" help:"The time of a demonstration."`
	MongoDBURI         string   `name:"mongodb-uri" env:"DOORSTEP_MONGODB_URI" help:"A MongoDB database that mongorestore has restored, for --already-restored."`
	AlreadyRestored    bool     `help:"Begin the new epochs of a MongoDB database that other tools have restored. No node may run."`
	BackupTime         string   `help:"When that backup was made (RFC 3339)." placeholder:"TIME"`
	File               string   `arg:"" optional:"" help:"File that backup wrote."`
}

// Help is shown by --help.
func (c *restoreCmd) Help() string {
	return "Everything is checked and made complete before anything is replaced. All sessions end; phones keep their " +
		"work, pull again from the beginning and send again what they sent in the last 30 days."
}

func (c *restoreCmd) Run(ctx context.Context, out io.Writer) error {
	clock, err := clockAt(c.Now)
	if err != nil {
		return err
	}
	o := server.RestoreOptions{Data: c.Data, Secrets: c.Secrets, KEK: c.KEK, File: c.File, Keys: c.Keys,
		Erasures: c.Erasures, WithoutErasures: c.WithoutErasures, WithoutAttachments: c.WithoutAttachments,
		Over: c.Force, Clock: clock}
	for _, path := range c.Checkpoint {
		text, err := readCheckpoint(path)
		if err != nil {
			return err
		}
		o.Checkpoints = append(o.Checkpoints, text)
	}
	do, where := server.Restore, c.Data
	switch {
	case c.AlreadyRestored && c.File != "":
		return errors.New("--already-restored takes no file: MongoDB's own tools have restored the database")
	case c.AlreadyRestored:
		o.MongoDB, do, where = c.MongoDBURI, server.Restored, server.NameOfStore(c.Data, c.MongoDBURI)
		if c.BackupTime != "" {
			if o.BackupAt, err = time.Parse(time.RFC3339, c.BackupTime); err != nil {
				return errors.New("--backup-time: write an RFC 3339 time such as 2026-11-25T08:00:00Z")
			}
		}
	case c.MongoDBURI != "":
		return errors.New("a MongoDB database is restored with MongoDB's own tools, and then with --already-restored: " +
			"see server/store/mongostore/README.md")
	case c.File == "":
		return errors.New("name the file that backup wrote")
	}
	rep, err := do(ctx, o)
	if err != nil {
		return withoutAdvice(err)
	}
	tellRestored(out, where, rep)
	return nil
}

// readCheckpoint reads a checkpoint from a file: the signed note, or the answer of GET /v1/audit/checkpoint.
func readCheckpoint(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var answer struct {
		Note string `json:"note"`
	}
	if json.Unmarshal(text, &answer) == nil {
		return answer.Note, nil
	}
	return string(text), nil
}

// tellRestored says what a restore did, and what it could not know.
func tellRestored(out io.Writer, where string, rep server.RestoreReport) {
	if m := rep.Manifest; m.ID != "" {
		fmt.Fprintf(out, "%s holds the backup of %s\n", where, m.MadeAt.Format(time.RFC3339))
	}
	for _, b := range rep.Branches {
		fmt.Fprintf(out, "branch %s: %d entries; its feeds and its log begin the epoch %s\n", b.Branch, b.W, b.Epoch)
		if b.Lost > 0 {
			fmt.Fprintf(out, "branch %s: %d entries after these are known to be lost\n", b.Branch, b.Lost)
		}
	}
	fmt.Fprintf(out, "%d debtors of the erasure list are erased; %d sessions have ended\n", rep.Erased, rep.Sessions)
	if t := rep.Attachments; t.Files > 0 {
		fmt.Fprintf(out, "%d files of photos and recordings came back (%d bytes)\n", t.Files, t.Bytes)
	}
	if rep.Aside != "" {
		fmt.Fprintf(out, "what was there before is in %s\n", rep.Aside)
	}
	tellShutOut(out, rep)
}

// tellShutOut says who was shut out again, and what the restore cannot know.
func tellShutOut(out io.Writer, rep server.RestoreReport) {
	todo := "set passwords and change packs again"
	if rep.NoShutOuts {
		fmt.Fprintln(out, "The secrets' folder has no list of who is shut out (shutouts.json)")
		todo = "disable users, block devices, " + todo
	} else {
		fmt.Fprintf(out, "%d users are disabled again and %d devices blocked again: %v %v\n", len(rep.Shut.Users),
			len(rep.Shut.Devices), rep.Shut.Users, rep.Shut.Devices)
	}
	for _, id := range rep.Shut.Admins {
		fmt.Fprintf(out, "the user %s was disabled and is the only administrator of the backup: make another one, then "+
			"disable %s\n", id, id)
	}
	fmt.Fprintln(out, "What else administrators did after the backup is not in it: "+todo+
		", before you start the server for others (the security log names what was done)")
}
