package restore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P113: whatever the branches, texts, reasoning, ends and times of conversations, an export
// brought into an empty installation and exported again there is the same, but for ids and
// money.
func TestExportImportExportIsTheSame(t *testing.T) {
	here, there := install(t), install(t)
	for seed := range uint64(8) {
		ada, bob := here.somebody(), there.somebody()
		here.invent(ada, rand.New(rand.NewPCG(seed, 1)))
		first := here.zipped(ada)
		result, err := there.Import(t.Context(), bob, bytes.NewReader(first))
		if err != nil {
			t.Fatal(seed, err)
		}
		conversations, messages := here.kept(ada)
		if result.Source != restore.Own || result.Conversations != conversations || result.Messages != messages || result.Skipped != 0 {
			t.Errorf("%+v of %d and %d", result, conversations, messages)
		}
		before, after := told(t, first), told(t, there.zipped(bob))
		if !slices.Equal(before, after) {
			for n := range before {
				if n >= len(after) || before[n] != after[n] {
					t.Fatalf("seed %d, of %d rows the first that differs:\n%s\n%s", seed, len(before), before[n], append(after, "")[min(n, len(after))])
				}
			}
		}
	}
}

// invent gives somebody conversations by chance.
func (i *installation) invent(v viewer.Viewer, r *rand.Rand) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	ago := func() time.Time {
		return now.Add(-time.Duration(r.Int64N(int64(300 * 24 * time.Hour)))).Truncate(time.Microsecond)
	}
	words := []string{"", "Hello", "a\nb\n\n```go\nx := 1\n```", "你好，世界 🌊", `quotes " and \ and </script>`, "\u0000\u2028", "   ends with blanks  "}
	some := func() string { return words[r.IntN(len(words))] + fmt.Sprint(r.IntN(1000)) }
	for n := range 1 + r.IntN(6) {
		c := models.RestoredConversation{ID: id.New(id.Conversation), Title: fmt.Sprint("Title ", n, " 标题"), Pinned: r.IntN(2) == 0, Archived: r.IntN(3) == 0, CreatedAt: ago(),
			TitleSource: []models.TitleSource{models.TitleOwner, models.TitleGenerated, models.TitleFirstWords}[r.IntN(3)]}
		c.Updated = c.CreatedAt.Add(time.Hour)
		var ms []models.RestoredMessage
		for range r.IntN(30) {
			m := models.RestoredMessage{ID: id.New(id.Message), RunID: id.New(id.Run), ConversationID: c.ID, Role: models.RoleUser, Status: models.MessageComplete, Text: some(), CreatedAt: ago()}
			if len(ms) > 0 && r.IntN(8) > 0 {
				m.ParentID = ms[r.IntN(len(ms))].ID
				if r.IntN(2) == 0 {
					at := m.CreatedAt.Add(time.Minute)
					m.Role, m.Reasoning, m.FinishedAt, m.ModelID, m.EngineName = models.RoleAssistant, some(), &at, "kimi-k2", "engine"
					m.Status = []models.MessageStatus{models.MessageComplete, models.MessageStopped, models.MessageInterrupted, models.MessageFailed}[r.IntN(4)]
					m.PromptTokens, m.OutputTokens, m.Reasoned, m.UsageEstimated, m.FinishReason = r.Int64N(1000), r.Int64N(1000), r.Int64N(1000), r.IntN(2) == 0, "stop"
					if m.Status == models.MessageFailed {
						m.ErrorCode, m.ErrorMessage, m.ReasoningMs, m.DroppedMessages = "UPSTREAM_FAILED", some(), r.IntN(1000), r.IntN(10)
					}
				}
			}
			ms = append(ms, m)
		}
		leaves := map[string]string{}
		if len(ms) > 0 {
			leaves[c.ID] = ms[r.IntN(len(ms))].ID
		}
		i.restored(v, []models.RestoredConversation{c}, ms, leaves)
	}
}

// P113: an import is the viewer's own from then on: listed, opened, its branch on show, and
// a reply that was not over, or was cut at the length limit, can be gone on with; the act is written down.
func TestWhatWasImportedIsTheViewersOwn(t *testing.T) {
	here := install(t)
	ada, bob := here.somebody(), here.somebody()
	c := models.RestoredConversation{ID: id.New(id.Conversation), Title: "Boats", TitleSource: models.TitleOwner, CreatedAt: time.Now(), Updated: time.Now()}
	ask := models.RestoredMessage{ID: id.New(id.Message), ConversationID: c.ID, Role: models.RoleUser, Status: models.MessageComplete, Text: "Why?", CreatedAt: time.Now()}
	reply := models.RestoredMessage{ID: id.New(id.Message), RunID: id.New(id.Run), ConversationID: c.ID, ParentID: ask.ID, Role: models.RoleAssistant, Status: models.MessageStreaming, Text: "Bec", CreatedAt: time.Now()}
	cut, whole := reply, reply
	cut.ID, cut.RunID, cut.Status, cut.FinishReason = id.New(id.Message), id.New(id.Run), models.MessageComplete, models.FinishLength
	whole.ID, whole.RunID, whole.Status, whole.FinishReason = id.New(id.Message), id.New(id.Run), models.MessageComplete, "stop"
	here.restored(ada, []models.RestoredConversation{c}, []models.RestoredMessage{ask, reply, cut, whole}, map[string]string{c.ID: reply.ID})
	file := here.zipped(ada)
	for range 2 { // twice is two of each: nothing is overwritten
		if _, err := here.Import(t.Context(), bob, bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	if conversations, messages := here.kept(bob); conversations != 2 || messages != 8 {
		t.Error(conversations, messages)
	}
	var conversation, leaf, status string
	var runs, acts int
	err := here.db.Pool().QueryRow(t.Context(), `SELECT c.id, c.leaf_id, m.status, (SELECT count(*) FROM runs r WHERE r.owner_id = c.owner_id AND r.reply_id = m.id AND r.status = m.status),
			(SELECT count(*) FROM audit_entries WHERE act = 'DATA_IMPORTED')
		FROM conversations c JOIN messages m ON m.owner_id = c.owner_id AND m.id = c.leaf_id WHERE c.owner_id = $1 LIMIT 1`, bob.OwnerID).Scan(&conversation, &leaf, &status, &runs, &acts)
	if err != nil || status != "INTERRUPTED" || runs != 1 || acts != 2 || conversation == c.ID || leaf == reply.ID {
		t.Error(conversation, leaf, status, runs, acts, err)
	}
	if err := here.db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM runs r JOIN messages m ON m.owner_id = r.owner_id AND m.id = r.reply_id
		WHERE r.owner_id = $1 AND r.status = 'COMPLETE' AND m.finish_reason = 'length'`, bob.OwnerID).Scan(&runs); err != nil || runs != 2 {
		t.Error(runs, err)
	}
	opened, err := here.chat.FindConversation(t.Context(), bob, conversation)
	if err != nil || opened.Title != "Boats" || opened.LastMessage.Text != "Bec" {
		t.Error(opened, err)
	}
	if _, err := here.chat.FindConversation(t.Context(), ada, conversation); err == nil {
		t.Error("it is somebody else's too")
	}
}
