package casework

import (
	"encoding/json"
)

// encode gives a state its stored form. A state holds nothing that JSON cannot hold; an error is a sealed part
// left open.
func encode(state any) (json.RawMessage, error) { return json.Marshal(state) }
