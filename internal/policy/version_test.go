package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// P1, P2, P124: the published text is served with its hash and its date at the top.
func TestThePublishedVersion(t *testing.T) {
	r := newRoom(t)
	raw, err := os.ReadFile("../../policy/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	v := must(r.Find(""))(t)
	if v.Text != string(raw) || v.Hash != hashOf(string(raw)) {
		t.Error("without a brand the text is not the stored one")
	}
	top := strings.Join(strings.SplitN(v.Text, "\n", 4)[:3], "\n")
	if v.Version != "2025-01-01.1" || !strings.Contains(top, "Effective January 2025") || v.EffectiveAt.Format("2006-01") != "2025-01" || v.PublishedAt.After(v.EffectiveAt) {
		t.Errorf("%s effective %s, published %s:\n%s", v.Version, v.EffectiveAt, v.PublishedAt, top)
	}
	if again := must(r.Find(v.Version))(t); again != v {
		t.Error("the version by its name differs")
	}
	_, err = r.Find("2024-01-01.1")
	wantFault(t, err, fault.NotFound)
}

// P3: the operator's name, address and site stand in the text; the hash stays that of
// the published one.
func TestTheBrandIsFilledIn(t *testing.T) {
	r := newRoom(t)
	c := r.config()
	c.Brand = policy.Brand{Name: "Test House", SupportEmail: "help@example.org", URL: "https://example.org"}
	v := must(policy.New(c))(t).Current()
	for _, gone := range []string{"Kimi K2", "kimi-k2.ai"} {
		if strings.Contains(v.Text, gone) {
			t.Errorf("the text still names %s", gone)
		}
	}
	for _, there := range []string{"Test House is an AI chat assistant", "help@example.org", "https://example.org"} {
		if !strings.Contains(v.Text, there) {
			t.Errorf("the text does not name %s", there)
		}
	}
	if v.Hash != r.Current().Hash {
		t.Error("the hash is not that of the published text")
	}
}

// Every clause has an anchor of its own.
func TestAnchorsAreUnique(t *testing.T) {
	r := newRoom(t)
	found := regexp.MustCompile(`\{#([^}]*)\}`).FindAllStringSubmatch(r.Current().Text, -1)
	seen := map[string]bool{}
	for _, m := range found {
		if seen[m[1]] || !regexp.MustCompile(`^C-[A-Z0-9-]+$`).MatchString(m[1]) {
			t.Errorf("the anchor %q is there twice or is none", m[1])
		}
		seen[m[1]] = true
	}
	if len(seen) < 40 {
		t.Errorf("only %d clauses", len(seen))
	}
}

// shelf is a policy of its own: the texts by file, and what versions.json says of each. A
// day may be followed by a stroke and the day of its publication.
func shelf(texts ...[3]string) fs.FS {
	files, list := fstest.MapFS{}, make([]string, len(texts))
	for i, v := range texts {
		name, text := v[0], v[2]
		effective, published, ahead := strings.Cut(v[1], "/")
		if !ahead {
			published = effective
		}
		file := fmt.Sprint(i, ".md")
		files[file] = &fstest.MapFile{Data: []byte(text)}
		list[i] = fmt.Sprintf(`{"version":%q,"effectiveAt":"%sT00:00:00Z","publishedAt":"%sT00:00:00Z","significant":%v,"file":%q,"sha256":%q}`,
			name, effective, published, !strings.Contains(text, "minor"), file, hashOf(text))
	}
	files["versions.json"] = &fstest.MapFile{Data: []byte("[" + strings.Join(list, ",") + "]")}
	return files
}

func edition(version, effective, more string) [3]string {
	var year, month int
	_, _ = fmt.Sscanf(effective, "%d-%d", &year, &month) // ours: always two numbers
	return [3]string{version, effective, fmt.Sprintf("# Policy\n\nEffective %s %d. Version %s. %s", time.Month(month), year, version, more)}
}

// A significant version asks everybody again, one that changes little asks nobody; a
// version that is published ahead counts from its day on.
func TestVersionsTakeEffect(t *testing.T) {
	r := newRoom(t)
	c := r.config()
	c.Files = shelf(edition("2025-01-01.1", "2025-01-01", ""), edition("2026-04-01.1", "2026-04-01", "minor"), edition("2026-05-01.1", "2026-05-01", ""))
	s := must(policy.New(c))(t)
	v := r.guest()
	accepted := func() bool { return must(s.Gate(t.Context(), v))(t).PolicyAccepted }
	accept := func(version string) error { _, err := s.Accept(t.Context(), v, version, ""); return err }
	if err := accept("2025-01-01.1"); err != nil || !accepted() {
		t.Fatal(err)
	}
	wantFault(t, accept("2026-04-01.1"), fault.Invalid)
	r.clock.set(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	if got := s.Current().Version; got != "2026-04-01.1" || !accepted() {
		t.Errorf("%s is in force, accepted: %v", got, accepted())
	}
	wantFault(t, accept("2025-01-01.1"), fault.Invalid)
	r.clock.set(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	if accepted() {
		t.Error("a significant version asks nobody")
	}
	if err := accept("2026-05-01.1"); err != nil || !accepted() {
		t.Error(err)
	}
	got := must(s.Acceptances(t.Context(), v))(t)
	if names := []string{got[0].Version, got[1].Version}; !slices.Equal(names, []string{"2026-05-01.1", "2025-01-01.1"}) {
		t.Errorf("%v", names)
	}
	if _, err := s.Find("2025-01-01.1"); err != nil {
		t.Errorf("the old version is gone: %v", err)
	}
	r.clock.set(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	if got := s.Current().Version; got != "2025-01-01.1" {
		t.Errorf("with a clock that is wrong: %s", got)
	}
}

// P125, P6, P124: a text that was altered, a figure that the program doesn't keep, versions
// out of order: the server doesn't start.
func TestWhatStopsTheStart(t *testing.T) {
	r := newRoom(t)
	read := func(name string) string { return string(must(fs.ReadFile(policyfiles.Files(), name))(t)) }
	text, versions := read("policy.md"), read("versions.json")
	chinese := read("policy.zh.md")
	with := func(text, versions string) fs.FS {
		return fstest.MapFS{"policy.md": &fstest.MapFile{Data: []byte(text)}, "policy.zh.md": &fstest.MapFile{Data: []byte(chinese)}, "versions.json": &fstest.MapFile{Data: []byte(versions)}}
	}
	rehashed := func(text string) fs.FS {
		return with(text, strings.Replace(versions, hashOf(read("policy.md")), hashOf(text), 1))
	}
	translated := func(from, to string) fs.FS {
		changed := strings.Replace(chinese, from, to, 1)
		return fstest.MapFS{"policy.md": &fstest.MapFile{Data: []byte(text)}, "policy.zh.md": &fstest.MapFile{Data: []byte(changed)},
			"versions.json": &fstest.MapFile{Data: []byte(strings.Replace(versions, hashOf(chinese), hashOf(changed), 1))}}
	}
	for name, c := range map[string]struct {
		change func(*policy.Config)
		says   string
	}{
		"altered translation": {func(c *policy.Config) {
			c.Files = with(text, strings.Replace(versions, hashOf(chinese), hashOf(text), 1))
		}, "policy.zh.md has the hash"},
		"days in the translation": {func(c *policy.Config) {
			c.Files = translated("保存 90 天。 {#C-RET-API-LOGS}", "保存 91 天。 {#C-RET-API-LOGS}")
		}, "C-RET-API-LOGS does not have the figure 90"},
		"a clause not translated":     {func(c *policy.Config) { c.Files = translated(" {#C-SEC-KEYS}", "") }, "the same clauses"},
		"a translation of no version": {func(c *policy.Config) { c.Files = translated("2025-01-01.1", "2025") }, "name its version"},
		"altered text":                {func(c *policy.Config) { c.Files = with(text+"\n", versions) }, "a published version is never altered"},
		"guest days":                  {func(c *policy.Config) { c.GuestTTL += time.Hour }, "C-RET-GUESTS promises 30"},
		"log days":                    {func(c *policy.Config) { c.APILogTTL = 91 * 24 * time.Hour }, "C-RET-API-LOGS promises 90"},
		"age in text": {func(c *policy.Config) {
			c.Files = rehashed(strings.Replace(text, "children under 13", "children under 12", 1))
		}, "C-CHILDREN does not say"},
		"guests in text": {func(c *policy.Config) { c.Files = rehashed(strings.Replace(text, "after 30 days", "after 31 days", 1)) }, "C-RET-GUESTS does not say"},
		"age in both": {func(c *policy.Config) {
			changed := strings.Replace(text, "children under 13", "children under 14", 1)
			c.Files = with(changed, strings.NewReplacer(hashOf(text), hashOf(changed), "children under 13", "children under 14", `"value": 13`, `"value": 14`).Replace(versions))
		}, "C-CHILDREN promises 14"},
		"no date": {func(c *policy.Config) {
			c.Files = rehashed(strings.Replace(text, "Effective January 2025", "Effective now", 1))
		}, "effective January 2025"},
		"from before it was published": {func(c *policy.Config) {
			c.Files = with(text, strings.Replace(versions, `"publishedAt": "2025-01-01T00:00:00Z"`, `"publishedAt": "2025-01-02T00:00:00Z"`, 1))
		}, "counts from before it was published"},
		"no version": {func(c *policy.Config) { c.Files = rehashed(strings.ReplaceAll(text, "Version 2025-01-01.1", "")) }, "name its version"},
		"no figure": {func(c *policy.Config) {
			c.Files = with(text, strings.Replace(versions, "minimum age", "maximum age", 1))
		}, "nothing of the program"},
		"out of order": {func(c *policy.Config) {
			c.Files = shelf(edition("2026-04-01.1", "2026-04-01", ""), edition("2025-01-01.1", "2025-01-01", ""))
		}, "does not come after"},
		"twice": {func(c *policy.Config) {
			c.Files = shelf(edition("2026-04-01.1", "2026-04-01", ""), edition("2026-04-01.1", "2026-04-01", "x"))
		}, "does not come after"},
		"none":        {func(c *policy.Config) { c.Files = with(text, "[]") }, "names no version"},
		"broken":      {func(c *policy.Config) { c.Files = with(text, "{") }, "versions.json"},
		"missing":     {func(c *policy.Config) { c.Files = fstest.MapFS{} }, "read the versions"},
		"short key":   {func(c *policy.Config) { c.CookieKey = c.CookieKey[:31] }, "32 bytes"},
		"no database": {func(c *policy.Config) { c.DB = nil }, "needs a database"},
	} {
		config := r.config()
		c.change(&config)
		if _, err := policy.New(config); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
