package export

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// Format names the layout of data.json, Schema is its version. Whoever reads one knows by
// them what to expect.
const (
	Format = "kimi-k2 export"
	Schema = 1
)

// archive is a ZIP that is being written, with what the manifest says of it.
type archive struct {
	zip   *zip.Writer
	at    time.Time
	files []manifestFile
}

func newArchive(out io.Writer, at time.Time) *archive {
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestSpeed)
	})
	return &archive{zip: z, at: at}
}

// add writes a file.
func (a *archive) add(name string, write func(w *bufio.Writer) error) error {
	out, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.at})
	if err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	sum := sha256.New()
	counted := &counter{out: io.MultiWriter(out, sum)}
	buffered := bufio.NewWriterSize(counted, 32<<10)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	a.files = append(a.files, manifestFile{Name: name, Bytes: counted.n, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// counter counts what goes through it.
type counter struct {
	out io.Writer
	n   int64
}

// Write passes on.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // a writer between writers
}

// writer writes one export.
type writer struct {
	*Service
	export    *models.Export
	snapshot  *rows.Snapshot
	archive   *archive
	done      int64
	beaten    time.Time
	counts    map[string]int64
	overviews []overview
	talks     []talk
}

// pack writes everything as it is at one moment, a few rows at a time.
func (s *Service) pack(ctx context.Context, e *models.Export, key *seal.Key, out io.Writer) error {
	w := &writer{Service: s, export: e, archive: newArchive(out, s.Clock.Now()), counts: map[string]int64{}}
	if err := w.count(ctx); err != nil {
		return err
	}
	err := s.Rows.Snapshot(ctx, e.OwnerID, key, func(snapshot *rows.Snapshot) error {
		w.snapshot = snapshot
		if err := w.archive.add("data.json", func(out *bufio.Writer) error { return w.data(ctx, out) }); err != nil {
			return err
		}
		return w.conversations(ctx)
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	if err := w.archive.add("index.html", w.index); err != nil {
		return err
	}
	if err := w.manifest(); err != nil {
		return err
	}
	if err := w.archive.zip.Close(); err != nil {
		return fmt.Errorf("end the archive: %w", err)
	}
	return nil
}

// count says how much there is to write, for progress only.
func (w *writer) count(ctx context.Context) error {
	w.export.RowsTotal = 0
	for _, t := range w.Rows.Register.Shown() {
		n, err := w.Rows.Count(ctx, w.export.OwnerID, t.Name)
		if err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		if t.Name == messagesTable {
			n *= 2 // once more to be read
		}
		w.export.RowsTotal += n
	}
	w.beaten = w.Clock.Now()
	return w.beat(ctx, w.export, 0)
}

// step counts a row, and tells now and then.
func (w *writer) step(ctx context.Context) error {
	w.done++
	if w.onRow != nil {
		if err := w.onRow(w.export.ID, w.done); err != nil {
			return err
		}
	}
	if now := w.Clock.Now(); now.Sub(w.beaten) >= beat {
		w.beaten = now
		return w.beat(ctx, w.export, w.done)
	}
	return nil
}

// data writes every row of every table that the register knows, table after table.
func (w *writer) data(ctx context.Context, out *bufio.Writer) error {
	head, err := json.Marshal(struct {
		Format     string    `json:"format"`
		Schema     int       `json:"schema"`
		Register   string    `json:"register"`
		Service    string    `json:"service"`
		Software   string    `json:"software"`
		ExportedAt time.Time `json:"exportedAt"`
	}{Format, Schema, w.Rows.Register.Version, w.Name, w.Version, w.archive.at})
	if err != nil {
		return fmt.Errorf("write the head of an export: %w", err)
	}
	_, _ = out.Write(head[:len(head)-1]) // the buffer remembers what fails
	_, _ = out.WriteString(",\n\"tables\":{")
	for i, t := range w.Rows.Register.Shown() {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		fmt.Fprintf(out, "\n%q:[", t.Name)
		o := overview{Table: t}
		var line []byte
		err := w.snapshot.Read(ctx, t.Name, func(row rows.Row) error {
			line = append(line[:0], '\n')
			if o.Count > 0 {
				line = append(line[:0], ",\n"...)
			}
			o.note(row)
			_, _ = out.Write(row.AppendJSON(line))
			return w.step(ctx)
		})
		if err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		_ = out.WriteByte(']')
		w.counts[t.Name] = o.Count
		w.overviews = append(w.overviews, o)
	}
	if _, err := out.WriteString("\n}}\n"); err != nil {
		return fmt.Errorf("write the data of an export: %w", err)
	}
	return nil
}
