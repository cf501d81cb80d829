package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Version is one version of the policy. Hash is the SHA-256, hexadecimal, of the text
// as it is published with the program; Text has the operator's brand filled in, so it
// differs from what was hashed where the operator has one.
type Version struct {
	Version     string
	EffectiveAt time.Time
	PublishedAt time.Time
	Significant bool
	Hash        string
	Text        string
	// Chinese is a translation of Text, empty where there is none, and ChineseHash the hash
	// of its file. Text counts.
	Chinese, ChineseHash string
}

// entry is a version in versions.json.
type entry struct {
	Version     string
	EffectiveAt time.Time
	PublishedAt time.Time
	Significant bool
	File        string
	SHA256      string
	Figures     []figure
	Chinese     *struct{ File, SHA256 string }
}

// figure is a number that the text promises and the program keeps.
type figure struct {
	Clause string // the anchor in whose clause the words stand
	Text   string // the words
	What   string
	Value  int
}

// The brand as the text is written.
const (
	brandName  = "Kimi K2"
	brandEmail = "support@kimi-k2.ai"
	brandURL   = "https://kimi-k2.ai"
)

// load reads all versions, oldest first.
func load(c Config) ([]Version, error) {
	entries, err := readEntries(c.Files)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errors.New("versions.json names no version")
	}
	versions := make([]Version, len(entries))
	for i, e := range entries {
		if versions[i], err = e.load(c); err != nil {
			return nil, fmt.Errorf("version %s: %w", e.Version, err)
		}
		if i > 0 && (versions[i].Version <= versions[i-1].Version || versions[i].EffectiveAt.Before(versions[i-1].EffectiveAt)) {
			return nil, fmt.Errorf("version %s does not come after %s", e.Version, versions[i-1].Version)
		}
	}
	return versions, nil
}

// load reads one version and refuses a text that contradicts its entry or the program.
func (e entry) load(c Config) (Version, error) {
	raw, err := fs.ReadFile(c.Files, e.File)
	if err != nil {
		return Version{}, fmt.Errorf("read the text: %w", err)
	}
	sum := sha256.Sum256(raw)
	hash, text := hex.EncodeToString(sum[:]), string(raw)
	switch {
	case hash != e.SHA256:
		return Version{}, fmt.Errorf("the text of %s has the hash %s, but versions.json says %s: a published version is never altered, publish another one", e.File, hash, e.SHA256)
	case e.EffectiveAt.Before(e.PublishedAt):
		return Version{}, errors.New("it counts from before it was published")
	case !strings.Contains(text, "Version "+e.Version):
		return Version{}, errors.New("the text does not name its version")
	case !strings.Contains(text, "Effective "+e.EffectiveAt.Format("January 2006")):
		return Version{}, fmt.Errorf("the text does not say that it is effective %s", e.EffectiveAt.Format("January 2006"))
	}
	for _, f := range e.Figures {
		if err := f.check(text, c); err != nil {
			return Version{}, err
		}
	}
	v := Version{Version: e.Version, EffectiveAt: e.EffectiveAt.UTC(), PublishedAt: e.PublishedAt.UTC(), Significant: e.Significant, Hash: hash, Text: c.Brand.fill(text)}
	if e.Chinese != nil {
		v.ChineseHash = e.Chinese.SHA256
		if v.Chinese, err = e.translation(c, text); err != nil {
			return Version{}, fmt.Errorf("the translation: %w", err)
		}
	}
	return v, nil
}

// check compares a figure with the clause it stands in and with the program.
func (f figure) check(text string, c Config) error {
	const day = 24 * time.Hour
	kept := map[string]time.Duration{"minimum age": MinimumAge * day, "guest days": c.GuestTTL, "API log days": c.APILogTTL}
	clause, found := clauseOf(text, f.Clause)
	got, known := kept[f.What]
	switch {
	case !known:
		return fmt.Errorf("clause %s: nothing of the program is called %q", f.Clause, f.What)
	case !found || !strings.Contains(clause, f.Text) || !strings.Contains(" "+f.Text+" ", " "+strconv.Itoa(f.Value)+" "):
		return fmt.Errorf("clause %s does not say %q with the figure %d", f.Clause, f.Text, f.Value)
	case got != 0 && got != time.Duration(f.Value)*day:
		return fmt.Errorf("clause %s promises %d (%s), but the program keeps to %s: the server does not start on a promise that it breaks", f.Clause, f.Value, f.What, strconv.FormatFloat(got.Hours()/24, 'f', -1, 64))
	}
	return nil
}

// anchor marks a clause in a text.
var anchor = regexp.MustCompile(`\{#[^}]*\}`)

// translation reads the translation of a text. It refuses one that was altered, that has
// other clauses than the text, in another order, or other figures.
func (e entry) translation(c Config, text string) (string, error) {
	raw, err := fs.ReadFile(c.Files, e.Chinese.File)
	if err != nil {
		return "", fmt.Errorf("read it: %w", err)
	}
	sum := sha256.Sum256(raw)
	translated := string(raw)
	switch {
	case hex.EncodeToString(sum[:]) != e.Chinese.SHA256:
		return "", fmt.Errorf("the text of %s has the hash %x, but versions.json says %s", e.Chinese.File, sum, e.Chinese.SHA256)
	case !strings.Contains(translated, e.Version):
		return "", errors.New("the text does not name its version")
	case !slices.Equal(anchor.FindAllString(text, -1), anchor.FindAllString(translated, -1)):
		return "", errors.New("it does not have the same clauses in the same order")
	}
	for _, f := range e.Figures {
		if clause, _ := clauseOf(translated, f.Clause); !strings.Contains(clause, " "+strconv.Itoa(f.Value)+" ") {
			return "", fmt.Errorf("clause %s does not have the figure %d", f.Clause, f.Value)
		}
	}
	return c.Brand.fill(translated), nil
}

// clauseOf is the text of the clause with an anchor: the line it stands in or, when
// that is a heading, all up to the next heading.
func clauseOf(text, anchor string) (string, bool) {
	lines := strings.Split(text, "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "{#"+anchor+"}") })
	if at < 0 {
		return "", false
	}
	end := at + 1
	for strings.HasPrefix(lines[at], "#") && end < len(lines) && !strings.HasPrefix(lines[end], "#") {
		end++
	}
	return strings.Join(lines[at:end], "\n"), true
}

// fill writes the operator's brand over ours.
func (b Brand) fill(text string) string {
	var pairs []string
	for _, p := range [][2]string{{brandName, b.Name}, {brandEmail, b.SupportEmail}, {brandURL, b.URL}} {
		if p[1] != "" {
			pairs = append(pairs, p[0], p[1])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Current is the version in force: the newest whose time has come.
func (s *Service) Current() Version {
	now := s.clock.Now()
	for _, v := range slices.Backward(s.versions) {
		if !v.EffectiveAt.After(now) {
			return v
		}
	}
	return s.versions[0]
}

// Versions are those that have been published, the newest first. One that is published
// ahead of its day is among them.
func (s *Service) Versions() (published []Version) {
	now, current := s.clock.Now(), s.Current()
	for _, v := range slices.Backward(s.versions) {
		if !v.PublishedAt.After(now) || v.Version == current.Version {
			published = append(published, v)
		}
	}
	return published
}

// Announced is the newest published version that people must be told of: a significant one
// that is not the first of all. ok is false when there is none.
func (s *Service) Announced() (version string, effectiveAt time.Time, ok bool) {
	for _, v := range s.Versions() {
		if v.Significant && v.Version != s.versions[0].Version {
			return v.Version, v.EffectiveAt, true
		}
	}
	return "", time.Time{}, false
}

// Find is a version by its name, the one in force when the name is empty. It refuses
// with NOT_FOUND.
func (s *Service) Find(version string) (Version, error) {
	if version == "" {
		return s.Current(), nil
	}
	for _, v := range s.versions {
		if v.Version == version {
			return v, nil
		}
	}
	return Version{}, fault.On("version", fault.NotFound, "there is no such version of the policy; the version in force is %s", s.Current().Version)
}

// sufficient are the versions whose acceptance counts now: the newest significant one
// in force and all that came after it. A version that changes little asks nobody again.
func (s *Service) sufficient() []string {
	current := s.Current()
	var names []string
	for _, v := range s.versions {
		if v.Significant {
			names = names[:0]
		}
		names = append(names, v.Version)
		if v.Version == current.Version {
			break
		}
	}
	return names
}
