package restore

import (
	"io"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Refusals are the words of all reasons.
func Refusals() map[string]string { return refusals }

// Refuse is a refusal for a reason.
func Refuse(reason string, values ...any) *fault.Fault { return refuse(reason, values...) }

// Metered reads as the decoder of a file does, with p for its free space.
func Metered(in io.Reader, limit int64, p []byte) (int, error) {
	return (&meter{in: in, left: limit, limit: limit}).Read(p)
}
