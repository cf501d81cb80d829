package restore_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// ownData is a data.json with rows of conversations and messages.
func ownData(conversations, messages string) string {
	return `{"format":"kimi-k2 export","schema":1,"tables":{"owners":[{"id":"own_x"}],"conversations":[` + conversations + `],"messages":[` + messages + `]}}`
}

const (
	oneConversation = `{"id":"con_1","title_sealed":"T","title_source":"OWNER","created_at":"2026-01-01T00:00:00+00:00","updated_at":"2026-01-01T00:00:00+00:00"}`
	oneMessage      = `{"id":"msg_1","conversation_id":"con_1","parent_id":null,"role":"USER","status":"COMPLETE","text_sealed":"Hi","created_at":"2026-01-01T00:00:00+00:00"}`
)

func reply(id, parent string) string {
	return fmt.Sprintf(`{"id":%q,"conversation_id":"con_1","parent_id":%q,"role":"ASSISTANT","status":"COMPLETE","text_sealed":"x","created_at":"2026-01-01T00:00:00+00:00"}`, id, parent)
}

// Files that are none, wrong or hostile: each is refused with words that say why, and
// nothing of it is left, also where the first half was good.
func TestBadFilesAreRefusedAndLeaveNothing(t *testing.T) {
	i := install(t)
	v := i.somebody()
	good := ownData(oneConversation, oneMessage)
	gpt := func(mapping string) string { return `[{"title":"t","mapping":{` + mapping + `}}]` }
	node := func(id, parent string) string {
		return fmt.Sprintf(`%q:{"parent":%q,"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["x"]}}}`, id, parent)
	}
	for name, c := range map[string]struct{ file, words string }{
		"nothing":                  {"", "no JSON"},
		"a picture":                {"\x89PNG\r\n\x1a\n", "no JSON"},
		"a word":                   {`"hello"`, "no export of"},
		"another array":            {`[{"a":1}]`, "no export of"},
		"another object":           {`{"format":"something else","tables":{}}`, "no export of"},
		"an empty object":          {`{"a":1}`, "no export of"},
		"a newer layout":           {strings.Replace(good, `"schema":1`, `"schema":2`, 1), "layout 2"},
		"no conversations":         {ownData("", ""), "no conversations"},
		"an empty array":           {"[]", "no conversations"},
		"cut":                      {good[:len(good)-20], "no JSON to its end"},
		"two files in one":         {good + good, "goes on after its end"},
		"another shape":            {strings.Replace(good, `"title_sealed":"T"`, `"title_sealed":7`, 1), "another shape"},
		"tables that are none":     {`{"format":"kimi-k2 export","schema":1,"tables":[]}`, "another shape"},
		"the tables twice":         {strings.Replace(good, `"messages":[`, `"conversations":[],"messages":[`, 1), "twice"},
		"a conversation twice":     {ownData(oneConversation+","+oneConversation, ""), "a conversation twice"},
		"a message twice":          {ownData(oneConversation, oneMessage+","+oneMessage), "a message twice"},
		"a foreign conversation":   {ownData(oneConversation, strings.Replace(oneMessage, "con_1", "con_2", 1)), "a conversation that isn't in it"},
		"an answer to nothing":     {ownData(oneConversation, oneMessage+","+reply("msg_2", "msg_9")), "answers none before it"},
		"an answer to itself":      {ownData(oneConversation, oneMessage+","+reply("msg_2", "msg_2")), "answers none before it"},
		"a circle":                 {ownData(oneConversation, reply("msg_2", "msg_3")+","+reply("msg_3", "msg_2")), "answers none before it"},
		"another's message":        {ownData(oneConversation+","+strings.Replace(oneConversation, "con_1", "con_2", 1), oneMessage+","+strings.Replace(reply("msg_2", "msg_1"), "con_1", "con_2", 1)), "answers none before it"},
		"a reply to nothing":       {ownData(oneConversation, strings.Replace(oneMessage, "USER", "ASSISTANT", 1)), "a reply to nothing"},
		"a strange role":           {ownData(oneConversation, strings.Replace(oneMessage, "USER", "ROOT", 1)), "nobody"},
		"a strange status":         {ownData(oneConversation, strings.Replace(oneMessage, "COMPLETE", "DONE", 1)), "a status"},
		"a circle of ChatGPT":      {gpt(node("a", "") + "," + node("b", "c") + "," + node("c", "b")), "in a circle"},
		"itself of ChatGPT":        {gpt(node("a", "a")), "in a circle"},
		"twice of ChatGPT":         {gpt(node("a", "") + "," + node("a", "")), "a message twice"},
		"a mixture":                {`[{"mapping":{` + node("a", "") + `}},{"chat":{"messages":[{"role":"user","content":"x"}]}}]`, "mixes"},
		"very deep":                {strings.Repeat("[", 200_000), "no JSON"},
		"a deep part":              {`[{"mapping":` + strings.Repeat(`{"a":`, 200_000), "no JSON"},
		"a ZIP of nothing":         {string(zipOf(t)), "no JSON"},
		"a ZIP of something":       {string(zipOf(t, "a.txt", "x")), "no export of"},
		"a name that leads out":    {string(zipOf(t, "../../etc/passwd", "x", "data.json", good)), "leads out"},
		"an absolute name":         {string(zipOf(t, "/data.json", good)), "leads out"},
		"a name of Windows":        {string(zipOf(t, `..\data.json`, good)), "leads out"},
		"a name twice":             {string(zipOf(t, "data.json", good, "data.json", good)), "same name twice"},
		"half a ZIP":               {string(zipOf(t, "data.json", good)[:60]), "no end"},
		"not what the manifest is": {string(zipOf(t, "data.json", good, "manifest.json", `{"manifest":{"files":[{"name":"data.json","sha256":"00"}]}}`)), "was changed"},
	} {
		i.refuses(name, v, []byte(c.file), c.words)
	}
	if _, err := i.Import(t.Context(), v, strings.NewReader(good)); err != nil {
		t.Error(err)
	}
}

// bomb is a ZIP of a file of zeros that says another size.
func bomb(t *testing.T, size, says int64) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("data.json")
	if err == nil {
		_, err = io.Copy(w, io.LimitReader(zeros{}, size))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	raw := out.Bytes()
	if says != size {
		at := bytes.LastIndex(raw, []byte("PK\x01\x02"))
		binary.LittleEndian.PutUint32(raw[at+24:], uint32(says))
	}
	return raw
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Bombs: what a ZIP unpacks to is limited while it is unpacked, whatever it says of itself;
// and so are uploads, parts, lists of files and numbers of rows.
func TestBombsAreDefused(t *testing.T) {
	i := install(t)
	v := i.somebody()
	i.refuses("packed too small", v, bomb(t, 16<<20, 16<<20), "300 times smaller")
	i.refuses("says little", v, bomb(t, 16<<20, 10), "damaged")
	i.refuses("says 4 GB", v, bomb(t, 100, 4<<30-2), "4095 MB")
	i.Limits = restore.Standard()
	i.Limits.Unpacked = 4 << 20
	i.refuses("unpacks to much", v, bomb(t, 5<<20, 5<<20), "5 MB")
	i.refuses("is more than it says", v, bomb(t, 5<<20, 10), "damaged")
	i.Limits.Upload = 1 << 20
	i.refuses("a large file", v, bytes.Repeat([]byte(" "), 1<<20+1), "larger than 1 MB")
	i.Limits = restore.Standard()
	i.Limits.Element = 1 << 20
	i.refuses("a large part", v, []byte(ownData(strings.Replace(oneConversation, `"T"`, `"`+strings.Repeat("T", 2<<20)+`"`, 1), "")), "one part of the file is larger")
	i.Limits = restore.Standard()
	i.Limits.Text = 100
	i.refuses("a long message", v, []byte(ownData(oneConversation, strings.Replace(oneMessage, `"Hi"`, `"`+strings.Repeat("H", 101)+`"`, 1))), "a message in the file is longer")
	i.Limits.Conversations, i.Limits.Messages = 1, 1
	i.refuses("many conversations", v, []byte(ownData(oneConversation+","+strings.Replace(oneConversation, "con_1", "con_2", 1), "")), "more than 1 conversations")
	i.refuses("many messages", v, []byte(ownData(oneConversation, oneMessage+","+reply("msg_2", "msg_1"))), "more than 1 messages")
	listed := zipOf(t, "data.json", "{}")
	end := bytes.LastIndex(listed, []byte("PK\x05\x06"))
	binary.LittleEndian.PutUint32(listed[end+12:], 1<<30)
	i.refuses("a long list of files", v, listed, "too many files")
}

// What a ZIP unpacks in small pieces reaches the decoder in large ones: it looks through
// white space anew with each.
func TestPiecesAreReadTogether(t *testing.T) {
	p := make([]byte, 100)
	in := iotest.OneByteReader(strings.NewReader(strings.Repeat(" ", 150)))
	if n, err := restore.Metered(in, 1000, p); n != 100 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := restore.Metered(in, 1000, p); n != 50 || err != nil {
		t.Errorf("then %d bytes, %v", n, err)
	}
	if n, err := restore.Metered(in, 1000, p); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end %d bytes, %v", n, err)
	}
	if n, err := restore.Metered(strings.NewReader("12345"), 3, p); n != 3 || err != nil {
		t.Errorf("of a part that is too large %d bytes, %v", n, err)
	}
}

// A chain as long as a file may hold is read without recursion and without patience.
func TestALongChainComesIn(t *testing.T) {
	i := install(t)
	v := i.somebody()
	const long = 3000
	var nodes []string
	for n := range long {
		nodes = append(nodes, fmt.Sprintf(`"n%d":{"parent":"n%d","children":["n%d"],"message":{"author":{"role":"assistant"},"content":{"content_type":"thoughts","thoughts":[{"content":"x"}]}}}`, n, n-1, n+1))
	}
	result, err := i.Import(t.Context(), v, strings.NewReader(`[{"mapping":{`+strings.Join(nodes, ",")+`},"current_node":"n2999"}]`))
	if err != nil || result.Messages < long/9 {
		t.Errorf("%+v %v", result, err)
	}
}

// While a file is read it has no name on the disk, so that nothing of it stays; a body that
// breaks off changes nothing; programs and visitors import nothing.
func TestAFileLeavesNoTrace(t *testing.T) {
	i := install(t)
	v := i.somebody()
	names := func() int {
		list, err := filepath.Glob(filepath.Join(i.Dir, ".import-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	seen := -1
	body := io.MultiReader(strings.NewReader(ownData(oneConversation, oneMessage)), look(func() { seen = names() }))
	if _, err := i.Import(t.Context(), v, body); err != nil || seen != 0 || names() != 0 {
		t.Errorf("%d files while it is read, %d after it (%v)", seen, names(), err)
	}
	other := i.somebody()
	broken := errors.New("broken")
	if _, err := i.Import(t.Context(), other, io.MultiReader(strings.NewReader("{"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Error(err)
	}
	if conversations, _ := i.kept(other); conversations != 0 {
		t.Error("something was left")
	}
	for _, kind := range []viewer.Kind{viewer.APIKey, viewer.Visitor, ""} {
		nobody := v
		nobody.Kind = kind
		if _, err := i.Import(t.Context(), nobody, strings.NewReader("{}")); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%q: %v", kind, err)
		}
	}
	if _, err := os.Stat(i.Dir); err != nil {
		t.Error(err)
	}
}

// look is called when it is read.
type look func()

func (l look) Read([]byte) (int, error) {
	l()
	return 0, io.EOF
}

// What an owner keeps by imports is limited with what it keeps already; a guest may keep
// less. Messages are as long as they can be sent, replies of ours as they can be written.
func TestWhatIsBroughtIsLimited(t *testing.T) {
	i := install(t)
	v := i.somebody()
	text := strings.Repeat("x", 1<<20)
	webui := func(role string, n int) string {
		return `[{"chat":{"messages":[{"role":"user","content":"q"},{"role":"` + role + `","content":"` + text[:n-1] + `y"}]}}]`
	}
	long := strings.Replace(reply("msg_2", "msg_1"), `"x"`, `"`+strings.Repeat(text, 5)+`"`, 1)
	i.refuses("a long message", v, []byte(strings.Replace(webui("user", 1<<20), "y", "yz", 1)), "longer than 1 MB")
	i.refuses("a long reply of others", v, []byte(strings.Replace(webui("assistant", 1<<20), "y", "yz", 1)), "longer than 1 MB")
	i.refuses("a long question of ours", v, []byte(ownData(oneConversation, strings.Replace(oneMessage, "Hi", text+"x", 1))), "longer than 1 MB")
	i.refuses("a reply of ours that can't be", v, []byte(ownData(oneConversation, oneMessage+","+strings.Replace(reply("msg_2", "msg_1"), `"x"`, `"`+strings.Repeat(text, 16)+`x"`, 1))), "longer than 16 MB")
	for name, file := range map[string]string{"a message": webui("user", 1<<20), "a reply": webui("assistant", 1<<20), "a reply of ours": ownData(oneConversation, oneMessage+","+long)} {
		if _, err := i.Import(t.Context(), i.somebody(), strings.NewReader(file)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	guest := i.somebody()
	guest.Kind = viewer.Guest
	limits := restore.Standard()
	limits.Guest, limits.Account = 3<<20, 6<<20
	i.Limits = limits
	for name, c := range map[string]struct {
		who  viewer.Viewer
		fits int
		most string
	}{"a guest": {guest, 2, "more than 3 MB"}, "an account": {v, 5, "more than 6 MB"}} {
		n := 0
		var err error
		for ; err == nil && n < 10; n++ {
			_, err = i.Import(t.Context(), c.who, strings.NewReader(webui("user", 1<<20)))
		}
		if n != c.fits+1 || !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.most) {
			t.Errorf("%s: %d files came in, then %v", name, n-1, err)
		}
	}
	limits.Guest = 1 << 20
	i.Limits = limits
	i.refuses("many empty conversations", func() viewer.Viewer { v := i.somebody(); v.Kind = viewer.Guest; return v }(), []byte("["+strings.Repeat(`{"mapping":{}},`, 3000)+`{"mapping":{}}]`), "more than 1 MB")
}

// What two instances read of one owner at once is counted together: while one of them has a
// file of the owner's, the other one refuses it, and counts that file with the next.
func TestWhatIsBroughtIsCountedOverInstances(t *testing.T) {
	i := install(t)
	i.Limits = restore.Standard()
	i.Limits.Account = 3 << 20
	gate := &gate{Chat: i.Chat, in: make(chan struct{}), open: make(chan struct{})}
	first := restore.New(restore.Config{DB: i.db, Audit: i.Audit, Chat: gate, Clock: i.Clock, Dir: t.TempDir(), Limits: i.Limits})
	v := i.somebody()
	file := func() io.Reader {
		return strings.NewReader(`[{"chat":{"messages":[{"role":"user","content":"` + strings.Repeat("x", 1<<20) + `"},{"role":"user","content":"` + strings.Repeat("x", 1<<19) + `"}]}}]`)
	}
	done := make(chan error, 1)
	go func() {
		_, err := first.Import(t.Context(), v, file())
		done <- err
	}()
	<-gate.in // it has counted, and written nothing yet
	if _, err := i.Import(t.Context(), v, file()); !fault.Is(err, fault.RateLimited) {
		t.Errorf("beside the first: %v", err)
	}
	if _, err := i.Import(t.Context(), i.somebody(), file()); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	close(gate.open)
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	if _, err := i.Import(t.Context(), v, file()); !fault.Is(err, fault.Invalid) {
		t.Errorf("after it: %v", err)
	}
	if conversations, _ := i.kept(v); conversations != 1 {
		t.Errorf("%d conversations came in", conversations)
	}
}

// gate holds what is to be written.
type gate struct {
	restore.Chat
	once     sync.Once
	in, open chan struct{}
}

func (g *gate) RestoreTx(tx *gorm.DB, v viewer.Viewer, conversations []models.RestoredConversation, messages []models.RestoredMessage) error {
	g.once.Do(func() { close(g.in) })
	<-g.open
	return g.Chat.RestoreTx(tx, v, conversations, messages) //nolint:wrapcheck // a gate
}

// Files that come slowly are in nobody's way; what lies on the disk meanwhile is limited.
func TestSlowFilesAreInNobodysWay(t *testing.T) {
	i := install(t)
	var ends []*io.PipeWriter
	done := make(chan error, 8)
	for range 2 {
		in, out := io.Pipe()
		ends = append(ends, out)
		who := i.somebody()
		go func() {
			_, err := i.Import(t.Context(), who, in)
			done <- err
		}()
		if _, err := io.WriteString(out, " "); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := i.Import(t.Context(), i.somebody(), strings.NewReader(ownData(oneConversation, oneMessage))); err != nil {
		t.Fatal(err)
	}
	for _, out := range ends {
		if _, err := io.WriteString(out, ownData(oneConversation, oneMessage)); err != nil {
			t.Error(err)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}
	for range ends {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	i.Limits.Upload = 10
	held, hold := io.Pipe()
	lies := make(chan struct{})
	for range 8 {
		body := io.MultiReader(strings.NewReader("0123456789"), look(func() { lies <- struct{}{} }), held)
		who := i.somebody()
		go func() {
			_, err := i.Import(t.Context(), who, body)
			done <- err
		}()
		<-lies
	}
	refused := func() error {
		_, err := i.Import(t.Context(), i.somebody(), strings.NewReader("0123456789"))
		return err
	}
	if err := refused(); !fault.Is(err, fault.RateLimited) {
		t.Errorf("a full disk: %v", err)
	}
	if err := hold.Close(); err != nil {
		t.Error(err)
	}
	for range 8 {
		<-done
	}
	if err := refused(); !fault.Is(err, fault.Invalid) {
		t.Errorf("room again: %v", err)
	}
}
