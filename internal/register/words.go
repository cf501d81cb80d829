package register

import (
	"fmt"
	"strings"
	"time"
)

// Words say how long rows are kept, as a part of a sentence: "at most 90 days".
func (r Retention) Words() string {
	var parts []string
	switch {
	case r.Keep == KeepForever:
		parts = append(parts, "for good: "+r.Why)
	case r.Keep == KeepOwner && r.Max != 0:
		parts = append(parts, "as long as the account or guest, and at most "+r.Max.Words())
	case r.Keep == KeepOwner:
		parts = append(parts, "as long as the account or guest")
	case r.Max == 0:
		parts = append(parts, "until the time of its end, which stands in it")
	default:
		parts = append(parts, "at most "+r.Max.Words())
	}
	if r.Idle != nil {
		parts = append(parts, r.Idle.Max.Words()+" after it was last used")
	}
	if r.Guests != 0 {
		parts = append(parts, "a guest's "+r.Guests.Words()+" after its last activity")
	}
	return strings.Join(parts, "; ")
}

// Words say what a deletion does with rows, as a part of a sentence.
func (e Erase) Words() string {
	switch e {
	case EraseCascade, EraseTrigger:
		return "deleted with it"
	case EraseUnlink:
		return "kept, with nothing that leads to anybody"
	case EraseNobody:
		return "untouched: it was nobody's"
	}
	return string(e)
}

// Words are the span in its largest whole unit: "90 days", "1 hour".
func (d Duration) Words() string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := time.Duration(d) / unit.of; n > 0 && time.Duration(d)%unit.of == 0 {
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return time.Duration(d).String()
}
