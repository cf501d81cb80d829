package account

// CutAfter has a deletion fail with the error that f returns after each step.
func (s *Service) CutAfter(f func(step string) error) { s.afterStep = f }

// FindByTicket is how a ticket's guest is looked up.
const FindByTicket = findByTicket
