package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pattern finds the routes in the source of internal/web.
var pattern = regexp.MustCompile(`mux\.Handle(?:Func)?\("([^"]+)"|for _, path := range \[\]string\{([^}]*)\}`)

// webRoutes are the patterns of all routes.
func webRoutes(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("internal/web/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, found := range pattern.FindAllStringSubmatch(string(text), -1) {
			out = append(out, found[1])
			if found[2] != "" {
				var list []string
				if err := json.Unmarshal([]byte("["+found[2]+"]"), &list); err != nil {
					t.Fatal(err)
				}
				out = append(out[:len(out)-1], list...)
			}
		}
	}
	slices.Sort(out)
	return out
}

// routes calls each route as a page of ours does and, where it might change something
// or open a socket, as a page of another site (P35).
func (m *matrix) routes(patterns []string) (lines []string) {
	add := func(name, method, path string, header ...string) {
		lines = append(lines, m.row("route", name, method != http.MethodGet || strings.HasPrefix(path, "/auth/"), func(b *browser) string { return m.status(b, method, path, header) }))
	}
	foreign := []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}
	for _, route := range patterns {
		method, path, ok := strings.Cut(route, " ")
		if !ok {
			method, path = http.MethodGet, route
		}
		path = strings.ReplaceAll(path, "{provider}", "google")
		add(route, method, path, "Sec-Fetch-Site", "same-origin")
		if method == http.MethodPost {
			add(route+" (foreign)", method, path, foreign...)
		}
	}
	socket := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-Websocket-Version", "13", "Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-Websocket-Protocol", "graphql-transport-ws"}
	add("/graphql (socket)", http.MethodGet, "/graphql", append([]string{"Origin", m.p.url}, socket...)...)
	add("/graphql (socket, foreign)", http.MethodGet, "/graphql", append(foreign, socket...)...)
	add("/graphql (socket, no origin)", http.MethodGet, "/graphql", socket...)
	add("POST /graphql (foreign)", http.MethodPost, "/graphql", append([]string{"Content-Type", "application/json"}, foreign...)...)
	add("POST /graphql (form)", http.MethodPost, "/graphql", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	add("GET /graphql (foreign)", http.MethodGet, "/graphql?query={__typename}", foreign...)
	return lines
}

// status is the answer to a plain request, with the place it leads to.
func (m *matrix) status(b *browser, method, path string, header []string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, m.p.url+path, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	b.authorize(req.Header)
	client := *b.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	status := fmt.Sprint(resp.StatusCode)
	if to, err := resp.Location(); err == nil {
		if status += "→" + to.Path; to.Host != strings.TrimPrefix(m.p.url, "http://") {
			status = strings.Replace(status, to.Path, to.Host, 1)
		}
	}
	return status
}
