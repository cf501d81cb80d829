package restore_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Values of a few bytes are much larger in memory. Files of nothing else are refused before
// they take a multiple of the limit of one part, and what a file says besides its messages
// is not kept while it is read.
func TestSmallValuesTakeLittleMemory(t *testing.T) {
	const parts, most = 1_000_000, 150 << 20
	i := install(t)
	v := i.somebody()
	many := func(part string) string { return strings.Repeat(part+",", parts) + part }
	numbered := func(n int, value string) string {
		var out strings.Builder
		for k := range n {
			fmt.Fprintf(&out, `"%d":%s,`, k, value)
		}
		return out.String() + `"x":` + value
	}
	long := strings.Repeat("x", 1<<20)
	leaves := make([]string, 20)
	for k := range leaves {
		leaves[k] = fmt.Sprintf(`{"id":"con_%d","title_sealed":"T","leaf_id":"%d%s","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`, k, k, long)
	}
	for name, c := range map[string]struct{ file, words string }{
		"messages":        {`[{"chat":{"messages":[` + many("{}") + `]}}]`, "parts"},
		"half of them":    {`[{"chat":{"messages":[` + strings.Repeat("{},", 200_000) + `{}]}}]`, "more than 20000 messages"},
		"messages by ids": {`[{"chat":{"history":{"messages":{` + numbered(300_000, "{}") + `}}}}]`, "parts"},
		"knots":           {`[{"mapping":{` + numbered(200_000, "{}") + `}}]`, "more than 20000 messages"},
		"children":        {`[{"mapping":{"a":{"children":[` + many(`""`) + `]}}}]`, "parts"},
		"parts":           {`[{"mapping":{"a":{"message":{"content":{"parts":[` + many("0") + `]}}}}}]`, "parts"},
		"thoughts":        {`[{"mapping":{"a":{"message":{"content":{"thoughts":[` + many("{}") + `]}}}}}]`, "parts"},
		"something":       {`[{"chat":{"messages":[{"content":[` + many("{}") + `]}]}}]`, "parts"},
		"tables":          {`{"format":"kimi-k2 export","schema":1,"tables":{` + numbered(100_000, "[]") + `}}`, "another shape"},
		"a long field":    {`{"format":"kimi-k2 export","` + long + `":1}`, "another shape"},
		"long leaves":     {ownData(strings.Join(leaves, ","), ""), "another shape"},
		"long ids":        {ownData(oneConversation, strings.Replace(oneMessage, "msg_1", long, 1)), "another shape"},
		"files in a ZIP":  {string(zipOf(t, "data.json", ownData(oneConversation, ""), "manifest.json", `{"manifest":{"files":[`+strings.Repeat("{},", 1_000_000)+`{}]}}`)), "too many files"},
		"a large part":    {`[{"mapping":{},"x":"` + strings.Repeat("x", 17<<20) + `"}]`, "larger than 16 MB"},
	} {
		file := []byte(c.file)
		taken := allocated(func() { i.refuses(name, v, file, c.words) })
		if taken > most {
			t.Errorf("%s: %d MB of a file of %d MB were taken", name, taken>>20, len(c.file)>>20)
		}
	}
}

// Names that are cut don't keep what they were cut off while the messages wait to be written.
func TestCutNamesKeepNothing(t *testing.T) {
	i := install(t)
	long := strings.Repeat("x", 1<<20)
	messages := make([]string, 12)
	for k := range messages {
		messages[k] = strings.Replace(oneMessage, `"msg_1"`, fmt.Sprintf(`"msg_%d","model_id":%q`, k, long), 1)
	}
	file := strings.NewReader(ownData(oneConversation, strings.Join(messages, ",")))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	scale := &scale{Chat: i.Chat}
	i.Chat = scale
	if _, err := i.Import(t.Context(), i.somebody(), file); err != nil {
		t.Fatal(err)
	}
	if held := int64(scale.heap) - int64(before.HeapAlloc); scale.heap == 0 || held > 6<<20 {
		t.Errorf("%d MB were held", held>>20)
	}
}

// scale weighs what is held when messages are written.
type scale struct {
	restore.Chat
	heap uint64
}

func (s *scale) RestoreTx(tx *gorm.DB, v viewer.Viewer, conversations []models.RestoredConversation, messages []models.RestoredMessage) error {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	s.heap = max(s.heap, now.HeapAlloc)
	return s.Chat.RestoreTx(tx, v, conversations, messages) //nolint:wrapcheck // a scale
}

// allocated is how many bytes f takes, also those that it gives back.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
