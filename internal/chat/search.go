package chat

import (
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
	f := folded(needle)
	until := s.clock.Now().Add(searchBudget)
	at := l.Page.After
	for {
		l.Page = page.Args{Size: searchPage, After: at}
		cs, more, err := s.Conversations(ctx, v, l)
		if err != nil {
			return nil, "", err
		}
		for i, c := range cs {
			h, ok, err := s.searchIn(ctx, v, c, f)
			if err != nil {
				return nil, "", err
			}
			if ok {
				hits = append(hits, h)
			}
			at = Position(c)
			if len(hits) >= page.DefaultSize || s.clock.Now().After(until) {
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
}

func (s *Service) searchIn(ctx context.Context, v viewer.Viewer, c *models.Conversation, needle []rune) (Hit, bool, error) {
	if h, ok := match(c.Title, needle); ok {
		h.Conversation = c
		return h, true, nil
	}
	var ms []*models.Message
	err := s.DB.Gorm(ctx).Select("owner_id", "id", "text_sealed").Where("owner_id = ? AND conversation_id = ?", v.OwnerID, c.ID).Order("id DESC").Find(&ms).Error
	if err != nil {
		return Hit{}, false, fmt.Errorf("search messages: %w", err)
	}
	for _, m := range ms {
		if err := openMessage(v.Key, m); err != nil {
			return Hit{}, false, fmt.Errorf("search messages: %w", err)
		}
		if h, ok := match(m.Text, needle); ok {
			h.Conversation, h.MessageID = c, m.ID
			return h, true, nil
		}
	}
	return Hit{}, false, nil
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
