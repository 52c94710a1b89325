package httpapi

import (
	"encoding/json"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// examples are requests as they are sent, by operation. TestExamplesFitTheirSchemas holds them to the description.
var examples = map[string]string{
	"signIn":          `{"login": "u-17", "password": "correct horse battery staple", "device": {"id": "d-17", "platform": "android", "name": "Pixel 8"}}`,
	"createUser":      `{"login": "u-17", "role": "agent", "branches": ["porto"], "language": "pt", "badge_no": "4711"}`,
	"putBranch":       `{"name": "Porto", "time_zone": "Europe/Lisbon", "country": "PT"}`,
	"putTeam":         `{"branch": "porto", "agents": ["u-17", "u-18"], "territories": ["ribeira"], "mode": "foot", "start": [-8.6109, 41.1496]}`,
	"putShift":        `{"branch": "porto", "from": "09:00", "to": "17:00"}`,
	"planRound":       `{"branch": "porto", "date": "2026-11-25"}`,
	"openHold":        `{"kind": "dispute", "until": "2026-12-31"}`,
	"recordContact":   `{"channel": "call", "at": "2026-11-24T16:20:00Z", "result": "no_answer"}`,
	"makeAppointment": `{"from": "2026-11-25T15:00:00Z", "to": "2026-11-25T17:00:00Z"}`,
	"push": `{"mutations": [{"mid": "0193570e-6f2a-7b3c-8d4e-5f60718293a4", "type": "visits", "id": "v-0193570e",
		"op": "put", "base": 0,
		"client_ts": "2026-11-25T10:31:07Z", "fields": {"case": "north.1001", "assignment": "a-1",
		"at": "2026-11-25T10:20:00Z",
		"agents": [{"agent_id": "u-17", "role": "lead"}], "purpose": "negotiate", "place": "home",
		"check_in": {"at": "2026-11-25T10:20:00Z", "point": [-8.6109, 41.1496], "accuracy_m": 8},
		"person_met": {"relationship": "debtor", "identity_check": "document"}, "outcome": "MET_PTP",
		"overdue_reason": "salary_delayed"}}]}`,
}

func addExamples(t *testing.T, doc map[string]any) {
	t.Helper()
	used := 0
	for _, item := range doc["paths"].(map[string]any) {
		for _, op := range item.(map[string]any) {
			o := op.(map[string]any)
			text, there := examples[o["operationId"].(string)]
			if !there {
				continue
			}
			used++
			var v any
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Fatal(err)
			}
			o["requestBody"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["example"] = v
		}
	}
	if used != len(examples) {
		t.Errorf("%d of %d examples belong to an operation", used, len(examples))
	}
}

func TestExamplesFitTheirSchemas(t *testing.T) {
	a := described(t)
	r := a.huma.OpenAPI().Components.Schemas
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch} {
			if op == nil || examples[op.OperationID] == "" {
				continue
			}
			var v any
			if err := json.Unmarshal([]byte(examples[op.OperationID]), &v); err != nil {
				t.Fatal(err)
			}
			result := &huma.ValidateResult{}
			huma.Validate(r, op.RequestBody.Content["application/json"].Schema, huma.NewPathBuffer(nil, 0),
				huma.ModeWriteToServer, v, result)
			for _, err := range result.Errors {
				t.Errorf("the example of %s: %v", op.OperationID, err)
			}
		}
	}
}
