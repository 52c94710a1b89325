package httpapi

import "context"

type staffingBody struct {
	Date        string     `json:"date"`
	Territories []postBody `json:"territories"`
	Unstaffed   []string   `json:"unstaffed" doc:"Territories that no team works that day."`
	Idle        []string   `json:"idle" doc:"Teams without a shift that day."`
	Nowhere     []string   `json:"nowhere" doc:"Teams with a shift whose territories are all gone from the map: give the shift, or the team, others."`
}

type postBody struct {
	ID    string     `json:"id"`
	Name  string     `json:"name,omitempty"`
	Teams []dutyBody `json:"teams"`
}

type dutyBody struct {
	Team   string   `json:"team"`
	Name   string   `json:"name,omitempty"`
	Agents []string `json:"agents"`
	From   string   `json:"from" doc:"Local wall time."`
	To     string   `json:"to"`
	Why    string   `json:"why" enum:"shift,team,all" doc:"Who names the territory: the shift, the team, or neither, which is all of the branch."`
}

type reportStaffingIn struct {
	Branch string `query:"branch" maxLength:"64"`
	Date   string `query:"date" required:"true" format:"date"`
}

func (a *API) reportStaffing(ctx context.Context, c call, in *reportStaffingIn) (*body[staffingBody], error) {
	b, err := a.branch(ctx, c.actor, in.Branch)
	if err != nil {
		return nil, err
	}
	st, err := a.opt.Office.Staffing(ctx, b, in.Date)
	if err != nil {
		return nil, err
	}
	out := staffingBody{Date: st.Date, Territories: []postBody{}, Unstaffed: st.Unstaffed, Idle: st.Idle,
		Nowhere: st.Nowhere}
	for _, p := range st.Territories {
		post := postBody{ID: p.ID, Name: p.Name, Teams: []dutyBody{}}
		for _, d := range p.Teams {
			post.Teams = append(post.Teams, dutyBody{Team: d.Team, Name: d.Name, Agents: texts(d.Agents), From: d.From, To: d.To,
				Why: d.Why})
		}
		out.Territories = append(out.Territories, post)
	}
	return respond(out), nil
}
