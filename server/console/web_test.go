package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// ask asks the console for a path.
func ask(t *testing.T, method, path string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestThePageNamesOnlyFilesThatAreEmbedded guards against a program whose console was not built, or only in part.
func TestThePageNamesOnlyFilesThatAreEmbedded(t *testing.T) {
	page := text(t, ask(t, "GET", Path, nil))
	named := regexp.MustCompile(`(?:src|href)="(/console/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(named) < 3 {
		t.Fatalf("the page names %d files, want its script, its style and its icon:\n%s", len(named), page)
	}
	for _, m := range named {
		r := ask(t, "GET", m[1], nil)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d of type %q", m[1], r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	if strings.Contains(page, "<style") || strings.Contains(page, "style=") ||
		regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page) {
		t.Errorf("the page has inline scripts or styles, which its policy forbids:\n%s", page)
	}
}

func TestEveryFileHasATypeAndThePolicy(t *testing.T) {
	for name := range consoleFiles(t) {
		r := ask(t, "GET", Path+name, nil)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d of type %q", name, r.StatusCode, r.Header.Get("Content-Type"))
		}
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", name, csp)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: browsers may guess its type", name)
		}
		wantAge := strings.HasPrefix(name, assets)
		if got := strings.Contains(r.Header.Get("Cache-Control"), "immutable"); got != wantAge {
			t.Errorf("%s: Cache-Control %q", name, r.Header.Get("Cache-Control"))
		}
	}
}

func TestAssetsHaveAHashInTheirNames(t *testing.T) {
	hashed := regexp.MustCompile(`^assets/[a-zA-Z0-9_-]+-[A-Z0-9]{8}\.[a-z0-9]+$`)
	for name := range consoleFiles(t) {
		if strings.HasPrefix(name, assets) && !hashed.MatchString(name) {
			t.Errorf("%s is kept for a year by browsers, and has no hash in its name", name)
		}
	}
}

func TestScreensGetThePageAndMissingFilesDoNot(t *testing.T) {
	for path, want := range map[string]int{
		"/console/": 200, "/console/rounds/01a2-b": 200, "/console/cases/LND-A.RIB-0001": 200,
		"/console": 308, "/console/assets/main-AAAAAAAA.js": 404, "/console/sw.js": 404, "/console/assets/": 404,
	} {
		r := ask(t, "GET", path, nil)
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
		if want == 200 && !strings.Contains(text(t, r), `<div id="app">`) {
			t.Errorf("%s is not the page", path)
		}
	}
	if r := ask(t, "POST", Path, nil); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") == "" {
		t.Errorf("POST: %d", r.StatusCode)
	}
}

func TestThePageIsNotSentTwice(t *testing.T) {
	first := ask(t, "GET", Path, nil)
	tag := first.Header.Get("ETag")
	again := ask(t, "GET", Path, map[string]string{"If-None-Match": tag})
	if tag == "" || again.StatusCode != http.StatusNotModified || text(t, again) != "" {
		t.Errorf("ETag %q, then %d", tag, again.StatusCode)
	}
}

func TestGzipIsSentToWhoTakesIt(t *testing.T) {
	plain := text(t, ask(t, "GET", Path, nil))
	for accept, want := range map[string]string{"": "", "br": "", "gzip;q=0": "", "gzip": "gzip", "GZIP": "gzip",
		"br, gzip; q=0.5": "gzip"} {
		r := ask(t, "GET", Path, map[string]string{"Accept-Encoding": accept})
		if got := r.Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: answered in %q, want %q", accept, got, want)
			continue
		}
		got := text(t, r)
		if want == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader([]byte(got)))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if got != plain {
			t.Errorf("Accept-Encoding %q: another page", accept)
		}
	}
}

// askApp asks the agents' app for a path.
func askApp(t *testing.T, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	AppHandler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Result()
}

// TestTheAppIsServedBesideTheConsole: its worker keeps each file of its list, and all of them are there.
func TestTheAppIsServedBesideTheConsole(t *testing.T) {
	worker := askApp(t, "/app/sw.js")
	script := text(t, worker)
	if worker.StatusCode != http.StatusOK || worker.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("/app/sw.js: %d, %q", worker.StatusCode, worker.Header.Get("Cache-Control"))
	}
	listed := regexp.MustCompile(`"(/app/(?:assets/)?[^"/]*[^"/]|/app/)"`).FindAllStringSubmatch(script, -1)
	if len(listed) < 8 || !strings.Contains(script, AppBuild()) || AppBuild() == "" {
		t.Fatalf("the worker of build %q lists %d files", AppBuild(), len(listed))
	}
	for _, m := range listed {
		r := askApp(t, m[1])
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d of type %q", m[1], r.StatusCode, r.Header.Get("Content-Type"))
		}
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "img-src 'self' data: blob:") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", m[1], csp)
		}
		if got := r.Header.Get("Permissions-Policy"); !strings.Contains(got, "geolocation=(self)") {
			t.Errorf("%s: permissions %q", m[1], got)
		}
	}
	for path, want := range map[string]int{"/app": 308, "/app/door/1": 200, "/app/assets/none-AAAAAAAA.js": 404,
		"/app/index.html": 200, "/app/assets/": 404} {
		if r := askApp(t, path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	if r := ask(t, "GET", "/console/app/build.txt", nil); strings.Contains(r.Header.Get("Content-Type"), "text/plain") {
		t.Error("the console serves the app's files under its own path")
	}
}

// consoleFiles are the names of the files that are served.
func consoleFiles(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, dir := range []string{"dist", "dist/assets"} {
		entries, err := dist.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				out[strings.TrimPrefix(dir+"/"+e.Name(), "dist/")] = true
			}
		}
	}
	if len(out) < 5 {
		t.Fatalf("only %d files are embedded", len(out))
	}
	return out
}
