package chat_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/inference/badline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, badline.Leaks()...) }
