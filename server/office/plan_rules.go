package office

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"doorstep/auth"
	"doorstep/server/repayment"
	"doorstep/sync/journal"
)

// PlanRules is the state of a document of type "plan_rules": what a lender allows in repayment plans, by product and
// currency. The document under the lender's id is the version in force; "<lender>/<version>" keeps each of them.
type PlanRules struct {
	Lender string `json:"lender"`
	// Version counts the changes from 1; 0 for a lender that has no rules.
	Version uint64               `json:"version"`
	Rules   []repayment.RulesFor `json:"rules"`
	By      auth.UserID          `json:"by,omitempty"` // who put them in force
	At      time.Time            `json:"at,omitzero"`
}

const planRulesType = "plan_rules"

// PutPlanRules puts rules of a lender in force, in the place of those of r.Version; 0 for the first. Plans that were
// judged before stay as they are. Errors: plan_rules.invalid with the place, plan_rules.stale, lender.not_found.
func (s *Service) PutPlanRules(ctx context.Context, ask Ask, r PlanRules) (PlanRules, error) {
	if bad := repayment.CheckRules(r.Rules); bad != nil {
		return PlanRules{}, bad
	}
	if r.Rules == nil {
		r.Rules = []repayment.RulesFor{}
	}
	var next PlanRules
	out, err := apply(ctx, s, ask, change[PlanRules]{branch: auth.OrgBranch, typ: planRulesType, id: r.Lender,
		action: "plan_rules.put",
		decide: func(ctx context.Context, rd *journal.Reader, now *PlanRules) (*PlanRules, error) {
			known, err := readDoc[Lender](ctx, rd, "lenders", r.Lender)
			if err != nil {
				return nil, err
			}
			if known == nil {
				return nil, notFound("lender.not_found", "there is no such lender; make it first with PUT /v1/lenders/{id}")
			}
			if now == nil {
				now = &PlanRules{}
			}
			if now.Version != r.Version {
				return nil, conflict("plan_rules.stale",
					"the rules were changed meanwhile; read them again, and send the version that you change")
			}
			next = PlanRules{Lender: r.Lender, Version: r.Version + 1, Rules: r.Rules, By: ask.By,
				At: rd.At.UTC().Truncate(time.Second)}
			return &next, nil
		},
		also: func(ctx context.Context, rd *journal.Reader, d *journal.Draft) error {
			id := planRulesVersion(next.Lender, next.Version)
			if _, _, err := rd.Doc(ctx, planRulesType, id); err != nil { // a document may be written only if it was read
				return err
			}
			state, err := json.Marshal(next)
			if err != nil {
				return fmt.Errorf("encode plan rules: %w", err)
			}
			d.Put(planRulesType, id, state)
			return nil
		}})
	if err != nil {
		return PlanRules{}, err
	}
	return *out, nil
}

func planRulesVersion(lender string, version uint64) string {
	return lender + "/" + strconv.FormatUint(version, 10)
}

// PlanRulesOf are the rules of a lender: of a version, or with 0 those in force. A lender without rules has version 0.
// Errors: lender.not_found, plan_rules.not_found.
func (s *Service) PlanRulesOf(ctx context.Context, lender string, version uint64) (PlanRules, error) {
	if _, known, err := s.Contracts(ctx, lender); err != nil {
		return PlanRules{}, err
	} else if !known {
		return PlanRules{}, notFound("lender.not_found", "there is no such lender")
	}
	id := lender
	if version > 0 {
		id = planRulesVersion(lender, version)
	}
	r, ok, err := load[PlanRules](ctx, s, auth.OrgBranch, planRulesType, id)
	switch {
	case err != nil:
		return PlanRules{}, err
	case !ok && version > 0:
		return PlanRules{}, notFound("plan_rules.not_found", "the lender's rules have no such version")
	case !ok:
		return PlanRules{Lender: lender, Rules: []repayment.RulesFor{}}, nil
	}
	return *r, nil
}

// PlanRules gives the rules of a lender that are in force, and their version. It implements casework.PlanRules.
func (s *Service) PlanRules(ctx context.Context, lender string) ([]repayment.RulesFor, uint64, error) {
	r, ok, err := load[PlanRules](ctx, s, auth.OrgBranch, planRulesType, lender)
	if err != nil || !ok {
		return nil, 0, err
	}
	return r.Rules, r.Version, nil
}
