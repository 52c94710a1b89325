package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"doorstep/auth"
	"doorstep/server/record"
	"doorstep/sync/journal"
)

// News says what of a branch has changed, in words of the lists that show it. Of ids it has those of rounds.
type News struct {
	Entry uint64 `json:"entry"` // the branch's last entry
	// Changed are some of cases, checkins, complaints, corrections, inbox, plans, quarantine, rounds, visits, sorted.
	Changed []string `json:"changed"`
	Rounds  []string `json:"rounds"` // whose stops or visits changed, sorted
	// All says that so much changed that every list is to be read again.
	All bool `json:"all,omitempty"`
}

// newsMost is how many entries News reads; beyond it everything counts as changed.
const newsMost = 500

// News tells what has changed after an entry, and which entry is the last. It costs one read of the journal's entries
// in between.
func (s *Service) News(ctx context.Context, branch auth.BranchID, after uint64) (News, error) {
	w, err := s.store.Watermark(ctx, branch)
	if err != nil {
		return News{}, err
	}
	out := News{Entry: w, Changed: []string{}, Rounds: []string{}}
	switch {
	case w <= after:
		return out, nil
	case w-after > newsMost:
		out.All = true
		return out, nil
	}
	for e, err := range journal.Entries(ctx, s.store, branch, after, w) {
		var unread *journal.Unreadable
		switch {
		case errors.As(err, &unread):
			out.All = true
			continue
		case err != nil:
			return News{}, fmt.Errorf("read what is new: %w", err)
		}
		if err := out.add(&e); err != nil {
			return News{}, err
		}
	}
	slices.Sort(out.Changed)
	slices.Sort(out.Rounds)
	out.Changed, out.Rounds = slices.Compact(out.Changed), slices.Compact(out.Rounds)
	return out, nil
}

// add notes what an entry changes.
func (n *News) add(e *journal.Entry) error {
	for i := range e.Docs {
		d := &e.Docs[i]
		var of struct {
			Round  string `json:"round"`
			Status string `json:"status"`
			// of what corrects
			Supersedes string `json:"supersedes"`
			Admitted   struct {
				Corrected []string `json:"corrected"`
			} `json:"admitted"`
		}
		if !d.Deleted {
			if err := json.Unmarshal(d.State, &of); err != nil {
				return fmt.Errorf("read %s/%s: %w", d.Type, d.ID, err)
			}
		}
		if of.Supersedes != "" || len(of.Admitted.Corrected) > 0 ||
			d.Type == "cases" && e.Action == actionCorrect {
			n.Changed = append(n.Changed, "corrections", "inbox")
		}
		switch d.Type {
		case "correction_reviews":
			n.Changed = append(n.Changed, "corrections", "inbox")
		case "cases":
			n.Changed = append(n.Changed, "cases", "inbox")
		case "visits":
			n.Changed = append(n.Changed, "visits", "inbox")
			n.round(of.Round)
		case "visit_reviews":
			n.Changed = append(n.Changed, "corrections", "visits", "inbox")
		case "visit_confirmations", "attachments":
			n.Changed = append(n.Changed, "visits", "inbox")
		case "plans":
			n.Changed = append(n.Changed, "plans", "inbox")
		case "complaints":
			n.Changed = append(n.Changed, "complaints", "inbox")
		case "checkins":
			n.Changed = append(n.Changed, "checkins", "inbox")
		case "quarantine":
			n.Changed = append(n.Changed, "quarantine", "inbox")
		case "alerts":
			if of.Status == record.AlertDead {
				n.Changed = append(n.Changed, "inbox")
			}
		case "assignments":
			n.Changed = append(n.Changed, "rounds")
			n.round(of.Round)
		case "rounds":
			n.Changed = append(n.Changed, "rounds")
			n.round(d.ID)
		}
	}
	return nil
}

func (n *News) round(id string) {
	if id != "" {
		n.Rounds = append(n.Rounds, id)
	}
}
