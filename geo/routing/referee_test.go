package routing_test

import (
	"os"
	"testing"

	"doorstep/geo/routing"
	"doorstep/geo/routing/referee"
)

func TestMain(m *testing.M) {
	routing.Referee = func(p routing.Problem, r routing.Result) []routing.Objection {
		var all []routing.Objection
		for _, v := range referee.Check(p, r) {
			all = append(all, routing.Objection{Kind: string(v.Kind), Shift: v.Shift, Stop: v.Stop, Msg: v.Msg})
		}
		return all
	}
	os.Exit(m.Run())
}
