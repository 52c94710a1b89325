package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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

// lawbook keeps this node's copy of the conduct policy in step with the
// organisation's journal, which alone says which packs are in force, and tells the
// phones of every branch.
type lawbook struct {
	office   *office.Service
	casework *casework.Service
	sign     func(statement string) (string, error)
	log      *slog.Logger

	now atomic.Pointer[law]
	// err is why the policy in force cannot be taken up; what was there before is still judged by.
	err atomic.Pointer[error]
	// taking is held while the policy is taken up, so that a slow one never overwrites a newer.
	taking sync.Mutex
	past   pastPolicies
}

// law is the policy in force as a node has it.
type law struct {
	casework.Law
	record    office.Policy
	published bool // to every branch
}

// takeUpEvery is how soon a node hears of a pack that was put through another one.
const takeUpEvery = 2 * time.Second

// Policy is the policy in force.
func (b *lawbook) Policy() *conduct.Policy { return b.now.Load().Policy }

// open puts the packs that the program ships and those it was started with, and takes up the policy.
func (b *lawbook) open(ctx context.Context, paths []string) error {
	changes := []office.PackChange{{PackText: office.PackText{Name: office.DefaultPack, Text: conduct.DefaultPack().Text}, Origin: office.PackShipped}}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read conduct pack: %w", err)
		}
		name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		changes = append(changes, office.PackChange{PackText: office.PackText{Name: name, Text: text}, Origin: office.PackStarted})
	}
	if err := b.change(ctx, office.Ask{By: auth.System().User}, changes); err != nil {
		return fmt.Errorf("conduct policy: %w", err)
	}
	return nil
}

// change changes the packs, and takes up what comes of it before it returns.
func (b *lawbook) change(ctx context.Context, ask office.Ask, changes []office.PackChange) error {
	if _, _, err := b.office.ChangePacks(ctx, ask, changes, judgePacks); err != nil {
		return err
	}
	// The change is made; whoever asked for it may have gone.
	return b.takeUp(context.WithoutCancel(ctx))
}

// judgePacks says whether packs are a policy that may come after another.
func judgePacks(was, next []office.PackText) (hash string, err error) {
	p, err := loadPacks(next)
	if err != nil {
		return "", err
	}
	if len(was) > 0 {
		before, err := loadPacks(was)
		if err != nil {
			return "", fmt.Errorf("read the policy in force: %w", err)
		}
		if err := p.MayReplace(before); err != nil {
			return "", err
		}
	}
	return p.Hash(), nil
}

func loadPacks(texts []office.PackText) (*conduct.Policy, error) {
	packs := make([]conduct.Pack, len(texts))
	for i, t := range texts {
		packs[i] = conduct.Pack{Name: t.Name, Text: t.Text}
	}
	return conduct.LoadPacks(packs)
}

// takeUp puts the policy of the organisation's journal in force on this node, and tells the phones.
func (b *lawbook) takeUp(ctx context.Context) error {
	b.taking.Lock()
	defer b.taking.Unlock()
	err := b.adopt(ctx)
	b.err.Store(&err)
	if err != nil {
		return fmt.Errorf("take up the conduct policy: %w", err)
	}
	return b.tell(ctx)
}

// adopt judges by the policy in force from now on.
func (b *lawbook) adopt(ctx context.Context) error {
	record, n, err := b.office.PolicyInForce(ctx)
	if err != nil {
		return err
	}
	now := b.now.Load()
	if now != nil && now.Org == n {
		return nil
	}
	next := &law{record: record}
	next.Org = n
	if now != nil && now.record.Hash == record.Hash {
		next.Policy, next.Signed = now.Policy, now.Signed
	} else if next.Policy, next.Signed, err = b.load(ctx, record); err != nil {
		return err
	}
	b.casework.UsePolicy(next.Policy)
	b.now.Store(next)
	b.log.Info("a conduct policy is in force", "hash", record.Hash, "packs", len(record.Packs), "org", n)
	return nil
}

// tell publishes the policy to every branch, once.
func (b *lawbook) tell(ctx context.Context) error {
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
			// The journal has said so; neither the start nor a new policy waits for one branch.
			b.log.Debug("the conduct policy waits for a branch", "branch", branch.ID, "err", err)
			continue
		}
		errs = append(errs, err)
	}
	now.published = all
	return errors.Join(errs...)
}

func (b *lawbook) load(ctx context.Context, record office.Policy) (*conduct.Policy, string, error) {
	texts, err := b.office.PackTexts(ctx, record)
	if err != nil {
		return nil, "", err
	}
	p, err := loadPacks(texts)
	if err != nil {
		return nil, "", err
	}
	signed, err := b.sign(p.Statement())
	return p, signed, err
}

// Run takes up what is put through other nodes, until the context ends.
func (b *lawbook) Run(ctx context.Context) error {
	tick := time.NewTicker(takeUpEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := b.takeUp(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("conduct policy", "err", err)
		}
	}
}

// ready says why the policy in force is not judged by here.
func (b *lawbook) ready() error {
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}

// PublishTo tells the phones of a branch.
func (b *lawbook) PublishTo(ctx context.Context, branch auth.BranchID) error {
	return b.casework.PublishTo(ctx, branch, b.now.Load().Law)
}

// InForce is the policy in force as this node has it.
func (b *lawbook) InForce() (office.Policy, casework.Law) {
	now := b.now.Load()
	return now.record, now.Law
}

// Put puts a pack. What is wrong with it is a *refusal.Error with its places.
func (b *lawbook) Put(ctx context.Context, ask office.Ask, name string, text []byte) error {
	return b.change(ctx, ask, []office.PackChange{{PackText: office.PackText{Name: name, Text: text}, Origin: office.PackPut}})
}

// Remove takes a pack away; taking away a default that was put brings back the one that ships.
func (b *lawbook) Remove(ctx context.Context, ask office.Ask, name string) error {
	changes := []office.PackChange{{PackText: office.PackText{Name: name}}}
	if name == office.DefaultPack {
		changes = append(changes, office.PackChange{PackText: office.PackText{Name: name, Text: conduct.DefaultPack().Text}, Origin: office.PackShipped})
	}
	return b.change(ctx, ask, changes)
}

// Past is a policy that is or was in force, by its hash. pack.no_policy.
func (b *lawbook) Past(ctx context.Context, hash string) (office.Policy, casework.Law, error) {
	if now := b.now.Load(); hash == "" || hash == now.record.Hash {
		return now.record, now.Law, nil
	}
	if p := b.past.find(hash); p != nil {
		return p.record, p.Law, nil
	}
	record, err := b.office.PolicyOf(ctx, hash)
	if err != nil {
		return office.Policy{}, casework.Law{}, err
	}
	p := &law{record: record}
	if p.Policy, p.Signed, err = b.load(ctx, record); err != nil {
		return office.Policy{}, casework.Law{}, fmt.Errorf("read a past conduct policy: %w", err)
	}
	b.past.keep(p)
	return p.record, p.Law, nil
}

// pastPolicies remembers the last few policies that were asked for: compiling one costs milliseconds.
type pastPolicies struct {
	mu   sync.Mutex
	last [4]*law
	next int
}

func (p *pastPolicies) find(hash string) *law {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.last {
		if l != nil && l.record.Hash == hash {
			return l
		}
	}
	return nil
}

func (p *pastPolicies) keep(l *law) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[p.next%len(p.last)] = l
	p.next++
}
