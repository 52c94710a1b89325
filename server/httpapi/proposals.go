package httpapi

import (
	"context"
	"net/http"
	"time"

	"doorstep/server/dispatch"
	"doorstep/sync/journal"
)

type proposeBody struct {
	Without    []string      `json:"without,omitempty" maxItems:"500" doc:"Teams that would drop out; others take over what they have left, so not all of them."`
	Back       []string      `json:"back,omitempty" maxItems:"500" doc:"Teams that had dropped out and would go on."`
	Moves      []proposeMove `json:"moves,omitempty" maxItems:"500" doc:"Visits that go to another team, whatever the territories. Once accepted they hold for the rest of the round."`
	Locks      []proposeLock `json:"locks,omitempty" maxItems:"1000" doc:"What the search may not change."`
	Seed       uint64        `json:"seed,omitempty" maximum:"9007199254740991"`
	TimeLimitS int           `json:"time_limit_s,omitempty" minimum:"1" maximum:"30" doc:"How long to search; 2 when absent. The answer comes after it."`
}

type proposeMove struct {
	Case string `json:"case" maxLength:"200" doc:"One that is still to be visited, or was left out."`
	Team string `json:"team" maxLength:"64" doc:"A team that goes out in the round."`
}

type proposeLock struct {
	Team string `json:"team,omitempty" maxLength:"64" doc:"Its visits stay with it, and it gets no others. Either this or case."`
	Case string `json:"case,omitempty" maxLength:"200" doc:"One that is still to be visited."`
	Keep string `json:"keep,omitempty" enum:"team,time,visit" doc:"Of a case: its team; its time, to 15 minutes; or that it is visited at all."`
}

type proposalView struct {
	ID      string           `json:"id"`
	Round   string           `json:"round"`
	Version int              `json:"version" doc:"The round's, once it is accepted."`
	At      time.Time        `json:"at" doc:"From when on the day is planned anew."`
	Until   time.Time        `json:"until" doc:"It can be accepted until then, unless the day changes before."`
	Was     proposalFigures  `json:"before"`
	Then    proposalFigures  `json:"after"`
	Teams   []proposalTeam   `json:"teams" doc:"What changes for each team, in order of id."`
	Changes []proposalChange `json:"changes" doc:"Every visit that would not stay as it is, in order of case."`
	Broken  []proposalBroken `json:"broken" doc:"Locks and moves that the law, the hours or the roads do not allow. The proposal does not keep them."`
}

type proposalFigures struct {
	Stops     int `json:"stops"`
	LeftOut   int `json:"left_out"`
	TravelS   int `json:"travel_s"`
	DistanceM int `json:"distance_m"`
	OvertimeS int `json:"overtime_s"`
}

type proposalTeam struct {
	Team    string    `json:"team"`
	Over    int       `json:"over" doc:"Visits that are done or under way: they stay."`
	Kept    int       `json:"kept" doc:"Open visits that stay as they are, to 5 minutes."`
	Moved   int       `json:"moved" doc:"Those that the team would make at another time."`
	New     int       `json:"new" doc:"Those that it would get, from other teams or of cases that had none."`
	Gone    int       `json:"gone" doc:"Those that it would lose, to other teams or altogether."`
	Returns time.Time `json:"returns,omitzero" doc:"When it is back as it is planned now; absent for one without a route."`
	Then    time.Time `json:"returns_after,omitzero" doc:"When it would be back."`
	TravelS int       `json:"travel_s" doc:"Seconds on the way as it is planned now."`
	Travel  int       `json:"travel_after_s" doc:"Seconds on the way then."`
}

type proposalPlace struct {
	Team string    `json:"team"`
	Seq  int       `json:"seq" doc:"Its place in the route, from 1."`
	ETA  time.Time `json:"eta"`
}

type proposalChange struct {
	Case string         `json:"case"`
	Kind string         `json:"kind" enum:"moved,new,gone" doc:"moved: to another team or time. new: it had no visit. gone: it would have none."`
	Was  *proposalPlace `json:"before,omitempty"`
	Then *proposalPlace `json:"after,omitempty"`
	Code string         `json:"code,omitempty" doc:"Why it would have no visit: a code as under unassigned of a round."`
	Rule string         `json:"rule,omitempty"`
	Cite []string       `json:"cite,omitempty"`
}

type proposalBroken struct {
	Case string       `json:"case"`
	Lock *proposeLock `json:"lock,omitempty"`
	Move *proposeMove `json:"move,omitempty"`
	Code string       `json:"code,omitempty" doc:"Why it would have no visit; absent where it would have one, with another team or at another time."`
	Rule string       `json:"rule,omitempty"`
}

func (a *API) proposalEndpoints() {
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds/{id}/stop", roles: supervisors,
		id: "stopRound", tag: "rounds", summary: "End the search, and keep the best plan found so far",
		about: "The round is planned at once, with the plan it has. One that waits for its turn is planned with hardly " +
			"any search. For one whose plan is made nothing is left to stop, and the answer is the round as it is. A " +
			"round that has failed, was called off or replaced is a 409 round.state."}, a.stopRound)
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds/{id}/proposals", roles: supervisors,
		id: "proposeRound", tag: "rounds", summary: "Say what planning a published round anew would change",
		about: "Searches as `POST /v1/rounds/{id}/replan` does, with moves and locks, and answers with the difference: " +
			"what each team keeps, gets and loses. Nothing changes, and no phone is told, until the proposal is accepted. " +
			"All of it is judged by the law and by the check of every plan: a move or a lock that may not be stands under " +
			"`broken`. One proposal of a branch is searched at a time (409 round.proposing). Sending it again with the " +
			"same Idempotency-Key makes another proposal."}, a.proposeRound)
	register(a, endpoint{method: http.MethodPost, path: "/v1/rounds/{id}/proposals/{proposal}/accept", roles: supervisors,
		id: "acceptProposal", tag: "rounds", summary: "Put a proposal in force", status: http.StatusAccepted,
		about: "It becomes the round's next version and goes to the phones as it was shown; what has become unlawful is " +
			"left out, as at any publishing. When the day has gone on since in a way that it does not know (a visit was " +
			"made, declined, given or taken back, or the round planned anew), or after 15 minutes, it is a 409 " +
			"round.proposal_old: ask for a new one. A proposal that is left alone needs nothing. Read the round for " +
			"progress."}, a.acceptProposal)
}

func (a *API) stopRound(ctx context.Context, c call, in *publishRoundIn) (*body[dispatch.Round], error) {
	r, err := a.opt.Dispatch.Stop(ctx, dispatchAsk(c), in.ID)
	return respond(r), err
}

type proposeRoundIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body proposeBody
}

func (a *API) proposeRound(ctx context.Context, c call, in *proposeRoundIn) (*body[proposalView], error) {
	x := in.Body
	p := dispatch.ProposalParams{ReplanParams: dispatch.ReplanParams{Without: x.Without, Back: x.Back, Seed: x.Seed,
		TimeLimitS: x.TimeLimitS}}
	for _, m := range x.Moves {
		p.Moves = append(p.Moves, dispatch.MovedCase{Case: journal.CaseID(m.Case), Team: m.Team})
	}
	for _, l := range x.Locks {
		p.Locks = append(p.Locks, dispatch.Lock{Team: l.Team, Case: journal.CaseID(l.Case), Keep: l.Keep})
	}
	out, err := a.opt.Dispatch.Propose(ctx, dispatchAsk(c), in.ID, p)
	if err != nil {
		return nil, err
	}
	return respond(proposalOut(out)), nil
}

type acceptProposalIn struct {
	ID       string `path:"id" maxLength:"64"`
	Proposal string `path:"proposal" maxLength:"64"`
}

func (a *API) acceptProposal(ctx context.Context, c call, in *acceptProposalIn) (*body[dispatch.Round], error) {
	r, err := a.opt.Dispatch.AcceptProposal(ctx, dispatchAsk(c), in.ID, in.Proposal)
	return respond(r), err
}

func figuresOf(r dispatch.Round) proposalFigures {
	out := proposalFigures{Stops: r.Stops, LeftOut: r.LeftOut}
	if c := r.Cost; c != nil {
		out.TravelS, out.DistanceM, out.OvertimeS = c.TravelS, c.DistanceM, c.OvertimeS
	}
	return out
}

func placeOut(p *dispatch.Place) *proposalPlace {
	if p == nil {
		return nil
	}
	return &proposalPlace{p.Team, p.Seq, p.ETA}
}

func proposalOut(p *dispatch.Proposed) proposalView {
	out := proposalView{ID: p.ID, Round: p.Round.ID, Version: p.Round.Version, At: p.At, Until: p.Until,
		Was: figuresOf(p.Was), Then: figuresOf(p.Round), Teams: []proposalTeam{}, Changes: []proposalChange{},
		Broken: []proposalBroken{}}
	for _, t := range p.Teams {
		out.Teams = append(out.Teams, proposalTeam{Team: t.Team, Over: t.Over, Kept: t.Kept, Moved: t.Moved, New: t.New,
			Gone: t.Gone, Returns: t.Returns, Then: t.ReturnsThen, TravelS: t.TravelS, Travel: t.TravelThenS})
	}
	for _, c := range p.Change {
		out.Changes = append(out.Changes, proposalChange{Case: string(c.Case), Kind: c.Kind, Was: placeOut(c.Was),
			Then: placeOut(c.Then), Code: c.Code, Rule: c.Rule, Cite: c.Cite})
	}
	for _, b := range p.Broken {
		x := proposalBroken{Case: string(b.Case), Code: b.Code, Rule: b.Rule}
		if b.Lock != nil {
			x.Lock = &proposeLock{b.Lock.Team, string(b.Lock.Case), b.Lock.Keep}
		}
		if b.Move != nil {
			x.Move = &proposeMove{string(b.Move.Case), b.Move.Team}
		}
		out.Broken = append(out.Broken, x)
	}
	return out
}
