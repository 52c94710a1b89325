package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorstep/server/play"
	"doorstep/server/store/sqlitestore"

	"golang.org/x/mod/sumdb/note"
)

// twoDebtors is an import of the cases L1.C1 and L1.C2 of the debtors L1.D1 and L1.D2.
const twoDebtors = "case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on," +
	"address,postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor," +
	"amount_due_minor,due_date,priority,service_min,flags\n" +
	"C1,L1,card,house-visit,D1,Secret Name,en,,,1 Secret Street,,Town,GB,-1.5,53.5,,Europe/London,GBP,100,100," +
	"2026-07-01,1,10,\n" +
	"C2,L1,card,house-visit,D2,Other Name,en,,,2 Other Street,,Town,GB,-1.5,53.5,,Europe/London,GBP,100,100," +
	"2026-07-01,1,10,\n"

// eraser runs doorstep erase as the shell would, for two administrators of a running server.
type eraser struct {
	*child
	first, second *play.Client
}

func newEraser(t *testing.T) *eraser {
	t.Helper()
	ctx := t.Context()
	e := &eraser{child: &child{t: t, binary: build(t), data: filepath.Join(t.TempDir(), "data"), began: time.Now()},
		first: &play.Client{HTTP: &http.Client{}}, second: &play.Client{HTTP: &http.Client{}}}
	e.restart(ctx)
	noError(t, e.first.SignIn(ctx, "admin", killPassword, ""))
	noError(t, e.first.Do(ctx, http.MethodPut, "/v1/branches/north",
		map[string]any{"name": "North", "time_zone": "Europe/London", "country": "GB"}, nil))
	noError(t, e.first.Do(ctx, http.MethodPost, "/v1/users", map[string]any{"id": "two", "login": "two", "name": "Two",
		"password": killPassword, "keep_password": true, "role": "admin"}, nil))
	noError(t, e.second.SignIn(ctx, "two", killPassword, ""))
	noError(t, e.first.Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv",
		strings.NewReader(twoDebtors), nil))
	return e
}

func (e *eraser) restart(ctx context.Context) {
	e.t.Helper()
	e.start(ctx)
	e.first.Base, e.second.Base = e.url, e.url
}

// erase runs the command as one of the administrators.
func (e *eraser) erase(as *play.Client, args ...string) (out string, err error) {
	e.t.Helper()
	token, err := as.Token(e.t.Context())
	noError(e.t, err)
	cmd := exec.CommandContext(e.t.Context(), e.binary, append([]string{"erase", "--server", e.url}, args...)...)
	cmd.Env = append(os.Environ(), "DOORSTEP_TOKEN="+token)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// erased is an answer of the command.
type erased struct {
	ID          string `json:"erasure_id"`
	State       string `json:"state"`
	ConfirmedBy string `json:"confirmed_by"`
	Withdrawal  string `json:"withdrawal"`
	Certificate string `json:"certificate"`
}

// answered runs the command, which must succeed, and reads its answer.
func (e *eraser) answered(as *play.Client, args ...string) (a erased) {
	e.t.Helper()
	out, err := e.erase(as, args...)
	if err != nil {
		e.t.Fatalf("erase %v: %v\n%s", args, err, out)
	}
	noError(e.t, json.Unmarshal([]byte(out), &a))
	return a
}

// refused runs the command, which must end with 1 and say something.
func (e *eraser) refused(what, says string, as *play.Client, args ...string) {
	e.t.Helper()
	out, err := e.erase(as, args...)
	if exit, is := err.(*exec.ExitError); !is || exit.ExitCode() != 1 || !strings.Contains(out, says) {
		e.t.Errorf("%s: %v, %s; want %q", what, err, out, says)
	}
}

// caseFile reads a case as it is answered.
func caseFile(ctx context.Context, t *testing.T, c *play.Client, id string) map[string]any {
	t.Helper()
	var file map[string]any
	noError(t, c.Do(ctx, http.MethodGet, "/v1/cases/"+id, nil, &file))
	return file
}

// TestEraseOnTheCommandLine asks for an erasure with the program, withdraws it, asks anew
// and confirms it as the second administrator, while readers and writers go on. It ends
// with a certificate; no key is left in any file, also after a kill; and fsck is clean.
func TestEraseOnTheCommandLine(t *testing.T) {
	ctx := t.Context()
	e := newEraser(t)
	e.refused("without a step", "say why with --reason", e.first, "L1.D1")
	e.refused("of nobody", "debtor.not_found", e.first, "--reason", "request", "L1.D9")
	e.refused("for no reason that is listed", "422", e.first, "--reason", "because", "L1.D1")
	asked := e.answered(e.first, "--reason", "request", "L1.D1")
	if asked.State != "asked" || asked.Certificate != "" {
		t.Fatalf("asked: %+v", asked)
	}
	withdrawn := e.answered(e.second, "--withdraw", asked.ID, "--reason", "duty_to_keep", "L1.D1")
	if withdrawn.State != "withdrawn" || withdrawn.Withdrawal != "duty_to_keep" {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	e.refused("confirmed after it was withdrawn", "erasure.withdrawn", e.second, "--confirm", asked.ID, "L1.D1")
	asked = e.answered(e.first, "--reason", "request", "L1.D1")
	e.refused("who asked confirms", "erasure.second_person", e.first, "--confirm", asked.ID, "L1.D1")
	e.refused("confirmed with a reason", "takes no --reason", e.second, "--confirm", asked.ID, "--reason", "error",
		"L1.D1")
	before, err := os.ReadFile(filepath.Join(e.data, sqlitestore.KeysFileName))
	noError(t, err)

	stop := e.race(ctx)
	done := e.answered(e.second, "--confirm", asked.ID, "L1.D1")
	stop()
	if done.State != "erased" || done.ConfirmedBy != "two" {
		t.Errorf("confirmed: %+v", done)
	}
	key, err := note.NewVerifier(e.key)
	noError(t, err)
	signed, err := note.Open([]byte(done.Certificate), note.VerifierList(key))
	noError(t, err)
	if !strings.Contains(signed.Text, `"debtor":"L1.D1"`) || !strings.Contains(signed.Text, `"state":"erased"`) {
		t.Errorf("the certificate says %s", signed.Text)
	}
	e.refused("withdrawn after it is done", "erasure.confirmed", e.first, "--withdraw", asked.ID, "--reason", "error",
		"L1.D1")
	e.fsck(ctx)
	e.kill()
	e.noKeyIn(before)
	e.restart(ctx)
	if file := caseFile(ctx, t, e.first, "L1.C1"); file["erased"] != true || file["debtor_name"] != nil {
		t.Errorf("after a kill the case file is %v", file)
	}
	if file := caseFile(ctx, t, e.first, "L1.C2"); file["debtor_name"] != "Other Name" {
		t.Errorf("the other debtor is %v", file["debtor_name"])
	}
	e.stop()
	e.fsck(ctx)
	e.noKeyIn(before)
	e.refused("with the server stopped", "no server answers at", e.first, "--reason", "request", "L1.D2")
}

// race reads and writes about the debtor until stop is called. A reader that was answered
// "erased" once must never be answered a name again.
func (e *eraser) race(ctx context.Context) (stop func()) {
	e.t.Helper()
	var all sync.WaitGroup
	end := make(chan struct{})
	ended := func() bool {
		select {
		case <-end:
			return true
		default:
			return false
		}
	}
	client := func() *play.Client {
		c := &play.Client{Base: e.url, HTTP: &http.Client{}}
		noError(e.t, c.SignIn(ctx, "admin", killPassword, ""))
		return c
	}
	for range 2 {
		c := client()
		all.Go(func() {
			for gone, last := false, false; !last; {
				last = ended() // one more after the confirmation was answered
				var file map[string]any
				if err := c.Do(ctx, http.MethodGet, "/v1/cases/L1.C1", nil, &file); err != nil {
					e.t.Errorf("reading during the erasure: %v", err)
					return
				}
				named := file["debtor_name"] != nil
				if named && (gone || last) {
					e.t.Errorf("the name came back: %v", file["debtor_name"])
					return
				}
				gone = gone || !named
			}
		})
	}
	c := client()
	all.Go(func() {
		for n := 2; !ended(); n++ {
			var report struct {
				Errors []struct {
					Code string `json:"code"`
				} `json:"errors"`
			}
			moved := strings.Replace(twoDebtors, "1 Secret Street", fmt.Sprint(n, " Secret Street"), 1)
			err := c.Send(ctx, http.MethodPost, "/v1/imports/cases?branch=north", "text/csv", strings.NewReader(moved), &report)
			if err != nil || len(report.Errors) > 0 && report.Errors[0].Code != "debtor.erased" {
				e.t.Errorf("writing during the erasure: %+v, %v", report, err)
				return
			}
		}
	})
	return func() { close(end); all.Wait() }
}

// noKeyIn checks that the keys' file says of exactly one key that it is destroyed, and that
// no file of the data folder holds what it held in the keys' file of before. The server is down.
func (e *eraser) noKeyIn(before []byte) {
	e.t.Helper()
	old := filepath.Join(e.t.TempDir(), sqlitestore.KeysFileName)
	noError(e.t, os.WriteFile(old, before, 0o600))
	wrapped := func(path, where string, args ...any) (id string, key []byte) {
		e.t.Helper()
		db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
		noError(e.t, err)
		defer func() { noError(e.t, db.Close()) }()
		var n int
		noError(e.t, db.QueryRow("SELECT count(*), min(id), min(wrapped) FROM debtorkey WHERE "+where,
			args...).Scan(&n, &id, &key))
		if n != 1 {
			e.t.Fatalf("%s has %d keys where %s", path, n, where)
		}
		return id, key
	}
	id, now := wrapped(filepath.Join(e.data, sqlitestore.KeysFileName), "destroyed = 1")
	_, was := wrapped(old, "id = ?", id)
	if left := bytes.Trim(now, "\x00"); len(left) > 0 || len(was) < 64 {
		e.t.Fatalf("the destroyed key has %d bytes left, and had %d", len(left), len(was))
	}
	noError(e.t, filepath.WalkDir(e.data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, was[16:48]) {
			e.t.Errorf("%s holds the destroyed key", path)
		}
		return err
	}))
}
