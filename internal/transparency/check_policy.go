package transparency

import (
	"context"
	"fmt"
	"strings"

	"github.com/kimi-k2/kimi-k2/models"
)

func green(format string, args ...any) (Result, error) {
	return Result{models.TransparencyGreen, fmt.Sprintf(format, args...)}, nil
}

func amber(format string, args ...any) (Result, error) {
	return Result{models.TransparencyAmber, fmt.Sprintf(format, args...)}, nil
}

func red(format string, args ...any) (Result, error) {
	return Result{models.TransparencyRed, fmt.Sprintf(format, args...)}, nil
}

// policyText compares the text that people read with its published hash, and its clauses
// with the register.
func (s *Service) policyText(context.Context) (Result, error) {
	if err := s.Facts.Recheck(); err != nil {
		return red("The published text is not what it was: %v.", err)
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
		return red("The text and the register of the program have not the same clauses: %s.", some(missing))
	}
	return green("Version %s is shown as it was published: its SHA-256 begins with %s. Each of its %d clauses has checks.", p.Version, p.Hash[:min(12, len(p.Hash))], len(s.Register.Clauses))
}

// figures compares the numbers of the text with the program's.
func (s *Service) figures(context.Context) (Result, error) {
	var same, wrong []string
	for _, f := range s.Facts.Figures() {
		if f.Promised != f.Kept {
			wrong = append(wrong, fmt.Sprintf("“%s” is promised, and the program keeps to %d", f.Words, f.Kept))
			continue
		}
		same = append(same, "“"+f.Words+"”")
	}
	switch {
	case len(wrong) > 0:
		return red("%s.", strings.Join(wrong, "; "))
	case len(same) == 0:
		return amber("The policy names no figures.")
	}
	return green("The program keeps to each figure of the text: %s.", strings.Join(same, ", "))
}

// version says what runs here.
func (s *Service) version(context.Context) (Result, error) {
	return green("Version %s of the program answers here, on machines of whoever runs this installation. It calls nobody but the recipients listed.", s.Version)
}

// hopsEncrypted looks at every way that data take.
func (s *Service) hopsEncrypted(context.Context) (Result, error) {
	state := models.TransparencyGreen
	var bad []string
	hops := s.Hops()
	for _, h := range hops {
		if state = state.Worse(h.State); h.State != models.TransparencyGreen {
			bad = append(bad, h.Name+": "+h.About)
		}
	}
	if len(bad) > 0 {
		return Result{state, strings.Join(bad, " ")}, nil
	}
	return green("All %d ways that data take are encrypted, or stay on one machine.", len(hops))
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
		return red("The program could reach somebody who is not listed: %s.", some(unknown))
	}
	if calls, last := s.Facts.Refused(); calls > 0 && s.Clock.Now().Sub(last) < refusedMatters {
		return amber("The program tried to call somebody who is not listed, %d times, and was kept from it; the last time was %s. Nothing was sent.", calls, moment(last))
	}
	outside := len(all) - local
	if outside == 0 {
		return green("Nothing is passed on to anybody else: this installation uses no service of others.")
	}
	return green("Data go to the %s listed and to nobody else: the program can't reach any other host.", count(outside, "recipient", "recipients"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// enterprise says what enterprises are promised and this program does not do for them.
func (*Service) enterprise(context.Context) (Result, error) {
	return amber("This version of the program makes no evidence for SOC 2, has no profile for HIPAA and keeps no agreements: whoever runs this installation has to see to them.")
}
