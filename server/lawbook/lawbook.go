package lawbook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doorstep/auth"
	"doorstep/server/casework"
	"doorstep/server/conduct"
	"doorstep/server/office"
	"doorstep/sync/journal"
)

// Options of New; all are needed.
type Options struct {
	Office   *office.Service
	Casework *casework.Service
	// Sign signs the statement of a bundle (conduct.Bundle.Statement), so that phones can check where it is from.
	Sign func(statement string) (string, error)
	// Clock is the server's: phones get new zone offsets each week.
	Clock func() time.Time
	Log   *slog.Logger
}

// Book is this node's copy of the conduct policy. It is safe for concurrent use
// once Open or TakeUp has returned without an error.
type Book struct {
	office   *office.Service
	casework *casework.Service
	sign     func(statement string) (string, error)
	clock    func() time.Time
	log      *slog.Logger

	now atomic.Pointer[law]
	// err is why this node cannot judge by the policy in force; it goes on by the one before.
	err atomic.Pointer[error]
	// taking is held while the policy is taken up, so that a slow call never overwrites a newer policy.
	taking sync.Mutex
	past   pastPolicies
}

// New makes a Book without a policy: Open or TakeUp gives it one.
func New(o Options) *Book {
	return &Book{office: o.Office, casework: o.Casework, sign: o.Sign, clock: o.Clock, log: o.Log}
}

// law is the policy in force as a node has it.
type law struct {
	casework.Law
	record    office.Policy
	published bool // to every branch
	reviewed  atomic.Pointer[[]casework.LawReview]
}

// takeUpEvery is how often Run looks for changes that other nodes made.
const takeUpEvery = 2 * time.Second

// Policy is the policy in force as this node has it.
func (b *Book) Policy() *conduct.Policy { return b.now.Load().Policy }

// Open puts in force the pack that the program ships and the packs in the files of paths, and takes
// up the policy. A pack is named after its file, without the extension. Errors: of reading a file,
// *refusal.Error for a pack that is wrong, the store's.
func (b *Book) Open(ctx context.Context, paths []string) error {
	changes := []office.PackChange{shipped()}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read conduct pack: %w", err)
		}
		name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		changes = append(changes, office.PackChange{PackText: office.PackText{Name: name, Text: text},
			Origin: office.PackStarted})
	}
	if err := b.change(ctx, office.Ask{By: auth.System().User}, changes); err != nil {
		return fmt.Errorf("conduct policy: %w", err)
	}
	return nil
}

// shipped is the change that puts the program's own pack.
func shipped() office.PackChange {
	return office.PackChange{PackText: office.PackText{Name: office.DefaultPack, Text: conduct.DefaultPack().Text},
		Origin: office.PackShipped}
}

// change changes the packs and takes up the policy they make before it returns.
func (b *Book) change(ctx context.Context, ask office.Ask, changes []office.PackChange) error {
	var unnamed []string // profiles that were found to be named nowhere, so that they may go
	for {
		j := packJudge{unnamed: unnamed}
		_, _, err := b.office.ChangePacks(ctx, ask, changes, j.judge)
		if err == nil {
			break
		}
		if len(j.gone) == 0 {
			return err
		}
		// Cases are read outside the decision, which holds up the organisation's journal.
		if err := b.checkUnnamed(ctx, j.gone); err != nil {
			return err
		}
		unnamed = append(unnamed, j.gone...)
	}
	// The change is in the journal: this node takes it up even if the caller has gone.
	return b.TakeUp(context.WithoutCancel(ctx))
}

// packJudge judges a change of packs.
type packJudge struct {
	unnamed []string // profiles that may go
	gone    []string // profiles that the last change judged would take away though they are not in unnamed
}

// judge gives the hash of the policy that next makes. It refuses packs that are wrong, and a policy that lacks a
// profile of was that something may name.
func (j *packJudge) judge(was, next []office.PackText) (hash string, err error) {
	j.gone = nil
	p, err := loadPacks(next)
	if err != nil {
		return "", err
	}
	if len(was) > 0 {
		before, err := loadPacks(was)
		if err != nil {
			return "", fmt.Errorf("read the policy in force: %w", err)
		}
		j.gone = slices.DeleteFunc(p.Gone(before), func(id string) bool { return slices.Contains(j.unnamed, id) })
		if len(j.gone) > 0 {
			return "", conduct.StillNamed(j.gone)
		}
	}
	return p.Hash(), nil
}

// checkUnnamed refuses to take profiles away if a case or a branch names one of them, or if the program itself does.
// A case imported while it looks can slip through; such a case cannot be judged, so it is not visited, and says why.
func (b *Book) checkUnnamed(ctx context.Context, profiles []string) error {
	named, err := b.casework.ProfilesNamed(ctx, profiles)
	if err != nil {
		return err
	}
	branches, err := b.office.Branches(ctx)
	if err != nil {
		return err
	}
	for _, p := range profiles {
		byBranch := slices.ContainsFunc(branches, func(br office.Branch) bool { return slices.Contains(br.Profiles, p) })
		if byBranch || slices.Contains(conduct.Standing(), p) {
			named = append(named, p)
		}
	}
	if len(named) > 0 {
		slices.Sort(named)
		return conduct.StillNamed(slices.Compact(named))
	}
	return nil
}

func loadPacks(texts []office.PackText) (*conduct.Policy, error) {
	packs := make([]conduct.Pack, len(texts))
	for i, t := range texts {
		packs[i] = conduct.Pack{Name: t.Name, Text: t.Text}
	}
	if ships := conduct.DefaultPack(); len(packs) == 1 && packs[0].Name == ships.Name &&
		bytes.Equal(packs[0].Text, ships.Text) {
		return conduct.Default() // which does not read the pack again
	}
	return conduct.LoadPacks(packs)
}

// TakeUp puts the policy of the organisation's journal in force on this node and publishes it to the phones of
// every branch. A call that finds nothing new does nothing.
func (b *Book) TakeUp(ctx context.Context) error {
	b.taking.Lock()
	defer b.taking.Unlock()
	err := b.adopt(ctx)
	b.err.Store(&err)
	if err != nil {
		return fmt.Errorf("take up the conduct policy: %w", err)
	}
	return b.tell(ctx)
}

// adopt has this node judge by the policy of the organisation's journal. The caller holds b.taking.
func (b *Book) adopt(ctx context.Context) error {
	record, n, err := b.office.PolicyInForce(ctx)
	if err != nil {
		return err
	}
	now, at := b.now.Load(), b.clock()
	if now != nil && now.Org == n && now.Bundle.Dated >= conduct.Dated(at) {
		return nil
	}
	next, err := b.make(ctx, record, n, at)
	if err != nil {
		return err
	}
	if now != nil && now.Org == n {
		next.reviewed.Store(now.reviewed.Load())
	}
	b.casework.UsePolicy(next.Policy)
	b.now.Store(next)
	b.log.Info("a conduct policy is in force", "hash", record.Hash, "packs", len(record.Packs), "org", n)
	return nil
}

// tell publishes the policy to every branch, once. The caller holds b.taking.
func (b *Book) tell(ctx context.Context) error {
	now := b.now.Load()
	if now.published {
		return nil
	}
	branches, err := b.office.Branches(ctx)
	if err != nil {
		return err
	}
	var errs []error
	all := true
	for _, branch := range branches {
		err := b.casework.PublishTo(ctx, branch.ID, now.Law)
		all = all && err == nil
		if errors.Is(err, journal.ErrStuck) {
			// The journal has logged it. Neither the start nor a new policy waits for one branch.
			b.log.Debug("the conduct policy waits for a branch", "branch", branch.ID, "err", err)
			continue
		}
		if err == nil {
			err = b.review(ctx, branch.ID, now)
			all = all && err == nil
		}
		errs = append(errs, err)
	}
	now.published = all
	return errors.Join(errs...)
}

// review has the open visits of a branch judged by a policy that came into force after they were issued.
func (b *Book) review(ctx context.Context, branch auth.BranchID, now *law) error {
	done, err := b.casework.ReviewOpen(ctx, branch, now.Law)
	if err != nil {
		return err
	}
	if len(done.TakenBack)+len(done.Flagged) == 0 {
		return nil
	}
	b.log.Info("open visits are against the conduct policy in force", "branch", branch, "taken_back", len(done.TakenBack),
		"flagged", len(done.Flagged))
	var all []casework.LawReview
	if was := now.reviewed.Load(); was != nil {
		all = slices.Clone(*was)
	}
	all = append(slices.DeleteFunc(all, func(r casework.LawReview) bool { return r.Branch == branch }), done)
	now.reviewed.Store(&all)
	return nil
}

// Reviewed lists by branch what the policy in force forbade of the visits that were open when this node took it up.
func (b *Book) Reviewed() []casework.LawReview {
	if all := b.now.Load().reviewed.Load(); all != nil {
		return *all
	}
	return nil
}

// make reads a policy that an entry of the organisation put in force, and signs its bundle as of an instant.
func (b *Book) make(ctx context.Context, record office.Policy, n uint64, at time.Time) (*law, error) {
	l := &law{record: record}
	l.Org, l.Since = n, record.Since
	if now := b.now.Load(); now != nil && now.record.Hash == record.Hash {
		l.Policy = now.Policy // reading it takes a while
	} else {
		texts, err := b.office.PackTexts(ctx, record)
		if err != nil {
			return nil, err
		}
		if l.Policy, err = loadPacks(texts); err != nil {
			return nil, err
		}
	}
	var err error
	if l.Bundle, err = l.Policy.Bundle(n, at); err != nil {
		return nil, err
	}
	l.Signed, err = b.sign(l.Bundle.Statement())
	return l, err
}

// Run takes up changes that other nodes made, and gives phones new zone offsets each week, until the context ends. It
// logs what fails and returns nil.
func (b *Book) Run(ctx context.Context) error {
	tick := time.NewTicker(takeUpEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := b.TakeUp(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("conduct policy", "err", err)
		}
	}
}

// Ready says why this node cannot judge by the policy in force; nil if it does.
func (b *Book) Ready() error {
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}

// PublishTo publishes the policy in force to the phones of a branch.
func (b *Book) PublishTo(ctx context.Context, branch auth.BranchID) error {
	return b.casework.PublishTo(ctx, branch, b.now.Load().Law)
}

// InForce is the policy in force as this node has it: its packs and since when, and as it is published.
func (b *Book) InForce() (office.Policy, casework.Law) {
	now := b.now.Load()
	return now.record, now.Law
}

// Put puts a pack in force. Errors: pack.*; *refusal.Error with the places of what is wrong in the text.
func (b *Book) Put(ctx context.Context, ask office.Ask, name string, text []byte) error {
	return b.change(ctx, ask, []office.PackChange{{PackText: office.PackText{Name: name, Text: text},
		Origin: office.PackPut}})
}

// Remove takes a pack away. Removing a default pack that was put brings back the one that ships. Errors: pack.*.
func (b *Book) Remove(ctx context.Context, ask office.Ask, name string) error {
	changes := []office.PackChange{{PackText: office.PackText{Name: name}}}
	if name == office.DefaultPack {
		changes = append(changes, shipped())
	}
	return b.change(ctx, ask, changes)
}
