package chat

// CutClearing has a deletion of all conversations end after a batch where f says so.
func (s *Service) CutClearing(f func() bool) { s.cutClearing = f }
