package ratelimit

import "context"

// RenewOnce renews the leases of the instance's places now.
func (s *Service) RenewOnce(ctx context.Context) error { return s.renewOnce(ctx) }
