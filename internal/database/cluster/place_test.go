//go:build unix

package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database/cluster"
)

func root(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as somebody else")
	}
}

func TestRootsClosedFolderGetsItsDatabaseElsewhere(t *testing.T) {
	root(t)
	away := home(t)
	if err := os.Chmod(away, 0o755); err != nil {
		t.Fatal(err)
	}
	defer cluster.Elsewhere(away)()
	closed := home(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "data", "postgres")
	s := start(t, dir)
	if !strings.HasPrefix(s.Data(), away) {
		t.Fatalf("the data are in %s", s.Data())
	}
	query(t, s.Socket(), "CREATE TABLE kept AS SELECT 1 AS v")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, dir)
	query(t, again.Socket(), "SELECT v::text FROM kept")
}

func TestBinariesTheServersUserCannotReachAreCopied(t *testing.T) {
	root(t)
	away, closed := home(t), home(t)
	if err := os.Chmod(away, 0o755); err != nil {
		t.Fatal(err)
	}
	defer cluster.Elsewhere(away)()
	found := binaries(t)
	command(t, "cp", "-a", filepath.Dir(found.Dir), filepath.Join(closed, "native"))
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	hidden := found
	hidden.Dir = filepath.Join(closed, "native", "bin")
	who := cluster.WhoRuns("/nowhere")
	for range 2 {
		b, err := cluster.Usable(t.Context(), hidden, who, log(t))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(b.Dir, away) || !who.Reaches(b.Dir) || b.Version != found.Version {
			t.Fatalf("got %+v", b)
		}
	}
}

func TestAnExistingFolderBehindAClosedOneIsRefused(t *testing.T) {
	root(t)
	dir := seeded(t)
	if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "cannot reach", "chmod o+x")
}

func TestReachesFollowsPermissions(t *testing.T) {
	root(t)
	base := home(t)
	for _, c := range []struct {
		mode     os.FileMode
		uid, gid int
		reaches  bool
	}{
		{0o700, 0, 0, false}, {0o711, 0, 0, true}, {0o701, 0, 0, true}, {0o704, 0, 0, false},
		{0o100, cluster.ServerUID, 0, true}, {0o011, cluster.ServerUID, 0, false},
		{0o710, 0, cluster.ServerUID, true}, {0o701, 0, cluster.ServerUID, false},
	} {
		dir := filepath.Join(base, "d")
		_ = os.Remove(dir)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, c.uid, c.gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, c.mode); err != nil {
			t.Fatal(err)
		}
		who := cluster.Identity{Switch: true, UID: cluster.ServerUID, GID: cluster.ServerUID}
		if got := who.Reaches(dir); got != c.reaches {
			t.Errorf("%o of %d:%d: reaches is %v", c.mode, c.uid, c.gid, got)
		}
	}
}

func TestThePackagesLinksAreMadeOnceAndStayInside(t *testing.T) {
	pkg := t.TempDir()
	lib := filepath.Join(pkg, "native", "lib")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(pkg, "native", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("lib/libx.so.1.2", "library")
	write("pg-symlinks.json", `[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]`)
	for range 2 {
		if err := cluster.Hydrate(filepath.Join(pkg, "native")); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(lib, "libx.so.1"))
	if err != nil || string(text) != "library" {
		t.Fatalf("%q %v", text, err)
	}
	write("pg-symlinks.json", `[{"source":"native/lib/libx.so.1.2","target":"../outside"}]`)
	if err := cluster.Hydrate(filepath.Join(pkg, "native")); err == nil {
		t.Fatal("a link outside of the package was made")
	}
}

func TestOneVersionCanBeAskedFor(t *testing.T) {
	b := binaries(t)
	same, err := cluster.Find(t.Context(), []string{b.Dir}, b.Major)
	if err != nil || same.Major != b.Major {
		t.Fatalf("%+v %v", same, err)
	}
	if _, err := cluster.Find(t.Context(), []string{b.Dir}, 99); err == nil || !strings.Contains(err.Error(), b.Version) {
		t.Fatalf("the refusal does not name what is there: %v", err)
	}
}
