package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"doorstep/auth"
	"doorstep/auth/refusal"
	"doorstep/sync/journal"
)

// User is the state of a document of type "users" in the organisation's journal.
type User struct {
	ID    auth.UserID `json:"id"`
	Login string      `json:"login"` // lower case, unique
	Name  string      `json:"name"`
	Role  auth.Role   `json:"role"`
	// Branches the user works in; an agent has exactly one, an administrator none.
	Branches []auth.BranchID `json:"branches"`
	// Lender is the lender whose cases a user of role lender sees.
	Lender   string `json:"lender,omitempty"`
	Language string `json:"language,omitempty"`
	BadgeNo  string `json:"badge_no,omitempty"`
	// Certificates are the agent's trainings and exams: one that has run out and was not renewed keeps them at home.
	Certificates []Certificate `json:"certificates,omitempty" doc:"The agent's trainings and exams: one that has run out and was not renewed keeps the agent at home."`
	// Regulator lets an auditor export personal data (level "regulator").
	Regulator  bool   `json:"regulator,omitempty"`
	Disabled   bool   `json:"disabled,omitempty"`
	Generation uint64 `json:"generation"` // grows when tokens given so far must end
	// FactorEpoch grows when an administrator takes the user's second factors away.
	FactorEpoch uint64 `json:"factor_epoch,omitempty"`
	// FactorsResetAt is when that was last.
	FactorsResetAt time.Time `json:"factors_reset_at,omitzero"`
	CreatedAt      time.Time `json:"created_at"`
	// Terms are what the user was before, the newest and present one last: what is told late is judged by then.
	Terms []Term `json:"terms,omitempty"`
}

// NewUser is what an administrator sends to make a user.
type NewUser struct {
	ID           auth.UserID // "" to have one minted
	Login        string
	Name         string
	Role         auth.Role
	Branches     []auth.BranchID
	Lender       string
	Language     string
	BadgeNo      string
	Regulator    bool
	Certificates []Certificate
	// Password the user must change at first use; "" leaves the user without one.
	Password string
	// MadeUp says that the server made the password: a repeated request makes another.
	MadeUp bool
	// Keep spares the user the change: for machines (a lender's system) and tests.
	Keep bool
}

// adminsKey is written by every change of a user, any of which may leave the organisation without an administrator.
const adminsKey journal.Key = "admins"

// loginKey is written by every change of who has which login.
func loginKey(login string) journal.Key { return journal.Key("uniq:login:" + login) }

// CreateUser makes a user. Set says whether the password given is now theirs: a
// request repeated finds one already, which it replaces only if both were made up
// and the user has not chosen one since. Errors: *refusal.Error (user.*), auth's for a weak
// password.
func (s *Service) CreateUser(ctx context.Context, ask Ask, n NewUser) (user User, set bool, err error) {
	n.Login = strings.ToLower(strings.TrimSpace(n.Login))
	if err := s.checkUser(ctx, n); err != nil {
		return User{}, false, err
	}
	var hash string
	if n.Password != "" {
		if hash, err = s.hasher.Hash(ctx, n.Login, n.Password); err != nil {
			return User{}, false, err
		}
	}
	if n.ID == "" {
		n.ID = auth.UserID(journal.NewID())
	}
	u, err := apply(ctx, s, ask, change[User]{branch: auth.OrgBranch, typ: "users", id: string(n.ID),
		action: "user.create", keys: []journal.Key{loginKey(n.Login)},
		decide: func(ctx context.Context, r *journal.Reader, now *User) (*User, error) {
			if now != nil {
				return nil, conflict("user.exists", "a user with this id exists")
			}
			others, err := r.All(ctx, usersByLogin, n.Login)
			if err != nil {
				return nil, err
			}
			if len(others) > 0 {
				return nil, conflict("user.login_taken", "this login is taken; choose another")
			}
			return &User{ID: n.ID, Login: n.Login, Name: n.Name, Role: n.Role, Branches: n.Branches, Lender: n.Lender,
				Language:     n.Language,
				Certificates: n.Certificates,
				BadgeNo:      n.BadgeNo, Regulator: n.Regulator, Generation: 1, CreatedAt: r.At.Truncate(time.Second)}, nil
		}})
	if err != nil {
		return User{}, false, err
	}
	if hash == "" {
		return *u, false, nil
	}
	// The user exists without a password until this is durable; repeating the request sets it.
	err = s.swapSmall(ctx, credentialKind, string(u.ID), func(now []byte) ([]byte, error) {
		var was credential
		if now != nil {
			if err := json.Unmarshal(now, &was); err != nil {
				return nil, err
			}
		}
		if set = now == nil || n.MadeUp && was.MustChange; !set {
			return nil, nil
		}
		return json.Marshal(credential{Hash: hash, MustChange: !n.Keep, Since: s.now()})
	})
	return *u, set && err == nil, err
}

func (s *Service) checkUser(ctx context.Context, n NewUser) error {
	if !idShape.MatchString(n.Login) {
		return invalid("user.login", "login", "a login has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if n.ID != "" && !idShape.MatchString(string(n.ID)) {
		return invalid("user.id", "id", "an id has 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if reserved(string(n.ID)) {
		return invalid("user.id", "id", "this id stands for the server itself; choose another")
	}
	if n := utf8.RuneCountInString(n.Name); n > 200 {
		return invalid("user.name", "name", "a name has at most 200 characters")
	}
	if err := checkCertificates(n.Certificates); err != nil {
		return err
	}
	return s.checkScope(ctx, n.Role, n.Branches, n.Lender, n.Regulator)
}

// checkScope refuses a role with the wrong kind of scope.
func (s *Service) checkScope(ctx context.Context, role auth.Role, branches []auth.BranchID, lender string,
	regulator bool) error {
	rule := role.Rule()
	switch {
	case rule.Role == "":
		return refusal.New(refusal.Invalid, "user.role", "role", "role is one of %v", auth.Roles())
	case rule.Branches == auth.OneBranch && len(branches) != 1:
		return refusal.New(refusal.Invalid, "user.branches", "branches", "a user of role %s has exactly one branch", role)
	case rule.Branches == auth.SomeBranches && len(branches) == 0:
		return refusal.New(refusal.Invalid, "user.branches", "branches", "a user of role %s has at least one branch", role)
	case rule.Lender && lender == "":
		return refusal.New(refusal.Invalid, "user.lender", "lender", "a user of role %s names the lender", role)
	case !rule.Lender && lender != "":
		return refusal.New(refusal.Invalid, "user.lender", "lender", "a user of role %s names no lender", role)
	case regulator && !rule.Regulator:
		return refusal.New(refusal.Invalid, "user.regulator", "regulator",
			"a user of role %s cannot be given the regulator level", role)
	}
	if lender != "" {
		if _, ok, err := load[Lender](ctx, s, auth.OrgBranch, "lenders", lender); err != nil {
			return err
		} else if !ok {
			return invalid("user.lender", "lender", "no such lender; make it first with PUT /v1/lenders/{id}")
		}
	}
	for _, b := range branches {
		if _, ok, err := load[Branch](ctx, s, auth.OrgBranch, "branches", string(b)); err != nil {
			return err
		} else if !ok {
			return invalid("user.branches", "branches", "no such branch; make it first with PUT /v1/branches/{id}")
		}
	}
	return nil
}

// UserPatch is what changes of a user; nil leaves a member as it is.
type UserPatch struct {
	Name     *string
	Role     *auth.Role
	Branches *[]auth.BranchID
	Lender   *string
	Language *string
	BadgeNo  *string
	// Certificates take the place of those that are known.
	Certificates *[]Certificate
	Regulator    *bool
	Disabled     *bool
	Password     *string // a new one-time password
	// ResetFactors takes the user's second factors away: they sign in with the password alone until they have added one.
	ResetFactors bool
}

// PatchUser changes a user. A change of role, scope, password or factors, and disabling, end the tokens given so far.
// The open work of an agent whom a branch cannot send out any more is to be taken back (Leavings). The last
// administrator stays one (user.last_admin).
// An agent's branch cannot change while they hold devices of it; block or sign them out first is not
// needed: their next sign-in takes the new branch.
func (s *Service) PatchUser(ctx context.Context, ask Ask, id auth.UserID, p UserPatch) (User, error) {
	now, err := s.User(ctx, id)
	if err != nil {
		return User{}, err
	}
	var hash string
	if p.Password != nil {
		if hash, err = s.hasher.Hash(ctx, now.Login, *p.Password); err != nil {
			return User{}, err
		}
	}
	var was, next User
	u, err := apply(ctx, s, ask, change[User]{branch: auth.OrgBranch, typ: "users", id: string(id), action: "user.change",
		keys: []journal.Key{adminsKey},
		also: func(ctx context.Context, r *journal.Reader, d *journal.Draft) error {
			return leave(ctx, r, d, &was, &next)
		},
		decide: func(ctx context.Context, r *journal.Reader, u *User) (*User, error) {
			if u == nil {
				return nil, notFound("user.not_found", "no such user")
			}
			was = *u
			set(&u.Name, p.Name)
			set(&u.Role, p.Role)
			set(&u.Branches, p.Branches)
			set(&u.Lender, p.Lender)
			set(&u.Language, p.Language)
			set(&u.BadgeNo, p.BadgeNo)
			set(&u.Certificates, p.Certificates)
			if err := checkCertificates(u.Certificates); err != nil {
				return nil, err
			}
			set(&u.Regulator, p.Regulator)
			set(&u.Disabled, p.Disabled)
			if err := s.checkScope(ctx, u.Role, u.Branches, u.Lender, u.Regulator); err != nil {
				return nil, err
			}
			if was.rules() && !u.rules() {
				if err := s.otherAdmin(ctx, r, id); err != nil {
					return nil, err
				}
			}
			if u.Role != was.Role || u.Disabled != was.Disabled || u.Lender != was.Lender || u.Regulator != was.Regulator ||
				!slices.Equal(u.Branches, was.Branches) || hash != "" || p.ResetFactors {
				u.Generation++
			}
			if p.ResetFactors {
				u.FactorEpoch++
				u.FactorsResetAt = r.At.UTC().Truncate(time.Second)
			}
			u.noteTerm(&was, r.At)
			next = *u
			return u, nil
		}})
	if err != nil {
		return User{}, err
	}
	if hash != "" {
		err = s.swapSmall(ctx, credentialKind, string(id), func([]byte) ([]byte, error) {
			return json.Marshal(credential{Hash: hash, MustChange: true, Since: s.now()})
		})
	}
	return *u, err
}

// rules tells whether a user is an administrator who may sign in.
func (u *User) rules() bool { return u.Role == auth.RoleAdmin && !u.Disabled }

// otherAdmin refuses if a user is the only administrator who may sign in.
func (s *Service) otherAdmin(ctx context.Context, r *journal.Reader, id auth.UserID) error {
	admins, err := readAll[User](ctx, r, usersByRole, string(auth.RoleAdmin))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(admins, func(u User) bool { return u.ID != id && u.rules() }) {
		return conflict("user.last_admin", "this is the last administrator; make another one first")
	}
	return nil
}

func set[T any](at *T, v *T) {
	if v != nil {
		*at = *v
	}
}

// User reads a user. user.not_found.
func (s *Service) User(ctx context.Context, id auth.UserID) (User, error) {
	u, ok, err := load[User](ctx, s, auth.OrgBranch, "users", string(id))
	if err != nil {
		return User{}, err
	}
	if !ok {
		return User{}, notFound("user.not_found", "no such user")
	}
	return *u, nil
}

// Users lists all users by id, a page at a time.
func (s *Service) Users(ctx context.Context, limit int, cursor string) ([]User, string, error) {
	f, err := s.store.Find(ctx, journal.Query{Branch: auth.OrgBranch, Type: "users", Limit: limit, After: cursor})
	if err != nil {
		return nil, "", err
	}
	out := make([]User, 0, len(f.Records))
	for _, rec := range f.Records {
		u, err := decode[User](rec)
		if err != nil {
			return nil, "", err
		}
		out = append(out, *u)
	}
	return out, f.Next, nil
}

// usersOf reads users by id, in the order asked; nil for one who does not exist.
func (s *Service) usersOf(ctx context.Context, ids []auth.UserID) ([]*User, error) {
	refs := make([]journal.DocRef, len(ids))
	for i, id := range ids {
		refs[i] = journal.DocRef{Type: "users", ID: string(id)}
	}
	recs, err := s.store.Records(ctx, auth.OrgBranch, refs)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	out := make([]*User, len(ids))
	for i, rec := range recs {
		if rec.Type == "" || rec.Deleted {
			continue
		}
		if out[i], err = decode[User](rec); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ByLogin finds a user to sign in; auth.ErrNoUser when there is none. It implements auth.Users.
func (s *Service) ByLogin(ctx context.Context, login string) (auth.User, error) {
	f, err := s.store.Find(ctx, journal.Query{Branch: auth.OrgBranch, Type: "users", Index: usersByLogin.Name,
		Eq: []any{strings.ToLower(strings.TrimSpace(login))}, Limit: 1})
	if err != nil {
		return auth.User{}, fmt.Errorf("find user by login: %w", err)
	}
	if len(f.Records) == 0 {
		return auth.User{}, auth.ErrNoUser
	}
	u, err := decode[User](f.Records[0])
	if err != nil {
		return auth.User{}, err
	}
	return s.withCredential(ctx, *u)
}

// ByID reads a user to sign in; auth.ErrNoUser when there is none. It implements auth.Users.
func (s *Service) ByID(ctx context.Context, id auth.UserID) (auth.User, error) {
	u, err := s.User(ctx, id)
	if err != nil {
		var e *refusal.Error
		if errors.As(err, &e) && e.Kind == refusal.NotFound {
			return auth.User{}, auth.ErrNoUser
		}
		return auth.User{}, err
	}
	return s.withCredential(ctx, u)
}
