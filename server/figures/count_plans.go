package figures

import (
	"context"
	"slices"

	"doorstep/server/record"
)

// plans counts plans and their instalments.
func (c *count) plans(ctx context.Context) error {
	rows, err := c.src.since(ctx, c.branch, kindPlan, shift(c.from, -1), "")
	if err != nil {
		return err
	}
	var visits, cases []string
	for _, x := range rows {
		visits, cases = append(visits, x.Visit), append(cases, rowID("cases", x.Of))
	}
	if err := c.knowVisits(ctx, visits); err != nil {
		return err
	}
	if err := c.know(ctx, cases...); err != nil {
		return err
	}
	for _, x := range rows {
		team := c.teamOf(x.Visit)
		if !x.Copied {
			c.add(x.At, x.Lender, team, func(t *tally) { t.PlansOffered++ })
		}
		avoided := false
		if day := c.dayOf(x.Agreed); day >= c.from && day <= c.to {
			met, err := c.visited(ctx, x.Of, x.Agreed)
			if err != nil {
				return err
			}
			avoided = !met && x.Visit == ""
		}
		c.add(x.Agreed, x.Lender, team, func(t *tally) {
			t.PlansAgreed++
			if avoided {
				t.AvoidedByPlans++
			}
		})
		if !c.cache[rowID("cases", x.Of)].Gone && x.Agreed != "" && x.Ended != elsewhere {
			c.course(&x, team)
		}
	}
	return nil
}

// course counts what became of a plan that is, or was, in force.
func (c *count) course(x *found, team string) {
	over := func(day string) bool { // while the plan was in force, and not in the future
		return day != "" && day <= c.today && (x.Ended == "" || day <= c.dayOf(x.Ended))
	}
	if over(x.Kept) {
		c.add(x.Kept, x.Lender, team, func(t *tally) { t.PlansKept++ })
	}
	if over(x.Breaks) {
		c.add(x.Breaks, x.Lender, team, func(t *tally) {
			if x.BreaksAs == record.PlanPartiallyKept {
				t.PlansPartly++
			} else {
				t.PlansBroken++
			}
		})
	}
	for _, p := range x.Promises {
		if !over(p.LastOn) {
			continue
		}
		c.add(p.LastOn, x.Lender, team, func(t *tally) {
			t.PromisesDue++
			switch {
			case x.Paid >= p.ByThen:
				t.PromisesKept++
			case p.LastOn < c.today:
				t.PromisesBroken++
			}
		})
	}
}

// visited tells whether an agent went to the door for a case, up to an instant; "" for ever.
func (c *count) visited(ctx context.Context, of, until string) (bool, error) {
	rows, err := c.src.under(ctx, c.branch, of, kindVisit)
	return slices.ContainsFunc(rows, func(x found) bool {
		return !x.Gone && record.OutcomeOf(x.Code).Door && (until == "" || x.At <= until)
	}), err
}

func (c *count) payments(ctx context.Context) error {
	rows, err := c.within(ctx, kindPayment, 0)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(x found) bool { return x.Copied })
	var cases, plans, visits []string
	for _, x := range rows {
		cases = append(cases, rowID("cases", x.Of))
	}
	if err := c.know(ctx, cases...); err != nil {
		return err
	}
	for _, id := range cases {
		if plan := c.cache[id].Plan; plan != "" {
			plans = append(plans, rowID("plans", plan))
		}
	}
	if err := c.know(ctx, plans...); err != nil {
		return err
	}
	for _, id := range plans {
		visits = append(visits, c.cache[id].Visit)
	}
	if err := c.knowVisits(ctx, visits); err != nil {
		return err
	}
	for _, x := range rows {
		team := ""
		if plan := c.cache[rowID("cases", x.Of)].Plan; plan != "" {
			team = c.teamOf(c.cache[rowID("plans", plan)].Visit)
		}
		c.add(x.At, x.Lender, team, func(t *tally) { t.Recovered[x.Currency] += x.Minor })
	}
	return nil
}

// closed counts the cases that needed no visit.
func (c *count) closed(ctx context.Context) error {
	rows, err := c.within(ctx, kindClosed, 0)
	if err != nil {
		return err
	}
	for _, x := range rows {
		if day := c.dayOf(x.At); x.Gone || x.Code != "paid" && x.Code != "settled" ||
			day < c.from || day > c.to {
			continue
		}
		met, err := c.visited(ctx, x.Of, "")
		if err != nil {
			return err
		}
		texts, err := c.src.under(ctx, c.branch, x.Of, kindMessage)
		if err != nil {
			return err
		}
		plans, err := c.src.under(ctx, c.branch, x.Of, kindPlan)
		if err != nil {
			return err
		}
		texted := slices.ContainsFunc(texts, func(m found) bool { return m.Flag && m.Sent != "" })
		agreed := slices.ContainsFunc(plans, func(p found) bool { return p.Agreed != "" })
		if texted && !met && !agreed {
			c.add(x.At, x.Lender, "", func(t *tally) { t.AvoidedByLadder++ })
		}
	}
	return nil
}
