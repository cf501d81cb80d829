package export

// OnRow has f called with each row that is written; an error of it ends the writing.
func (s *Service) OnRow(f func(exportID string, done int64) error) { s.onRow = f }

// Idle waits until this instance writes nothing.
func (s *Service) Idle() { s.working.Wait() }
