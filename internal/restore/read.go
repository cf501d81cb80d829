package restore

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// read finds out what a file is and hands what it holds to the sink.
func (s *Service) read(file *os.File, out *sink) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("read a file: %w", err)
	}
	head := make([]byte, 4)
	if n, _ := file.ReadAt(head, 0); n == 4 && bytes.Equal(head, []byte("PK\x03\x04")) {
		return s.readZIP(file, info.Size(), out)
	}
	return s.readJSON(io.NewSectionReader(file, 0, info.Size()), out)
}

// readJSON reads a file that is JSON by itself.
func (s *Service) readJSON(in io.Reader, out *sink) error {
	d := newDecoder(in, s.Limits.Element)
	first, err := d.token()
	if err != nil {
		return err
	}
	switch first {
	case json.Delim('['):
		d.within(s.Limits.Conversation)
		err = readForeign(d, out)
	case json.Delim('{'):
		err = readOwn(d, out)
	default:
		return errUnknown()
	}
	if err != nil {
		return err
	}
	d.meter.left = d.limit
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return refuse("goes_on")
	}
	return nil
}

func errUnknown() *fault.Fault {
	return refuse("unknown_file")
}

// What of a ZIP is read.
const (
	dataName     = "data.json"
	manifestName = "manifest.json"
	maxManifest  = 32 << 20
	// maxDirectory bounds the list of the files in a ZIP, in bytes: it is read as a whole.
	maxDirectory = 16 << 20
)

var conversationsName = regexp.MustCompile(`^conversations(-\d{1,6})?\.json$`)

// readZIP reads our own export, or the conversations of another one.
func (s *Service) readZIP(file *os.File, size int64, out *sink) error {
	if err := checkDirectory(file, size); err != nil {
		return err
	}
	z, err := zip.NewReader(file, size)
	if err != nil {
		return refuse("zip_damaged")
	}
	found := map[string]*zip.File{}
	var foreign []string
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "/") || strings.ContainsAny(f.Name, "\\\x00:") || slices.Contains(strings.Split(f.Name, "/"), "..") {
			return refuse("zip_leads_out")
		}
		if found[f.Name] != nil {
			return refuse("zip_twice")
		}
		found[f.Name] = f
		if conversationsName.MatchString(path.Base(f.Name)) {
			foreign = append(foreign, f.Name)
		}
	}
	u := &unpacker{limits: s.Limits}
	if own := found[dataName]; own != nil {
		return s.readOwnZIP(u, own, found[manifestName], out)
	}
	slices.Sort(foreign)
	for _, name := range foreign {
		if err := u.with(found[name], func(in io.Reader) error { return s.readJSON(in, out) }); err != nil {
			return err
		}
	}
	if len(foreign) == 0 {
		return errUnknown()
	}
	return nil
}

// endOfDirectory is how a ZIP ends.
const endOfDirectory = 22

// checkDirectory refuses a ZIP whose list of files is very long, or does not lie where its
// end says: the library reads whatever it finds there into memory.
func checkDirectory(file io.ReaderAt, size int64) error {
	tail := make([]byte, min(size, endOfDirectory+64<<10))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return fmt.Errorf("read a file: %w", err)
	}
	at := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if at < 0 || len(tail)-at < endOfDirectory {
		return refuse("zip_endless")
	}
	length, offset := int64(binary.LittleEndian.Uint32(tail[at+12:])), int64(binary.LittleEndian.Uint32(tail[at+16:]))
	if length > maxDirectory || offset+length != size-int64(len(tail)-at) {
		return refuse("zip_list")
	}
	return nil
}

// unpacker reads files out of a ZIP within the limits of the whole.
type unpacker struct {
	limits Limits
	total  int64
}

// with reads one file.
func (u *unpacker) with(f *zip.File, read func(io.Reader) error) error {
	if f.UncompressedSize64 > uint64(u.limits.Unpacked) {
		return refuse("zip_claims", "size", f.UncompressedSize64>>20, "most", u.limits.Unpacked>>20)
	}
	in, err := f.Open()
	if err != nil {
		return refuse("zip_packing")
	}
	defer func() { _ = in.Close() }()
	return read(&unpacked{unpacker: u, in: in, packed: int64(min(f.CompressedSize64, 1<<40))})
}

// small is the size from which on the ratio counts: short texts pack well.
const small = 8 << 20

// unpacked is a file that is being read out of a ZIP.
type unpacked struct {
	*unpacker
	in        io.Reader
	packed, n int64
}

// Read refuses bombs while they grow.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.in.Read(p)
	u.n += int64(n)
	u.total += int64(n)
	switch {
	case u.total > u.limits.Unpacked:
		return 0, refuse("zip_unpacks", "most", u.limits.Unpacked>>20)
	case u.n > small && u.n/u.limits.Ratio > u.packed:
		return 0, refuse("zip_ratio", "most", u.limits.Ratio)
	case err != nil && !errors.Is(err, io.EOF):
		return n, refuse("zip_damaged")
	}
	return n, err //nolint:wrapcheck // the end
}

// decoder reads JSON an element at a time, each within a limit.
type decoder struct {
	json  *json.Decoder
	meter *meter
	limit int64
}

func newDecoder(in io.Reader, limit int64) *decoder {
	m := &meter{in: in, left: limit, limit: limit}
	return &decoder{json: json.NewDecoder(m), meter: m, limit: limit}
}

// meter lets so much be read until it is set back.
type meter struct {
	in          io.Reader
	left, limit int64
}

// Read fills p as far as the limit goes, and refuses what is over it. The decoder looks
// through white space anew with all that comes: in pieces as small as a ZIP unpacks them that
// took the square of its length, a second and a half for one part.
func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, refuse("part_too_large", "most", m.limit>>20)
	}
	n, err := io.ReadFull(m.in, p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // the end is told by the next one
	}
	return n, err //nolint:wrapcheck // a reader between readers
}

// within sets another limit for what follows.
func (d *decoder) within(limit int64) { d.limit, d.meter.limit = limit, limit }

// token is the next one.
func (d *decoder) token() (json.Token, error) {
	d.meter.left = d.limit
	t, err := d.json.Token()
	return t, unreadable(err)
}

// value reads the next value.
func (d *decoder) value(into any) error {
	d.meter.left = d.limit
	return unreadable(d.json.Decode(into))
}

// each reads the values of an array that has begun, up to its end.
func (d *decoder) each(read func() error) error {
	for d.json.More() {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := d.token()
	return err
}

// unreadable is the refusal of what is no JSON, or not of the shape that it should have.
func unreadable(err error) error {
	if err == nil {
		return nil
	}
	if _, known := fault.Of(err); known {
		return err
	}
	var shape *json.UnmarshalTypeError
	if errors.As(err, &shape) {
		return refuse("shape_at", "place", name(shape.Field))
	}
	return refuse("no_json")
}
