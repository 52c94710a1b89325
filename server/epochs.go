package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorstep/auth"
	"doorstep/auth/keyfile"
	"doorstep/server/audit"
	"doorstep/server/casework"
	"doorstep/server/office"
	"doorstep/sync/journal"
	"doorstep/sync/offline"
	"doorstep/sync/seal"
)

// beginEpochs does to a restored store, which no server has open, what makes it safe to go on with (J13). Each step may
// be done again, so that a restore that was cut short is done anew:
//
//   - the keys of debtors who were erased are destroyed; the start says so in the journals
//
// - all sessions end. Which were ended after the backup, by whom and why, is not known; a stolen phone that was
// signed out must not be signed in again. Phones keep their work, and their users sign in with their passwords.
//   - users and devices that were shut out after the backup are shut out again
//   - each branch's feeds begin a new epoch, above all numbers that were ever given
//   - each branch's journal says that it was restored, which begins another log
func (r *restore) beginEpochs(ctx context.Context, s store) (rep RestoreReport, err error) {
	rep.At = r.Clock().UTC()
	vault, err := openVault(ctx, s, r.kek, false, r.Clock)
	if err != nil {
		return rep, err
	}
	if err := r.eraseAgain(ctx, s, vault, &rep); err != nil {
		return rep, err
	}
	if rep.Sessions, err = endSessions(ctx, s); err != nil {
		return rep, fmt.Errorf("end the sessions: %w", err)
	}
	branches, err := s.Branches(ctx)
	if err != nil {
		return rep, err
	}
	known, err := r.checkpoints(branches)
	if err != nil {
		return rep, err
	}
	j := journal.Open(s, journal.Options{Clock: r.Clock})
	defer func() { err = errors.Join(err, j.Close(ctx)) }()
	run := journal.NewID()
	for _, b := range branches {
		w, err := s.Watermark(ctx, b)
		if err != nil {
			return rep, err
		}
		if w == 0 {
			continue
		}
		done := RestoredBranch{Branch: string(b), W: w}
		if done.Epoch, err = offline.BeginEpoch(ctx, s, b); err != nil {
			return rep, err
		}
		entry := journal.Restore{At: rep.At, BackupAt: r.BackupAt, Epoch: done.Epoch, NoErasures: r.WithoutErasures}
		if last, is := known[b]; is {
			entry.Checkpoint = last.Note
			done.Lost = max(last.Size, w) - w
		}
		if err := j.BeginEpoch(ctx, b, "restore:"+run, entry); err != nil {
			return rep, fmt.Errorf("begin a log of %s: %w", b, err)
		}
		rep.Branches = append(rep.Branches, done)
	}
	if rep.NoShutOuts = r.shut == nil; rep.NoShutOuts {
		return rep, nil
	}
	rep.Shut, err = office.New(j, nil).ShutOutAgain(ctx, auth.System().User, "restore:"+run, *r.shut)
	return rep, err
}

// Restored does for a MongoDB database what Restore does for the embedded store, after MongoDB's own tools have
// restored it and while no node runs. A dump that is not of one moment has views of other moments than its journal,
// so all views are made again first. The database has the debtors' keys of the dump; the keys that sign are those of
// this node's data folder. It may be called again after an error: then each branch's journal tells of two restores.
func Restored(ctx context.Context, o RestoreOptions) (rep RestoreReport, err error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.MongoDB == "" && o.join == nil {
		return rep, errors.New("only a MongoDB database is restored by other tools; name it with --mongodb-uri")
	}
	r := &restore{RestoreOptions: o}
	cfg := Config{Data: o.Data, Secrets: o.Secrets, KEK: o.KEK}
	if err := cfg.secrets(); err != nil {
		return rep, err
	}
	public, err := keyfile.Read(cfg.keyPath("audit") + ".pub")
	if err != nil {
		return rep, fmt.Errorf("the public audit key is needed to read checkpoints: name this node's folder with --data: %w",
			err)
	}
	r.auditKey = strings.TrimSpace(string(public))
	if r.kek, err = cfg.kek(seal.LoadKEK); err != nil {
		return rep, fmt.Errorf("the key-encryption key is needed to erase debtors again: %w", err)
	}
	if err := r.readErasures(); err != nil {
		return rep, err
	}
	join := o.join
	if join == nil {
		join = func() (journal.Store, error) { return JoinStore(ctx, o.Data, o.MongoDB, false) }
	}
	joined, err := join()
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, joined.Close()) }()
	s, is := joined.(store)
	if !is {
		return rep, errors.New("the store keeps no keys")
	}
	vault, err := openVault(ctx, s, r.kek, false, r.Clock)
	if err != nil {
		return rep, err
	}
	if err := rebuildAll(ctx, s, vault); err != nil {
		return rep, err
	}
	return r.beginEpochs(ctx, s)
}

// rebuildAll makes all views of all branches again.
func rebuildAll(ctx context.Context, s store, vault *seal.Vault) error {
	var all []journal.View
	for _, name := range journal.BuiltInViews() {
		all = append(all, journal.View{Name: name})
	}
	branches, err := s.Branches(ctx)
	if err != nil {
		return err
	}
	for _, b := range branches {
		for _, v := range append(all, Views(vault)...) {
			if err := journal.Rebuild(ctx, s, b, v, nil); err != nil {
				return fmt.Errorf("rebuild %s of %s: %w; run the same command again", v.Name, b, err)
			}
		}
	}
	return nil
}

// checkpoints are the last known checkpoints of the branches: those of the backup, or those that the operator has.
func (r *restore) checkpoints(branches []auth.BranchID) (map[auth.BranchID]audit.SignedHead, error) {
	out := map[auth.BranchID]audit.SignedHead{}
	var notes []string
	if r.file != nil {
		for _, b := range r.file.Manifest.Branches {
			notes = append(notes, b.Checkpoint)
		}
	}
	for _, text := range append(notes, r.Checkpoints...) {
		h, err := audit.ReadHead(text, r.auditKey)
		if err != nil {
			return nil, fmt.Errorf("a last known checkpoint: %w", err)
		}
		if !slices.Contains(branches, h.Branch) {
			return nil, fmt.Errorf("a last known checkpoint is of branch %s, which the backup does not have", h.Branch)
		}
		if was, had := out[h.Branch]; !had || h.Size > was.Size {
			out[h.Branch] = h
		}
	}
	return out, nil
}

// eraseAgain destroys the keys of all who are on the erasure list, and brings the list of the secrets' folder up to
// date. A list that lacks somebody who was erased when the backup was made is an old one.
func (r *restore) eraseAgain(ctx context.Context, s store, vault *seal.Vault, rep *RestoreReport) error {
	listed, debtors := map[string]bool{}, map[journal.DebtorID]bool{}
	for _, l := range r.lines {
		listed[l.Erasure], debtors[l.Debtor] = true, true
	}
	branches, err := s.Branches(ctx)
	if err != nil {
		return err
	}
	for _, b := range branches {
		ids, err := casework.ErasuresDone(ctx, s, b)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !listed[id] && !r.WithoutErasures {
				return fmt.Errorf("the erasure list %s is older than the backup: erasure %s of branch %s is not on it. "+
					"Name the newest list with --erasures. If it is lost for good, say --without-erasures", r.Erasures, id, b)
			}
		}
	}
	for _, l := range r.lines {
		if _, err := r.list.Add(l); err != nil {
			return fmt.Errorf("keep the erasure list: %w", err)
		}
	}
	for d := range debtors {
		if err := vault.Erase(ctx, d); err != nil {
			return err
		}
		rep.Erased++
	}
	return nil
}

// endSessions ends all sessions.
func endSessions(ctx context.Context, s store) (ended int, err error) {
	const some = 500
	for after := ""; ; {
		ids, err := s.ListSmall(ctx, refreshKind, "", after, some)
		if err != nil || len(ids) == 0 {
			return ended, err
		}
		docs, err := s.Smalls(ctx, refreshKind, ids)
		if err != nil {
			return ended, err
		}
		for _, d := range docs {
			body, live, err := auth.EndFamily(d.ID, d.Body, "restored")
			if err != nil {
				return ended, err
			}
			if !live {
				continue
			}
			if err := s.SwapSmall(ctx, refreshKind, d.ID, d.Version, body); err != nil {
				return ended, err
			}
			ended++
		}
		after = ids[len(ids)-1]
	}
}
