package transparency

import (
	"context"
	"strings"

	"github.com/kimi-k2/kimi-k2/models"
)

// policyText compares the text that people read with its published hash, and its clauses
// with the register.
func (s *Service) policyText(context.Context) (Result, error) {
	if err := s.Facts.Recheck(); err != nil {
		return red(found("text_changed", "reason", err.Error()))
	}
	p := s.Policy()
	said := map[string]bool{}
	for _, c := range readClauses(p.Text) {
		said[c.id] = true
	}
	var missing []string
	for _, c := range s.Register.Clauses {
		if !said[c.ID] {
			missing = append(missing, c.ID)
		}
		delete(said, c.ID)
	}
	for id := range said {
		missing = append(missing, id)
	}
	if len(missing) > 0 {
		return red(found("clauses_differ", "clauses", missing))
	}
	return green(found("text_as_published", "version", p.Version, "hash", p.Hash[:min(12, len(p.Hash))], "clauses", len(s.Register.Clauses)))
}

// figures compares the numbers of the text with the program's.
func (s *Service) figures(context.Context) (Result, error) {
	var same []string
	var wrong []finding
	for _, f := range s.Facts.Figures() {
		if f.Promised != f.Kept {
			wrong = append(wrong, found("figure_differs", "words", f.Words, "kept", f.Kept))
			continue
		}
		same = append(same, "“"+f.Words+"”")
	}
	switch {
	case len(wrong) > 0:
		return red(wrong...)
	case len(same) == 0:
		return amber(found("no_figures"))
	}
	return green(found("figures_kept", "figures", strings.Join(same, ", ")))
}

// version says what runs here.
func (s *Service) version(context.Context) (Result, error) {
	return green(found("version", "version", s.Version))
}

// hopsEncrypted looks at every way that data take.
func (s *Service) hopsEncrypted(context.Context) (Result, error) {
	state := models.TransparencyGreen
	var bad []finding
	hops := s.Hops()
	for _, h := range hops {
		if state = state.Worse(h.State); h.State != models.TransparencyGreen {
			bad = append(bad, foundHop(h))
		}
	}
	if len(bad) > 0 {
		return result(state, bad...), nil
	}
	return green(found("hops_encrypted", "hops", len(hops)))
}

// recipients compares who is listed with who can be reached.
func (s *Service) recipients(context.Context) (Result, error) {
	listed, local := map[string]bool{}, 0
	all := s.Recipients()
	for _, r := range all {
		listed[r.Name] = true
		if r.Local || r.Kind == models.RecipientInternal {
			local++
		}
	}
	var unknown []string
	for _, name := range s.Facts.Reachable() {
		if !listed[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return red(found("recipient_unlisted", "names", unknown))
	}
	if calls, last := s.Facts.Refused(); calls > 0 && s.Clock.Now().Sub(last) < refusedMatters {
		return amber(found("calls_refused", "calls", calls, "last", last))
	}
	outside := len(all) - local
	if outside == 0 {
		return green(found("no_recipients"))
	}
	return green(found("recipients_listed", "recipients", outside))
}

// enterprise says what enterprises are promised and this program does not do for them.
func (*Service) enterprise(context.Context) (Result, error) {
	return amber(found("enterprise"))
}
