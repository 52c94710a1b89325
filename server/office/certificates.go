package office

import (
	"context"
	"fmt"
	"slices"

	"doorstep/auth"
)

// Certificate is a training or an exam of an agent that holds until a date.
type Certificate struct {
	Kind string `json:"kind"`         // a word of the office, such as debt_collection or iibf
	No   string `json:"no,omitempty"` // its number
	// ValidTo is the last day on which it holds, local to the branch.
	ValidTo string `json:"valid_to"`
}

// AgentCertExpired is the reason why a branch cannot send out an agent whose certificate does not hold that day, or who
// lacks one that the branch wants.
const AgentCertExpired = "cert_expired"

// mostCertificates is how many certificates of an agent are kept.
const mostCertificates = 20

// checkCertificates refuses what is no certificate, at its place.
func checkCertificates(all []Certificate) error {
	if len(all) > mostCertificates {
		return invalid("user.certificates", "certificates", fmt.Sprintf("at most %d: leave out those that were renewed",
			mostCertificates))
	}
	for i, c := range all {
		at := fmt.Sprintf("certificates[%d].", i)
		if !idShape.MatchString(c.Kind) {
			return invalid("user.certificate", at+"kind", "a kind has 1 to 64 letters, digits, dots, dashes or underscores")
		}
		if c.No != "" && !idShape.MatchString(c.No) {
			return invalid("user.certificate", at+"no", "a number has at most 64 letters, digits, dots, dashes or underscores")
		}
		if fault := DateFault(c.ValidTo); fault != "" {
			return invalid("user.certificate", at+"valid_to", fault)
		}
	}
	return nil
}

// uncertified tells whether the user lacks a certificate on a local date: one of the kinds that are wanted, or one that
// they have had and that was not renewed.
func (u *User) uncertified(wanted []string, date string) bool {
	holds := func(kind string) bool {
		return slices.ContainsFunc(u.Certificates, func(c Certificate) bool { return c.Kind == kind && date <= c.ValidTo })
	}
	return slices.ContainsFunc(wanted, func(kind string) bool { return !holds(kind) }) ||
		slices.ContainsFunc(u.Certificates, func(c Certificate) bool { return !holds(c.Kind) })
}

// uncertifiedOn adds to those who cannot be sent out on a local date who lacks a certificate. The error is the store's.
func (s *Service) uncertifiedOn(ctx context.Context, b auth.BranchID, date string, ids []auth.UserID,
	unable map[auth.UserID]string) error {
	branch, there, err := load[Branch](ctx, s, auth.OrgBranch, "branches", string(b))
	if err != nil {
		return err
	}
	var wanted []string
	if there {
		wanted = branch.Certificates
	}
	users, err := s.usersOf(ctx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if unable[id] == "" && users[i] != nil && users[i].uncertified(wanted, date) {
			unable[id] = AgentCertExpired
		}
	}
	return nil
}
