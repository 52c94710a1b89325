package httpapi

import (
	"context"
	"net/http"

	"doorstep/auth"
	"doorstep/server/dispatch"
	"doorstep/server/office"
)

type newUserBody struct {
	ID           string            `json:"id,omitempty" maxLength:"64" doc:"Minted when absent."`
	Login        string            `json:"login" minLength:"1" maxLength:"64"`
	Name         string            `json:"name,omitempty" maxLength:"200"`
	Role         string            `json:"role"`
	Branches     []string          `json:"branches,omitempty" maxItems:"200"`
	Lender       string            `json:"lender,omitempty" maxLength:"100"`
	Language     string            `json:"language,omitempty" maxLength:"35" doc:"BCP 47."`
	BadgeNo      string            `json:"badge_no,omitempty" maxLength:"64"`
	Certificates []certificateBody `json:"certificates,omitempty" maxItems:"20" doc:"An agent's trainings and exams."`
	Regulator    bool              `json:"regulator,omitempty" doc:"Lets an auditor export personal data."`
	Password     string            `json:"password,omitempty" maxLength:"512" doc:"A one-time password is made and answered when absent. It can be used for 24 hours."`
	Keep         bool              `json:"keep_password,omitempty" doc:"The password need not be changed at first use: for machines."`
}

type createdUser struct {
	User     office.User `json:"user"`
	Password string      `json:"one_time_password,omitempty" doc:"Shown this once, when it was made here. A request repeated gets another, which replaces the first, until the user has chosen their own."`
}

type patchUserBody struct {
	Name         *string            `json:"name,omitempty" maxLength:"200"`
	Role         *string            `json:"role,omitempty"`
	Branches     *[]string          `json:"branches,omitempty" maxItems:"200"`
	Lender       *string            `json:"lender,omitempty" maxLength:"100"`
	Language     *string            `json:"language,omitempty" maxLength:"35"`
	BadgeNo      *string            `json:"badge_no,omitempty" maxLength:"64"`
	Certificates *[]certificateBody `json:"certificates,omitempty" maxItems:"20" doc:"An agent's trainings and exams, in place of those that are known. From the day after one has run out and was not renewed the agent gets no stops (CERT_EXPIRED)."`
	Regulator    *bool              `json:"regulator,omitempty"`
	Disabled     *bool              `json:"disabled,omitempty"`
	Password     *string            `json:"password,omitempty" maxLength:"512" doc:"A new one-time password, for 24 hours."`
}

// certificateBody is a certificate as it is sent.
type certificateBody struct {
	Kind    string `json:"kind" maxLength:"64" example:"debt_collection" doc:"A word of the office."`
	No      string `json:"no,omitempty" maxLength:"64" doc:"Its number."`
	ValidTo string `json:"valid_to" maxLength:"10" example:"2027-06-30" doc:"The last day on which it holds, local to the branch."`
}

func certificates(all []certificateBody) []office.Certificate {
	var out []office.Certificate
	for _, c := range all {
		out = append(out, office.Certificate(c))
	}
	return out
}

// changedUser is a user as changed, with what that did to open work.
type changedUser struct {
	office.User
	TakenBack []dispatch.TakenBack `json:"taken_back,omitempty" doc:"Of an agent who was disabled or moved, by branch: what became of their open stops."`
}

type passwordBody struct {
	Old string `json:"old" maxLength:"512"`
	New string `json:"new" maxLength:"512"`
}

func ask(c call) office.Ask {
	return office.Ask{By: c.actor.User, Command: c.command(), Payload: c.payload}
}

func branchIDs(names []string) []auth.BranchID {
	out := make([]auth.BranchID, len(names))
	for i, n := range names {
		out[i] = auth.BranchID(n)
	}
	return out
}

func (a *API) userEndpoints() {
	register(a, endpoint{method: http.MethodGet, path: "/v1/users", roles: admins, id: "listUsers", tag: "office",
		summary: "List users"}, a.listUsers)
	register(a, endpoint{method: http.MethodGet, path: "/v1/agents", roles: supervisors, id: "listAgents", tag: "office",
		summary: "List the agents of a branch", about: "A page may be short though more follow."}, a.listAgents)
	register(a, endpoint{method: http.MethodPost, path: "/v1/users", roles: admins, id: "createUser", tag: "office",
		summary: "Make a user", status: http.StatusCreated}, a.createUser)
	register(a, endpoint{method: http.MethodGet, path: "/v1/users/me", roles: everyone, id: "whoAmI",
		tag: "sessions", summary: "Who am I"}, a.whoAmI)
	register(a, endpoint{method: http.MethodGet, path: "/v1/users/{id}", roles: admins, id: "getUser", tag: "office",
		summary: "Read a user"}, a.getUser)
	register(a, endpoint{method: http.MethodPatch, path: "/v1/users/{id}", roles: admins, id: "changeUser",
		tag: "office", summary: "Change a user",
		about: "A change of role, scope or password, and disabling, end the user's sessions. Open stops of an agent who " +
			"is disabled or moved to another branch are taken back: other agents of the team keep them where the law " +
			"allows it, the others leave the phones. `taken_back` says how many; should it be absent, or an error " +
			"come, the rest follows within a minute."}, a.changeUser)
	register(a, endpoint{method: http.MethodPost, path: "/v1/users/me/password", roles: everyone,
		id: "changePassword", tag: "sessions", summary: "Change my password", status: http.StatusNoContent,
		about: "All other sessions of the user end. Wrong present passwords are limited. A new password has at least 10 " +
			"characters, differs from the present one, and is neither a common one nor made of the login and names."},
		a.changePassword)
}

func (a *API) listUsers(ctx context.Context, _ call, in *Paging) (*body[page[office.User]], error) {
	users, next, err := a.opt.Office.Users(ctx, in.Limit, in.Cursor)
	return respond(page[office.User]{users, next}), err
}

type listAgentsIn struct {
	Paging
	Branch string `query:"branch" maxLength:"64" doc:"All branches of yours when absent."`
}

func (a *API) listAgents(ctx context.Context, c call, in *listAgentsIn) (*body[page[office.Agent]], error) {
	b := auth.BranchID(in.Branch)
	if b != "" {
		var err error
		if b, err = a.branch(ctx, c.actor, in.Branch); err != nil {
			return nil, err
		}
	}
	agents, next, err := a.opt.Office.Agents(ctx, c.actor, b, in.Limit, in.Cursor)
	return respond(page[office.Agent]{agents, next}), err
}

func (a *API) createUser(ctx context.Context, c call, in *body[newUserBody]) (*body[createdUser], error) {
	b := in.Body
	made := ""
	if b.Password == "" {
		made = auth.OneTimePassword()
		b.Password = made
	}
	u, set, err := a.opt.Office.CreateUser(ctx, ask(c), office.NewUser{ID: auth.UserID(b.ID), Login: b.Login, Name: b.Name,
		Role:     auth.Role(b.Role),
		Branches: branchIDs(b.Branches), Lender: b.Lender, Language: b.Language, BadgeNo: b.BadgeNo, Regulator: b.Regulator,
		Certificates: certificates(b.Certificates),
		Password:     b.Password, Keep: b.Keep, MadeUp: made != ""})
	if !set { // the user has had one since the request was first made
		made = ""
	}
	return respond(createdUser{u, made}), err
}

func (a *API) whoAmI(ctx context.Context, c call, _ *struct{}) (*body[office.User], error) {
	u, err := a.opt.Office.User(ctx, c.actor.User)
	return respond(u), err
}

type getUserIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) getUser(ctx context.Context, _ call, in *getUserIn) (*body[office.User], error) {
	u, err := a.opt.Office.User(ctx, auth.UserID(in.ID))
	return respond(u), err
}

type changeUserIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body patchUserBody
}

func (a *API) changeUser(ctx context.Context, c call, in *changeUserIn) (*body[changedUser], error) {
	b := in.Body
	p := office.UserPatch{Name: b.Name, Lender: b.Lender, Language: b.Language, BadgeNo: b.BadgeNo, Regulator: b.Regulator,
		Disabled: b.Disabled, Password: b.Password}
	if b.Role != nil {
		p.Role = ptr(auth.Role(*b.Role))
	}
	if b.Certificates != nil {
		p.Certificates = ptr(certificates(*b.Certificates))
	}
	if b.Branches != nil {
		p.Branches = ptr(branchIDs(*b.Branches))
	}
	u, err := a.opt.Office.PatchUser(ctx, ask(c), auth.UserID(in.ID), p)
	a.opt.Sessions.ForgetUser(auth.UserID(in.ID))
	if err != nil {
		return nil, err
	}
	taken, err := a.opt.Dispatch.TakeBack(ctx, u.ID)
	if err != nil {
		// The change stands: the work is taken back in the background.
		a.log.Warn("work of an agent is not taken back yet", "err", err)
	}
	return respond(changedUser{u, taken}), nil
}

func (a *API) changePassword(ctx context.Context, c call, in *body[passwordBody]) (*struct{}, error) {
	return nil, a.opt.Sessions.ChangePassword(ctx, c.actor, in.Body.Old, in.Body.New)
}
