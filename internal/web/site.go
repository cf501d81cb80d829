package web

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The longest caching is for files whose names change with their content.
const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheChecked = "no-cache"
)

// unbuilt is shown while there is no frontend.
const unbuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Frontend not built</title>
<h1>Frontend not built</h1><p>The server runs, but it carries no page: run <code>make build</code>.</p></html>
`

// asset is one file in the forms it can be sent in. Everything is in memory.
type asset struct {
	header http.Header // what does not depend on the request
	tag    string      // of the plain form, without quotes
	forms  []form      // the best one first, the plain one last
}

type form struct {
	encoding string // empty: plain
	body     []byte
}

func newAsset(ctype, cache string, plain, br, gz []byte) *asset {
	sum := sha256.Sum256(plain)
	a := &asset{header: http.Header{}, tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
	a.header.Set("Content-Type", ctype)
	a.header.Set("Cache-Control", cache)
	a.header.Set("Vary", "Accept-Encoding")
	if br != nil {
		a.forms = append(a.forms, form{"br", br})
	}
	if gz != nil {
		a.forms = append(a.forms, form{"gzip", gz})
	}
	a.forms = append(a.forms, form{"", plain})
	return a
}

// textAsset is a text that changes only with the program.
func textAsset(ctype, text string) *asset {
	return newAsset(ctype, cacheChecked, []byte(text), nil, nil)
}

// ServeHTTP sends the best form the client accepts, or 304 when it has that already.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.send(w, r, filePolicy) }

// send is ServeHTTP under a content security policy.
func (a *asset) send(w http.ResponseWriter, r *http.Request, policy string) {
	h := w.Header()
	maps.Copy(h, a.header)
	h.Set("Content-Security-Policy", policy)
	f := a.pick(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	tag := `"` + a.tag + `"`
	if f.encoding != "" {
		tag = `"` + a.tag + "-" + f.encoding + `"`
		h.Set("Content-Encoding", f.encoding)
	}
	h.Set("ETag", tag)
	if tagMatches(r.Header.Values("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body)
	}
}

func (a *asset) pick(accepted string) form {
	for _, f := range a.forms {
		if f.encoding == "" || accepts(accepted, f.encoding) {
			return f
		}
	}
	return a.forms[len(a.forms)-1]
}

// accepts reports whether an Accept-Encoding header allows the encoding: by its own
// name, else by the star.
func accepts(header, encoding string) bool {
	star := false
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, encoding):
			return !isZero(params)
		case name == "*":
			star = !isZero(params)
		}
	}
	return star
}

// isZero reports whether a weight forbids: q=0, q=0.0 and so on.
func isZero(params string) bool {
	name, value, ok := strings.Cut(strings.TrimSpace(params), "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q == 0
}

// tagMatches compares weakly, as If-None-Match asks for.
func tagMatches(headers []string, tag string) bool {
	for _, header := range headers {
		for candidate := range strings.SplitSeq(header, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// site serves the single-page app.
type site struct {
	files map[string]*asset
	hosts hosts
}

// newSite reads all files at once; one that cannot be read is not there.
func newSite(root fs.FS, h hosts) *site {
	s := &site{files: map[string]*asset{}, hosts: h}
	if root == nil {
		return s
	}
	_ = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			return nil //nolint:nilerr // a missing folder is an empty one: the page says so
		}
		if a := readAsset(root, name); a != nil {
			s.files["/"+name] = a
		}
		return nil
	})
	return s
}

func readAsset(root fs.FS, name string) *asset {
	plain, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	br, _ := fs.ReadFile(root, name+".br") // without it the plain form is sent
	gz, _ := fs.ReadFile(root, name+".gz")
	cache := cacheChecked
	if strings.HasPrefix(name, "assets/") {
		cache = cacheForever
	}
	return newAsset(contentType(name), cache, plain, br, gz)
}

// contentType knows the files of the frontend by their endings; the machine's own
// table of types is not asked, it differs from machine to machine.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".webp":
		return "image/webp"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// ServeHTTP sends the file of that name. Paths without a file and without an ending
// belong to the app, which draws them; a missing file is missing.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "INVALID", "this address can only be read")
		return
	}
	name := r.URL.Path
	file := s.files[name]
	if file == nil && (path.Ext(name) != "" || strings.HasPrefix(name, "/assets/")) {
		writeText(w, http.StatusNotFound, "text/plain; charset=utf-8", "not found\n")
		return
	}
	if file == nil {
		name, file = "/index.html", s.files["/index.html"]
	}
	switch {
	case file == nil:
		writeText(w, http.StatusServiceUnavailable, "text/html; charset=utf-8", unbuilt)
	case path.Ext(name) == ".html":
		file.send(w, r, s.hosts.pagePolicy(strings.ToLower(r.Host)))
	default:
		file.send(w, r, filePolicy)
	}
}

func writeText(w http.ResponseWriter, status int, ctype, text string) {
	w.Header().Set("Content-Type", ctype)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
