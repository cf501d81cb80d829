package figures

import (
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
)

// size measures what is shipped.
func (r *Run) size(context.Context) ([]report.Figure, error) {
	info, err := os.Stat(r.bed.Binary)
	if err != nil {
		return nil, fmt.Errorf("look at the product: %w", err)
	}
	figures := []report.Figure{
		report.New("binary", "size of the product's binary", "MiB", []float64{float64(info.Size()) / (1 << 20)}, nil, report.Goal{}),
	}
	js, err := FirstLoad(filepath.Join(r.Root, "frontend", "dist"))
	if err != nil {
		return figures, err
	}
	return append(figures, report.New("first-load JavaScript", "scripts that the page loads before it shows, gzip", "KB",
		[]float64{float64(js) / 1000}, nil, report.Goal{})), nil
}

var (
	htmlScript   = regexp.MustCompile(`<(?:script[^>]*\ssrc|link[^>]*rel="modulepreload"[^>]*href)="([^"]+\.js)"`)
	staticImport = regexp.MustCompile(`(?m)(?:^|[;}\s])(?:import|export)(?:\s*[\w*{][^"'()]*?from)?\s*["'](\.{1,2}/[^"']+\.js)["']`)
)

// FirstLoad is the size of the scripts that index.html of a built frontend loads,
// with all that they import statically, each compressed by gzip, in bytes.
func FirstLoad(dist string) (total int64, err error) {
	html, err := os.ReadFile(filepath.Join(dist, "index.html"))
	if err != nil {
		return 0, fmt.Errorf("read the built page: %w", err)
	}
	var todo []string
	for _, m := range htmlScript.FindAllSubmatch(html, -1) {
		todo = append(todo, path.Clean("/"+string(m[1])))
	}
	if len(todo) == 0 {
		return 0, fmt.Errorf("%s loads no script", filepath.Join(dist, "index.html"))
	}
	seen := map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		code, err := os.ReadFile(filepath.Join(dist, filepath.FromSlash(name)))
		if err != nil {
			return 0, fmt.Errorf("read a script of the page: %w", err)
		}
		total += gzipped(code)
		for _, m := range staticImport.FindAllSubmatch(code, -1) {
			todo = append(todo, path.Join(path.Dir(name), string(m[1])))
		}
	}
	return total, nil
}

// gzipped is the size of b under the best gzip, as precompressed files have it.
func gzipped(b []byte) int64 {
	var n counter
	w, err := gzip.NewWriterLevel(&n, gzip.BestCompression)
	if err != nil {
		panic("gzip has no best level: " + err.Error())
	}
	_, _ = w.Write(b) // a counter takes everything
	_ = w.Close()
	return int64(n)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// start measures from exec until /readyz answers 200, with the database that an
// earlier start has made, on all cores.
func (r *Run) start(ctx context.Context) ([]report.Figure, error) {
	dir := filepath.Join(r.bed.Dir, "own")
	if err := os.Mkdir(dir, 0o711); err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	values := make([]float64, 0, 5)
	var first float64
	for n := range pick(r, 6, 3) {
		began := time.Now()
		p, err := r.bed.Product(ctx, bed.Anywhere, "DATA_DIR="+dir)
		if err != nil {
			return nil, err
		}
		took := float64(time.Since(began).Milliseconds())
		if err := p.Stop(); err != nil {
			return nil, err
		}
		if n == 0 {
			first = took
			continue
		}
		values = append(values, took)
	}
	return []report.Figure{
		report.New("start", "from exec to ready, database and engine search included, with an existing database", "ms",
			values, nil, report.Goal{Plain: true, Limit: 2000}),
		report.New("first start", "the same, making the database", "ms", []float64{first}, nil, report.Goal{}),
	}, nil
}
