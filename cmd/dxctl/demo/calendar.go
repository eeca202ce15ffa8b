package demo

import "time"

const day = 24 * time.Hour

// calendar knows the dates of the story. All of them hang on today.
type calendar struct {
	today    time.Time // midnight UTC: no event is later
	begin    time.Time // of the collected history, 24 months before
	platform time.Time // the platform team starts, 12 months before
	settled  time.Time // six months later onboarding has come down
}

func newCalendar(now time.Time) calendar {
	now = now.UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	platform := today.AddDate(0, 0, -365)
	return calendar{
		today:    today,
		begin:    today.AddDate(0, 0, -730),
		platform: platform,
		settled:  platform.AddDate(0, 0, 183),
	}
}

// progress is how far the platform's effect has come at t: 0 before it starts, 1000 once it is settled.
func (c calendar) progress(t time.Time) int64 {
	switch {
	case !t.After(c.platform):
		return 0
	case !t.Before(c.settled):
		return 1000
	}
	return int64(t.Sub(c.platform)) / (int64(c.settled.Sub(c.platform)) / 1000)
}

// holiday reports whether an office is closed on the day: the turn of the year and the first of May.
func holiday(t time.Time) bool {
	m, d := t.Month(), t.Day()
	return m == time.December && d >= 24 || m == time.January && d == 1 || m == time.May && d == 1
}

func workday(t time.Time) bool {
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && !holiday(t)
}

// activity is how much is worked on the day.
func activity(t time.Time) permille {
	switch {
	case holiday(t):
		return 40
	case !workday(t):
		return 30
	case t.Month() == time.December && t.Day() >= 20, t.Month() == time.January && t.Day() <= 5:
		return 450
	case t.Month() == time.August:
		return 850
	case t.Weekday() == time.Friday:
		return 800
	}
	return 1000
}

// nextWorkday returns the day itself or the first working day after it.
func nextWorkday(t time.Time) time.Time {
	for !workday(t) {
		t = t.Add(day)
	}
	return t
}

// workdayBefore returns the last working day before the day.
func workdayBefore(t time.Time) time.Time {
	for t = t.Add(-day); !workday(t); {
		t = t.Add(-day)
	}
	return t
}

// hours are the hours of the day, UTC, in which things are merged; the busier stand more often.
var hours = []int{7, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 12, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 16, 16, 17, 18, 20}

// at draws a time of the working day.
func (d dice) at(date time.Time) time.Time {
	return date.Add(
		time.Duration(pick(d, hours))*time.Hour + time.Duration(d.below(int64(time.Hour/time.Millisecond)))*time.Millisecond,
	)
}
