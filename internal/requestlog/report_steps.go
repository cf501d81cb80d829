package requestlog

import (
	"slices"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/sheet"
	"github.com/kimi-k2/kimi-k2/models"
)

// steps are the days or the hours of a zone, or all time as one, that an analysis tells
// apart.
type steps struct {
	zone *time.Location
	unit models.RequestDimension // empty: all time is one

	// homes are the groups' starts that thirds are added to, by the thirds.
	homes map[int64]int64

	// The hour looked at last, and in which step its quarters lie.
	hour   time.Time
	starts [quarters]int64
}

// unitOf is what dimensions tell apart of time.
func unitOf(by []models.RequestDimension) models.RequestDimension {
	for _, unit := range []models.RequestDimension{models.RequestsByHour, models.RequestsByDay} {
		if slices.Contains(by, unit) {
			return unit
		}
	}
	return ""
}

// startOf is when the step begins that a moment lies in; zero when all time is one.
func (s *steps) startOf(t time.Time) int64 {
	switch local := t.In(s.zone); s.unit {
	case models.RequestsByHour:
		return t.Truncate(time.Second).Add(-time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second).Unix()
	case models.RequestsByDay:
		return sheet.DayStart(local.Year(), local.Month(), local.Day(), s.zone).Unix()
	}
	return 0
}

// look works out where the quarters of an hour lie.
func (s *steps) look(hour time.Time) {
	if hour.Equal(s.hour) {
		return
	}
	s.hour = hour
	for i := range s.starts {
		s.starts[i] = s.startOf(hour.Add(time.Duration(i) * quarter))
	}
}

// apart are hours of a third.
type apart [thirdHours]bool

func (a *apart) count() (n int) {
	for _, is := range a {
		if is {
			n++
		}
	}
	return n
}

// home is the step, by its beginning, that most of a third lies in, and the hours of which
// some quarter lies in another one.
func (s *steps) home(t time.Time) (home int64, out apart) {
	var starts [thirdHours][quarters]int64
	for i := range starts {
		s.look(t.Add(time.Duration(i) * time.Hour))
		starts[i] = s.starts
	}
	for i, start := range []int64{starts[0][0], starts[thirdHours-1][quarters-1]} {
		var others apart
		for h := range starts {
			others[h] = starts[h] != [quarters]int64{start, start, start, start}
		}
		if i == 0 || others.count() < out.count() {
			home, out = start, others
		}
	}
	return home, out
}

// settle finds the home of a third, and the hours that it needs besides: all of them when
// most lie elsewhere, and it has none.
func (s *steps) settle(t time.Time) (hours apart, there bool) {
	home, hours := s.home(t)
	if hours.count() > thirdHours/2 {
		return apart{true, true, true, true, true, true, true, true}, false
	}
	s.homes[t.Unix()] = home
	return hours, true
}
