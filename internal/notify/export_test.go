package notify

import "github.com/kimi-k2/kimi-k2/models"

// PauseAfter is the pause after an attempt.
var PauseAfter = pauseAfter

// Render puts a mail into words.
func (s *Service) Render(language string, kind models.LetterKind, facts map[string]string) (subject, text, html string, err error) {
	r, err := s.templates.render(language, kind, s.Brand, facts)
	return r.subject, r.text, r.html, err
}
