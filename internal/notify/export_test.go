package notify

import (
	"strings"

	"github.com/kimi-k2/kimi-k2/models"
)

// PauseAfter is the pause after an attempt.
var PauseAfter = pauseAfter

// Render puts a mail into words.
func (s *Service) Render(language string, kind models.LetterKind, facts map[string]string) (subject, text, html string, err error) {
	r, err := s.templates.render(language, kind, s.Brand, facts)
	return r.subject, r.text, r.html, err
}

// Kinds are the kinds of mails that there are templates for.
func (s *Service) Kinds() (out []models.LetterKind) {
	for _, t := range s.templates.words[defaultLanguage].Templates() {
		if kind, ok := strings.CutSuffix(t.Name(), "/subject"); ok {
			out = append(out, models.LetterKind(kind))
		}
	}
	return out
}
