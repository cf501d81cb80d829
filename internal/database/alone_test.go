package database_test

import (
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

func TestTheSecondInstanceLearnsThatItIsNotAlone(t *testing.T) {
	url := dbtest.URL(t)
	first, second := open(t, database.Config{URL: url}), open(t, database.Config{URL: url})
	for _, c := range []struct {
		db   *database.DB
		want bool
	}{{first, true}, {second, false}} {
		if alone, err := c.db.Alone(t.Context()); err != nil || alone != c.want {
			t.Errorf("alone: %v, %v, want %v", alone, err, c.want)
		}
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for alone := false; !alone; <-tick.C { // the server notices in a moment that it has gone
		var err error
		if alone, err = second.Alone(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
