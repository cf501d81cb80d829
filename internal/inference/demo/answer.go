package demo

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

//go:embed answers/*/*.md
var files embed.FS

// order decides between topics that match equally well.
var order = []string{"thinking", "connect", "privacy", "streaming", "code", "table", "maths", "list", "long", "thanks", "welcome"}

// bare are the topics that say themselves what the footer says.
var bare = map[string]bool{"connect": true, "other": true}

// topic is one prepared text and the words that call for it.
type topic struct {
	name     string
	keywords []string
	text     string
}

// tongue is everything the demo can say in one language.
type tongue struct {
	topics            []topic
	other             topic
	footer, reasoning string
	earlier           string // format for the question before
	recall            []string
	recalled          string // heading of the questions so far
	nothing           string // when there are none
}

// library is what the demo can say.
type library struct{ english, chinese tongue }

func readLibrary() (l library, err error) {
	l.english, err = read("en", tongue{
		earlier:  "*(Before that you asked: “%s”)*\n\n",
		recall:   []string{"remember", "what did i ask", "what did i say", "earlier", "my last question"},
		recalled: "I remember only what is in this conversation. So far you asked:\n\n",
		nothing:  "This is your first message in this conversation, so there is nothing to remember yet.\n",
	})
	if err != nil {
		return l, err
	}
	l.chinese, err = read("zh", tongue{
		earlier:  "*（在这之前你问过：“%s”）*\n\n",
		recall:   []string{"记得", "刚才", "之前问", "上一个问题"},
		recalled: "我只记得这次对话里的内容。到目前为止你问过：\n\n",
		nothing:  "这是你在这次对话里的第一条消息，还没有什么可以记住的。\n",
	})
	return l, err
}

// read adds the prepared texts of a language to t.
func read(language string, t tongue) (tongue, error) {
	byName := map[string]topic{}
	for _, name := range append([]string{"other", "_footer", "_reasoning"}, order...) {
		b, err := fs.ReadFile(files, "answers/"+language+"/"+name+".md")
		if err != nil {
			return t, fmt.Errorf("read the demo's texts: %w", err)
		}
		byName[name] = parseTopic(name, string(b))
	}
	for _, name := range order {
		t.topics = append(t.topics, byName[name])
	}
	t.other, t.footer, t.reasoning = byName["other"], byName["_footer"].text, byName["_reasoning"].text
	return t, nil
}

// parseTopic reads a text whose first line may name its keywords.
func parseTopic(name, text string) topic {
	tp := topic{name: name}
	if rest, ok := strings.CutPrefix(text, "keywords:"); ok {
		var keywords string
		keywords, text, _ = strings.Cut(rest, "\n")
		for k := range strings.SplitSeq(keywords, ",") {
			if k = strings.TrimSpace(k); k != "" {
				tp.keywords = append(tp.keywords, k)
			}
		}
		text = strings.TrimPrefix(text, "\n")
	}
	tp.text = text
	return tp
}

// answer is the demo's whole reply to a conversation, without its last message if that
// is the beginning of the reply.
func (l library) answer(messages []openai.Message) (reasoning, text string) {
	asked := questions(messages)
	if len(asked) == 0 {
		asked = []string{""}
	}
	question, before := asked[len(asked)-1], asked[:len(asked)-1]
	t := l.english
	if strings.ContainsFunc(question, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		t = l.chinese
	}
	lower := strings.ToLower(question)
	if matches(lower, t.recall) > 0 {
		return "", t.remember(before) + t.footer
	}
	chosen := t.choose(lower)
	text = chosen.text
	if len(before) > 0 {
		text = fmt.Sprintf(t.earlier, excerpt(before[len(before)-1])) + text
	}
	if !bare[chosen.name] {
		text += t.footer
	}
	if chosen.name == "thinking" {
		reasoning = t.reasoning
	}
	return reasoning, text
}

// choose is the topic with the most matching keywords.
func (t tongue) choose(question string) topic {
	best, most := t.other, 0
	for _, tp := range t.topics {
		if n := matches(question, tp.keywords); n > most {
			best, most = tp, n
		}
	}
	return best
}

// remember lists the questions so far.
func (t tongue) remember(before []string) string {
	if len(before) == 0 {
		return t.nothing
	}
	var b strings.Builder
	b.WriteString(t.recalled)
	for i, q := range before {
		fmt.Fprintf(&b, "%d. “%s”\n", i+1, excerpt(q))
	}
	return b.String()
}

// matches counts the keywords in a lower-case text: Latin ones as whole words, others
// anywhere.
func matches(text string, keywords []string) int {
	n := 0
	for _, k := range keywords {
		if hasWord(text, k) {
			n++
		}
	}
	return n
}

func hasWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if word[0] >= 0x80 || !latinAt(text, start-1) && !latinAt(text, end) {
			return true
		}
		from = end
	}
}

// latinAt reports whether an ASCII letter or digit stands at i.
func latinAt(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// questions are the texts of the person, the latest last.
func questions(messages []openai.Message) []string {
	var out []string
	for _, m := range messages {
		if m.Role == "user" {
			out = append(out, m.Content)
		}
	}
	return out
}

// excerpt is the beginning of a question without anything that markdown would take
// for its own.
func excerpt(s string) string {
	const most = 60
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("*_`<>[]#|$\\~", r)
	}), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
