package lawbook

import (
	"context"
	"fmt"
	"sync"

	"doorstep/server/casework"
	"doorstep/server/office"
)

// Past is a policy that is or was in force, by its hash; "" is the present one. Errors: pack.no_policy, the store's.
func (b *Book) Past(ctx context.Context, hash string) (office.Policy, casework.Law, error) {
	if now := b.now.Load(); hash == "" || hash == now.record.Hash {
		return now.record, now.Law, nil
	}
	if p := b.past.find(hash); p != nil {
		return p.record, p.Law, nil
	}
	record, n, err := b.office.PolicyOf(ctx, hash)
	if err != nil {
		return office.Policy{}, casework.Law{}, err
	}
	p, err := b.make(ctx, record, n, record.Since)
	if err != nil {
		return office.Policy{}, casework.Law{}, fmt.Errorf("read a past conduct policy: %w", err)
	}
	b.past.keep(p)
	return p.record, p.Law, nil
}

// pastPolicies remembers the last four past policies that were asked for: compiling one costs milliseconds.
type pastPolicies struct {
	mu   sync.Mutex
	last [4]*law
	next int
}

// find gives a remembered policy by its hash; nil when it is not remembered.
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

// keep remembers a policy in the place of the oldest.
func (p *pastPolicies) keep(l *law) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[p.next%len(p.last)] = l
	p.next++
}
