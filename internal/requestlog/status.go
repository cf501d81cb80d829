package requestlog

import (
	"net/http"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

var statuses = map[fault.Code]int{
	fault.Unauthenticated: http.StatusUnauthorized, fault.KeyRevoked: http.StatusUnauthorized,
	fault.Forbidden: http.StatusForbidden, fault.ScopeMissing: http.StatusForbidden, fault.Reauthenticate: http.StatusForbidden, fault.AgeRequired: http.StatusForbidden,
	fault.AgeRefused: http.StatusForbidden, fault.PolicyRequired: http.StatusForbidden, fault.ConsentRequired: http.StatusForbidden,
	fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict, fault.RateLimited: http.StatusTooManyRequests, fault.GuestLimitReached: http.StatusTooManyRequests,
	fault.UpstreamRateLimit: http.StatusTooManyRequests, fault.UpstreamFailed: http.StatusBadGateway, fault.UpstreamAuth: http.StatusBadGateway, fault.UpstreamStalled: http.StatusGatewayTimeout,
	fault.StorageFull: http.StatusServiceUnavailable, fault.StorageUnavailable: http.StatusServiceUnavailable, fault.ShuttingDown: http.StatusServiceUnavailable,
	fault.Internal: http.StatusInternalServerError, fault.Interrupted: http.StatusInternalServerError,
}

// StatusOf is the status of HTTP that a refusal or failure amounts to where the wire has
// none: 200 for no code, 400 for codes that are about what was asked.
func StatusOf(code string) int {
	if code == "" {
		return http.StatusOK
	}
	if status, ok := statuses[fault.Code(code)]; ok {
		return status
	}
	return http.StatusBadRequest
}
