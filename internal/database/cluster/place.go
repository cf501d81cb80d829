package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// ServerUID is the user and group id the server runs under when we are root, which
// PostgreSQL refuses to be.
const ServerUID = 65534

// elsewhere holds clusters and binaries of root's that ServerUID could not reach.
var elsewhere = "/var/lib/kimi-k2"

// Identity says whose process the server is.
type Identity struct {
	Switch   bool // run as UID and GID, which differ from ours
	UID, GID int
}

// WhoRuns is who the server of dir runs as: ourselves, or when we are root the owner of
// an existing cluster there, else ServerUID.
func WhoRuns(dir string) Identity {
	if !isRoot() {
		return Identity{UID: os.Getuid(), GID: os.Getgid()}
	}
	if info, err := os.Stat(filepath.Join(dir, "cluster")); err == nil {
		if uid, gid := owner(info); uid > 0 {
			return Identity{Switch: true, UID: uid, GID: gid}
		}
	}
	return Identity{Switch: true, UID: ServerUID, GID: ServerUID}
}

// Reaches reports whether the identity may search path and every folder above it.
func (w Identity) Reaches(path string) bool {
	if !w.Switch {
		return true
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(path)
		if err != nil || !w.searches(info) {
			return false
		}
		parent := filepath.Dir(path)
		if parent == path {
			return true
		}
		path = parent
	}
}

func (w Identity) searches(info os.FileInfo) bool {
	uid, gid := owner(info)
	mode := info.Mode().Perm()
	switch {
	case uid == w.UID:
		return mode&0o100 != 0
	case gid == w.GID:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// Give hands path and everything below it to the identity.
func (w Identity) Give(path string) error {
	if !w.Switch {
		return nil
	}
	return filepath.WalkDir(path, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, w.UID, w.GID)
	})
}

// settle makes sure that dir exists, belongs to the identity and can be reached by it,
// and returns where it really is: when a folder above is closed to the server's user
// the cluster is placed under /var/lib/kimi-k2 and dir becomes a link to it.
func settle(dir string, log *slog.Logger) (string, Identity, error) {
	parentMode := os.FileMode(0o700)
	if isRoot() {
		parentMode = 0o711 // searchable, so that the server's user gets to its own folder
	}
	if err := os.MkdirAll(filepath.Dir(dir), parentMode); err != nil {
		return "", Identity{}, fmt.Errorf("make the data folder: %w", err)
	}
	if info, err := os.Lstat(dir); err == nil {
		place, who, err := settled(dir)
		if err == nil && info.Mode()&os.ModeSymlink != 0 {
			log.Info("the database is kept outside of the data folder: a backup has to follow the link", "data", dir, "place", place)
		}
		return place, who, err
	}
	who := WhoRuns(dir)
	if !who.Reaches(filepath.Dir(dir)) {
		return settleElsewhere(dir, who, log)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", who, fmt.Errorf("make the database's folder: %w", err)
	}
	return dir, who, who.Give(dir)
}

// settled resolves and checks a folder that exists.
func settled(dir string) (string, Identity, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", Identity{}, fmt.Errorf("the database's folder %s leads nowhere: %w", dir, err)
	}
	who := WhoRuns(real)
	info, err := os.Stat(real)
	if err != nil {
		return "", who, fmt.Errorf("look at the database's folder: %w", err)
	}
	uid, _ := owner(info)
	if who.Switch && uid != who.UID {
		if err := os.Lchown(real, who.UID, who.GID); err != nil {
			return "", who, fmt.Errorf("hand the database's folder to its server: %w", err)
		}
	}
	if !who.Switch && uid >= 0 && uid != who.UID {
		return "", who, fmt.Errorf("the database's folder %s belongs to user %d and we are user %d: "+
			"start as root or as that user, or choose another DATA_DIR", real, uid, who.UID)
	}
	if !who.Reaches(real) {
		return "", who, fmt.Errorf("the database runs as user %d, which cannot reach %s: "+
			"make the folders above it searchable (chmod o+x) or move DATA_DIR", who.UID, real)
	}
	return real, who, nil
}

func settleElsewhere(dir string, who Identity, log *slog.Logger) (string, Identity, error) {
	if err := os.MkdirAll(elsewhere, 0o755); err != nil {
		return "", who, fmt.Errorf("user %d, which the database runs as, cannot reach %s, and there is no other place: %w",
			who.UID, dir, err)
	}
	orphans(dir, log)
	var tag [6]byte
	_, _ = rand.Read(tag[:])
	place := filepath.Join(elsewhere, "data-"+hex.EncodeToString(tag[:]))
	if err := os.Mkdir(place, 0o700); err != nil {
		return "", who, fmt.Errorf("make the database's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(place, "belongs-to"), []byte(dir+"\n"), 0o644); err != nil {
		return "", who, fmt.Errorf("make the database's folder: %w", err)
	}
	if err := who.Give(place); err != nil {
		return "", who, fmt.Errorf("hand the database's folder to its server: %w", err)
	}
	if err := os.Symlink(place, dir); err != nil {
		return "", who, fmt.Errorf("link the database's folder: %w", err)
	}
	log.Warn("the database is kept outside of the data folder, which its server's user cannot reach",
		"data", dir, "place", place, "uid", who.UID)
	return place, who, nil
}

// orphans tells about older clusters of dir which nothing links to any more.
func orphans(dir string, log *slog.Logger) {
	notes, _ := filepath.Glob(filepath.Join(elsewhere, "data-*", "belongs-to"))
	for _, note := range notes {
		if text, err := os.ReadFile(note); err == nil && strings.TrimSpace(string(text)) == dir {
			log.Warn("an older database of this data folder is still there; remove it if you do not need it",
				"place", filepath.Dir(note))
		}
	}
}

// Usable returns binaries that the identity can run: b itself, or a copy of it under
// /var/lib/kimi-k2 when a folder above b is closed to it.
func Usable(ctx context.Context, b Binaries, who Identity, log *slog.Logger) (Binaries, error) {
	if who.Reaches(b.Dir) {
		return b, nil
	}
	info, err := os.Stat(filepath.Join(b.Dir, "postgres"+exeSuffix))
	if err != nil {
		return b, fmt.Errorf("look at the binaries: %w", err)
	}
	name := fmt.Sprintf("postgres-%s-%x", b.Version, info.ModTime().UnixNano()^info.Size())
	target := filepath.Join(elsewhere, name)
	copied := filepath.Join(target, "bin")
	if !hasServer(copied) {
		log.Info("copying the PostgreSQL binaries to where the server's user can reach them", "to", target)
		if err := copyWhole(filepath.Dir(b.Dir), target); err != nil {
			return b, fmt.Errorf("copy the PostgreSQL binaries: %w", err)
		}
	}
	return inspect(ctx, copied)
}

// copyWhole copies a folder so that target holds either all of it or does not exist.
func copyWhole(from, target string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	half, err := os.MkdirTemp(filepath.Dir(target), ".half-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(half) }()
	if err := os.CopyFS(filepath.Join(half, "x"), os.DirFS(from)); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(half, "x"), target); err != nil && !hasServer(filepath.Join(target, "bin")) {
		return err
	}
	return nil
}
