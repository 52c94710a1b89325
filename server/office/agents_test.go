package office

import (
	"context"
	"fmt"
	"testing"

	"doorstep/auth"
)

// TestASupervisorSeesAndBlocksTheirOwnAgentsDevices looks from a branch, from another and from the top.
func TestASupervisorSeesAndBlocksTheirOwnAgentsDevices(t *testing.T) {
	h := newFixture(t)
	ctx := context.Background()
	for id, u := range map[auth.UserID]NewUser{
		"ana":  {Role: auth.RoleAgent, Branches: []auth.BranchID{porto}, Name: "Agent A"},
		"rui":  {Role: auth.RoleAgent, Branches: []auth.BranchID{"faro"}, Name: "Agent R"},
		"boss": {Role: auth.RoleSupervisor, Branches: []auth.BranchID{porto}},
	} {
		u.ID, u.Login = id, string(id)
		_, _, err := h.CreateUser(ctx, h.ask(), u)
		ok(t, err)
		ok(t, h.RegisterDevice(ctx, auth.Device{ID: auth.DeviceID("phone-" + string(id)), User: id, Platform: "android"}))
	}
	for _, c := range []struct {
		who     auth.Actor
		agents  string
		devices string
	}{
		{auth.Actor{User: "boss", Role: auth.RoleSupervisor, Branches: []auth.BranchID{porto}}, "[ana]", "[phone-ana]"},
		{auth.Actor{User: "both", Role: auth.RoleSupervisor, Branches: []auth.BranchID{porto, "faro"}}, "[ana rui]",
			"[phone-ana phone-rui]"},
		{auth.Actor{User: "admin", Role: auth.RoleAdmin}, "[ana rui]", "[phone-ana phone-boss phone-rui]"},
		{auth.Actor{User: "ana", Role: auth.RoleAgent, Branches: []auth.BranchID{porto}}, "[]", "[]"},
		{auth.Actor{User: "l", Role: auth.RoleLender, Lender: "north"}, "[]", "[]"},
	} {
		list, _, err := h.Agents(ctx, c.who, "", 100, "")
		ok(t, err)
		names := []auth.UserID{}
		for _, a := range list {
			names = append(names, a.ID)
		}
		if fmt.Sprint(names) != c.agents {
			t.Errorf("%s sees the agents %v, want %s", c.who.User, names, c.agents)
		}
		devices := []auth.DeviceID{}
		for _, id := range []auth.DeviceID{"phone-ana", "phone-boss", "phone-rui", "phone-none"} {
			d, err := h.ManagedDevice(ctx, c.who, id)
			if err == nil {
				devices = append(devices, d.ID)
				continue
			}
			refused(t, "a device that is not theirs", err, "device.not_found")
		}
		if fmt.Sprint(devices) != c.devices {
			t.Errorf("%s manages %v, want %s", c.who.User, devices, c.devices)
		}
	}
	list, _, err := h.Agents(ctx, auth.Actor{Role: auth.RoleAdmin}, "faro", 100, "")
	ok(t, err)
	if len(list) != 1 || list[0].ID != "rui" || list[0].Name != "Agent R" {
		t.Errorf("the agents of a branch are %+v", list)
	}
}
