package id_test

import (
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/id"
)

func TestNewIsWellFormedAndSortsByCreation(t *testing.T) {
	last := ""
	for range 1000 {
		s := id.New(id.Message)
		if !id.Is(id.Message, s) || id.KindOf(s) != id.Message {
			t.Fatalf("%q is not well formed", s)
		}
		if s <= last {
			t.Fatalf("%q does not sort after %q", s, last)
		}
		last = s
	}
}

func TestIsRefusesWhatIsNoID(t *testing.T) {
	good := id.New(id.Conversation)
	for _, s := range []string{"", "con_", good[:len(good)-1], good + "0", "msg" + good[3:], "con_" + "Z" + good[5:], "con_1' or '1'='1"} {
		if id.Is(id.Conversation, s) {
			t.Errorf("%q passed", s)
		}
	}
	if k := id.KindOf("nonsense"); k != "" {
		t.Errorf("kind %q", k)
	}
}
