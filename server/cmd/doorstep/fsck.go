package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"doorstep/auth"
	"doorstep/server"
	"doorstep/sync/journal"
)

// storeFlags name the store of a server, as serve takes them.
type storeFlags struct {
	Data       string `default:"./doorstep-data" env:"DOORSTEP_DATA" help:"Folder of the embedded store. A server may have it open."`
	MongoDBURI string `name:"mongodb-uri" env:"DOORSTEP_MONGODB_URI" help:"The MongoDB database, instead of the embedded store."`
	Secrets    string `env:"DOORSTEP_SECRETS" help:"Folder of the key-encryption key, as serve has it. Default: beside --data."`
	KEK        string `env:"DOORSTEP_KEK" help:"The key-encryption key itself." hidden:""`
	Branch     string `help:"Only this branch. Default: all."`
}

// views lists the views that servers keep beside the built-in ones. Without the key-encryption key it lacks one, and
// says so.
func (f *storeFlags) views(ctx context.Context, store journal.Store, out io.Writer) ([]journal.View, error) {
	vault, err := server.JoinVault(ctx, store, server.Config{Data: f.Data, Secrets: f.Secrets, KEK: f.KEK})
	if err != nil {
		return nil, err
	}
	if vault == nil {
		fmt.Fprintln(out, "the view blind is left alone: it is made of what is sealed, and the key-encryption key is not "+
			"here; give --secrets or DOORSTEP_KEK")
	}
	return server.Views(vault), nil
}

// open opens the store and lists the branches asked for.
func (f *storeFlags) open(ctx context.Context, readOnly bool) (journal.Store, []auth.BranchID, error) {
	store, err := server.JoinStore(ctx, f.Data, f.MongoDBURI, readOnly)
	if err != nil {
		return nil, nil, err
	}
	branches, err := store.Branches(ctx)
	if b := auth.BranchID(f.Branch); err == nil && b != "" {
		if !slices.Contains(branches, b) {
			err = fmt.Errorf("there is no branch %s", b)
		}
		branches = []auth.BranchID{b}
	}
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return store, branches, nil
}

type fsckCmd struct {
	storeFlags
}

func (c *fsckCmd) Run(ctx context.Context, out io.Writer) error {
	store, branches, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	views, err := c.views(ctx, store, out)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, c.whatIsChecked())
	bad := 0
	for _, b := range branches {
		found, err := journal.Check(ctx, store, b, nil, views...)
		if err != nil {
			return fmt.Errorf("check %s: %w", b, err)
		}
		damaged := 0
		for _, f := range found {
			if f.Harmless {
				fmt.Fprintf(out, "%v (no damage)\n", f)
				continue
			}
			damaged++
			fmt.Fprintln(out, f)
		}
		if bad += damaged; damaged == 0 {
			w, err := store.Watermark(ctx, b)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "branch %s: clean, %d entries\n", b, w)
		}
	}
	if len(branches) == 0 {
		fmt.Fprintln(out, "the journal is empty")
	}
	if bad > 0 {
		return fmt.Errorf("%d things are wrong. %s", bad, c.advice())
	}
	return nil
}

// whatIsChecked says what fsck reads, and what it does not.
func (c *fsckCmd) whatIsChecked() string {
	name := server.NameOfStore(c.Data, c.MongoDBURI)
	if c.MongoDBURI == "" {
		return "checking " + name + "; nothing is changed"
	}
	return "checking " + name + ", as a majority of its replica set has it, beside nodes that may run; " +
		"nothing is changed. " +
		"What MongoDB itself keeps (data files, indexes) is for its own validate command"
}

// advice says what to do about what is wrong.
func (c *fsckCmd) advice() string {
	const views = "Where only views differ from the journal, doorstep rebuild makes them again; "
	if c.MongoDBURI == "" {
		return views + "where the journal itself is wrong, start no server, copy the data away as it is, " +
			"and restore a backup that fsck calls clean"
	}
	return views + "where the journal itself is wrong, stop every node, keep a dump of the database as it is, " +
		"restore a backup into a database of another name, run fsck on that with its --mongodb-uri, " +
		"and start the nodes on it if it is clean"
}

type rebuildCmd struct {
	storeFlags
	View string `help:"Only this view. Default: all."`
}

func (c *rebuildCmd) Run(ctx context.Context, out io.Writer) error {
	store, branches, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	made, err := c.storeFlags.views(ctx, store, out)
	if err != nil {
		return err
	}
	views, err := c.chosen(made)
	if err != nil {
		return err
	}
	for _, b := range branches {
		for _, v := range views {
			if err := journal.Rebuild(ctx, store, b, v, nil); err != nil {
				return fmt.Errorf("rebuild %s of %s: %w; what is done so far is kept, and the same command goes on", v.Name, b, err)
			}
			fmt.Fprintf(out, "branch %s: view %s is rebuilt\n", b, v.Name)
		}
	}
	return nil
}

// chosen returns the view that --view names, or all views: the built-in ones and those given.
func (c *rebuildCmd) chosen(made []journal.View) ([]journal.View, error) {
	var all []journal.View
	for _, name := range journal.BuiltInViews() {
		all = append(all, journal.View{Name: name})
	}
	all = append(all, made...)
	if c.View == "" {
		return all, nil
	}
	var names []string
	for _, v := range all {
		if v.Name == c.View {
			return []journal.View{v}, nil
		}
		names = append(names, v.Name)
	}
	return nil, fmt.Errorf("there is no view %s; the views are %s", c.View, strings.Join(names, ", "))
}
