package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// No error of a start repeats a secret, however wrong the setting that holds it is.
func TestNoErrorOfAStartRepeatsASecret(t *testing.T) {
	const secret = "tr0ub4dor"
	for setting, values := range map[string][]string{
		"DOORSTEP_MONGODB_URI": {"mongodb://u:" + secret + "/x@db/doorstep", "mongodb://u:" + secret + "%zz@db",
			"mongodb://u:" + secret, "mongodb+srv://u:" + secret + "@a,b", "u:" + secret + "@db",
			"mongodb://u:" + secret + "@@db",
			"mongodb://u:" + secret + "@db/?tls=maybe", "mongodb://u:" + secret + "@:99999", "mongodb://" + secret + ":@db",
			"mongodb://u:" + secret + "@db/%zz", "mongodb://u:a@db/?authMechanism=" + secret},
		"DOORSTEP_KEK": {secret, "\n" + secret, "=" + secret},
		"DOORSTEP_FCM_CREDENTIALS": {secret, `{"private_key":"` + secret + `"}`, `{"` + secret, "[" + secret,
			"-----BEGIN PRIVATE KEY-----\n" + secret, `{"type":"` + secret + `"}`, strings.Repeat(secret, 1000)},
		"DOORSTEP_ADMIN_PASSWORD": {secret[:3]},
		"DOORSTEP_OSRM":           {"http://u:" + secret + "@%zz", secret, "ftp://u:" + secret + "@host"},
		"DOORSTEP_VALHALLA":       {"http://u:" + secret + "@%zz", "https://u:" + secret + "@host?key=" + secret},
	} {
		for _, value := range values {
			t.Setenv(setting, value)
			var out, errs bytes.Buffer
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
			err := run(ctx, []string{"serve", "--data", t.TempDir() + "/d", "--listen", "127.0.0.1:0"},
				streams{in: strings.NewReader(""), out: &out, err: &errs})
			stop()
			hidden := secret
			if setting == "DOORSTEP_ADMIN_PASSWORD" {
				hidden = " " + secret[:3] + " "
			}
			if said := out.String() + errs.String(); err == nil || strings.Contains(said+err.Error(), hidden) {
				t.Errorf("%s=%q: %v\n%s", setting, value, err, said)
			}
			t.Setenv(setting, "")
		}
	}
}
