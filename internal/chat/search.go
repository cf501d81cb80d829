package chat

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Text is sealed, so a search opens and scans the owner's own messages, newest
// conversations first. It works within a time budget: what is not reached then is on
// the next page.
const (
	searchBudget  = 1500 * time.Millisecond
	searchPage    = 50
	minSearch     = 2 // characters
	maxSearch     = 200
	snippetBefore = 40 // characters before the match
	snippetAfter  = 80

	// searchRows is how many messages are read at a time, searchBytes of how much text.
	searchRows  = 500
	searchBytes = 4 << 20
)

// Hit is a conversation whose title or messages contain a text.
type Hit struct {
	Conversation *models.Conversation
	MessageID    string // "" when the title matched
	Snippet      string
	Start, Len   int // of the match in the snippet, in UTF-16 code units
}

// Search lists the conversations that contain l.Text, in the order of the list. Next
// is the position to go on from, "" at the end; with a next position a page may have
// fewer hits than asked for, or none, when the time budget was used up.
func (s *Service) Search(ctx context.Context, v viewer.Viewer, l List) (hits []Hit, next string, err error) {
	needle := strings.TrimSpace(l.Text)
	if n := utf8.RuneCountInString(needle); n < minSearch || n > maxSearch {
		return nil, "", fault.On("filter.text", fault.Invalid, "search for %d to %d characters", minSearch, maxSearch)
	}
	f, want := folded(needle), cmp.Or(l.Page.Size, page.DefaultSize)
	until := s.clock.Now().Add(searchBudget)
	at, from, _ := strings.Cut(l.Page.After, " ")
	if from != "" {
		h, ok, rest, err := s.searchRest(ctx, v, at, from, f, until)
		switch {
		case err != nil:
			return nil, "", err
		case rest != "":
			return nil, at + " " + rest, nil
		case ok:
			hits = append(hits, h)
		}
	}
	for len(hits) < want {
		l.Page = page.Args{Size: searchPage, After: at}
		cs, more, err := s.Conversations(ctx, v, l)
		if err != nil {
			return nil, "", err
		}
		for i, c := range cs {
			h, ok, rest, err := s.searchIn(ctx, v, c, "", f, until)
			if err != nil {
				return nil, "", err
			}
			if rest != "" {
				return hits, Position(c) + " " + rest, nil
			}
			if ok {
				hits = append(hits, h)
			}
			at = Position(c)
			if len(hits) >= want || s.clock.Now().After(until) {
				if i == len(cs)-1 && !more {
					at = ""
				}
				return hits, at, nil
			}
		}
		if !more {
			return hits, "", nil
		}
	}
	return hits, at, nil
}

// searchRest goes on in the conversation at a position, with the messages before one. One
// that has gone meanwhile has none.
func (s *Service) searchRest(ctx context.Context, v viewer.Viewer, at, from string, needle []rune, until time.Time) (h Hit, ok bool, rest string, err error) {
	_, _, conversationID, err := parsePosition(at)
	if err != nil {
		return Hit{}, false, "", err
	}
	c, err := s.FindConversation(ctx, v, conversationID)
	if fault.Is(err, fault.NotFound) {
		return Hit{}, false, "", nil
	}
	if err != nil {
		return Hit{}, false, "", err
	}
	return s.searchIn(ctx, v, c, from, needle, until)
}

// searchIn searches one conversation, newest messages first; from is the message that was
// the last one before. When the time is used up, rest is the last one now.
func (s *Service) searchIn(ctx context.Context, v viewer.Viewer, c *models.Conversation, from string, needle []rune, until time.Time) (h Hit, ok bool, rest string, err error) {
	if h, ok := match(c.Title, needle); ok && from == "" {
		h.Conversation = c
		return h, true, "", nil
	}
	for {
		var ms []*models.Message
		err := s.DB.Gorm(ctx).Raw(`
SELECT owner_id, id, text_sealed FROM (
    SELECT owner_id, id, text_sealed, sum(octet_length(text_sealed)) OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING) - octet_length(text_sealed) AS above
    FROM (SELECT owner_id, id, text_sealed FROM messages
        WHERE owner_id = @owner AND conversation_id = @conversation AND text_sealed IS NOT NULL AND (@from = '' OR id < @from) ORDER BY id DESC LIMIT @rows) AS newest
) AS part WHERE above < @most ORDER BY id DESC`, map[string]any{"owner": v.OwnerID, "conversation": c.ID, "from": from, "rows": searchRows, "most": searchBytes}).Scan(&ms).Error
		if err != nil {
			return Hit{}, false, "", fmt.Errorf("search messages: %w", err)
		}
		size := 0
		for _, m := range ms {
			size += len(m.TextSealed)
			if err := openMessage(v.Key, m); err != nil {
				return Hit{}, false, "", fmt.Errorf("search messages: %w", err)
			}
			if h, ok := match(m.Text, needle); ok {
				h.Conversation, h.MessageID = c, m.ID
				return h, true, "", nil
			}
			if from = m.ID; s.clock.Now().After(until) {
				return Hit{}, false, from, nil
			}
		}
		if len(ms) < searchRows && size < searchBytes {
			return Hit{}, false, "", nil
		}
	}
}

// folded is a text as runes in one case, one rune for each of the text.
func folded(s string) []rune {
	rs := []rune(s)
	for i, r := range rs {
		rs[i] = unicode.ToLower(r)
	}
	return rs
}

// match finds the needle in the text and cuts a snippet around it.
func match(text string, needle []rune) (Hit, bool) {
	hay := folded(text)
	at := indexRunes(hay, needle)
	if at < 0 {
		return Hit{}, false
	}
	rs := []rune(text)
	from, to := max(0, at-snippetBefore), min(len(rs), at+len(needle)+snippetAfter)
	flat := func(part []rune) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return ' '
			}
			return r
		}, string(part))
	}
	before, hit, after := flat(rs[from:at]), flat(rs[at:at+len(needle)]), flat(rs[at+len(needle):to])
	if from > 0 {
		before = "…" + before
	}
	if to < len(rs) {
		after += "…"
	}
	return Hit{Snippet: before + hit + after, Start: units(before), Len: units(hit)}, true
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

func indexRunes(hay, needle []rune) int {
	for i := 0; i+len(needle) <= len(hay); i++ {
		if hay[i] != needle[0] {
			continue
		}
		j := 1
		for j < len(needle) && hay[i+j] == needle[j] {
			j++
		}
		if j == len(needle) {
			return i
		}
	}
	return -1
}
