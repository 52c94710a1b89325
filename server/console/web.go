package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Path is where the console is served, with all below it.
const Path = "/console/"

// AppPath is where the agents' app is served, with all below it.
const AppPath = "/app/"

// assets is the folder of the files whose names hold a hash of their bytes.
const assets = "assets/"

//go:embed all:dist
var dist embed.FS

// policy is the Content-Security-Policy of every file: a worker obeys that of its own answer, not that of the page.
// MapLibre's controls draw their icons from data: addresses in its style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; " +
	"base-uri 'none'; require-trusted-types-for 'script'; trusted-types default"

// appPolicy is that of the app, which shows photos that it has taken before they are sent.
var appPolicy = strings.Replace(policy, "data:", "data: blob:", 1)

// types are the media types by the ends of names. Those of the system may lack .woff2 and .webmanifest, and browsers
// take no file of another type.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".svg": "image/svg+xml",
	".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
}

// file is a file as it is served.
type file struct {
	plain []byte
	etag  string
	// packed is the file in gzip, made when it is first asked for.
	packed func() []byte
}

// site is a page with its files.
type site struct {
	path        string
	policy      string
	permissions string
	files       map[string]file
}

// Handler serves the console below Path. Every path that names no file is a screen, and gets the page: which screens
// there are is the page's to know.
func Handler() http.Handler {
	return handler(site{Path, policy, "camera=(), geolocation=(), microphone=()", embedded("dist", "dist/app")})
}

// AppHandler serves the agents' app below AppPath, as Handler does.
func AppHandler() http.Handler {
	return handler(site{AppPath, appPolicy, "camera=(self), geolocation=(self), microphone=()", embedded("dist/app", "")})
}

// AppBuild names the build of the app that is served: an app that finds another one than its own in an answer looks for
// its successor. It is "" where the program was built without the app.
func AppBuild() string {
	b, err := dist.ReadFile("dist/app/build.txt")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// embedded are the files of a folder, by their names within it, but those of one folder below.
func embedded(folder, but string) map[string]file {
	found := map[string]file{}
	err := fs.WalkDir(dist, folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && name == but {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		found[strings.TrimPrefix(name, folder+"/")] = file{plain: b, etag: `"` + hex.EncodeToString(sum[:12]) + `"`,
			packed: sync.OnceValue(func() []byte { return pack(b) })}
		return nil
	})
	if err != nil {
		panic("reading the embedded page: " + err.Error())
	}
	return found
}

// pack is a file in gzip; nil if that is no shorter.
func pack(b []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := w.Write(b); err != nil || w.Close() != nil || out.Len() >= len(b) {
		return nil
	}
	return out.Bytes()
}

func handler(of site) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", of.policy)
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", of.permissions)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-cache")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the page is read with GET", http.StatusMethodNotAllowed)
			return
		}
		name, below := strings.CutPrefix(r.URL.Path, of.path)
		if !below {
			http.Redirect(w, r, of.path, http.StatusPermanentRedirect)
			return
		}
		f, ok := of.files[name]
		if !ok {
			if strings.HasPrefix(name, assets) || path.Ext(name) == ".js" {
				http.Error(w, "there is no such file: the page is of another build; load it again", http.StatusNotFound)
				return
			}
			name = "index.html"
			if f, ok = of.files[name]; !ok {
				http.Error(w, "this program was built without the page", http.StatusNotFound)
				return
			}
		}
		if strings.HasPrefix(name, assets) {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		h.Set("Content-Type", types[path.Ext(name)])
		h.Set("ETag", f.etag)
		h.Set("Vary", "Accept-Encoding")
		if r.Header.Get("If-None-Match") == f.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		send := f.plain
		if packed := f.packed(); packed != nil && takesGzip(r.Header.Get("Accept-Encoding")) {
			send = packed
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("Content-Length", strconv.Itoa(len(send)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(send)
		}
	})
}

// takesGzip tells whether an Accept-Encoding names gzip, and not as something refused.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			_, q, weighed := strings.Cut(strings.ReplaceAll(quality, " ", ""), "q=")
			n, err := strconv.ParseFloat(q, 64)
			return !weighed || err == nil && n > 0
		}
	}
	return false
}
