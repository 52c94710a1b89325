package offline_test

import (
	"encoding/json"
	"fmt"

	"doorstep/sync/offline"
)

// While phone-1 had no network, phone-2 declined the same assignment, which made
// revision 8. The changes of phone-1 were made on revision 7: a change of the same
// field is a conflict, a change of another field is merged, and a field of the server
// cannot be changed.
func ExampleRule() {
	assignments := offline.Rules{Policy: offline.ServerOwned, PhoneFields: []string{"agent_status", "note"}}
	current := offline.Current{
		Rev:     8,
		InScope: true,
		Fields:  map[string]json.RawMessage{"agent_status": json.RawMessage(`"declined"`)},
		Written: map[string]offline.FieldWrite{"agent_status": {Rev: 8, Device: "phone-2"}},
	}
	patch := func(fields string) offline.Mutation {
		return offline.Mutation{Op: "patch", Base: 7, Fields: json.RawMessage(fields)}
	}

	for _, m := range []offline.Mutation{
		patch(`{"agent_status":"accepted"}`),
		patch(`{"note":"Ring twice."}`),
		patch(`{"team":"t2"}`),
	} {
		r := offline.Rule(assignments, current, "phone-1", m)
		fmt.Printf("%s: %s %q\n", m.Fields, r.Status, r.Code)
	}
	// Output:
	// {"agent_status":"accepted"}: conflict "stale"
	// {"note":"Ring twice."}: merged ""
	// {"team":"t2"}: rejected "server_owned"
}
