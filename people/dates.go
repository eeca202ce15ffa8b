package people

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dateLayouts are the spellings of a date that can mean only one day.
var dateLayouts = []string{
	time.DateOnly,
	"2006/01/02",
	"2006/1/2",
	"2006-1-2",
	"2006.01.02",
	"20060102",
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2 Jan 2006",
	"2 January 2006",
	"2-Jan-2006",
	"2/Jan/2006",
	"Jan 2, 2006",
	"January 2, 2006",
	"Jan 2 2006",
	"January 2 2006",
}

var (
	numericDate = regexp.MustCompile(`^(\d{1,2})([./-])(\d{1,2})([./-])(\d{4})$`)
	shortYear   = regexp.MustCompile(`^\d{1,2}[./-](\d{1,2}|[A-Za-z]{3,9})[./-]\d{2}$`)
	serialDate  = regexp.MustCompile(`^\d{5}([.,]\d+)?$`)
	timeOfDay   = regexp.MustCompile(`(?i)[ T]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AP]M)?$`)
)

// noDate are the words for a field without a date; stillThere those that an end has where there is none.
var (
	noDate = []string{
		"",
		"-",
		"--",
		"–",
		"—",
		".",
		"n/a",
		"na",
		"#n/a",
		"null",
		"(null)",
		"none",
		"nil",
		"nan",
		"nat",
		`\n`,
	}
	stillThere = []string{
		"present",
		"current",
		"currently",
		"active",
		"ongoing",
		"open",
		"open ended",
		"open-ended",
		"still here",
		"now",
		"to date",
		"until now",
		"indefinite",
		"permanent",
		"unlimited",
		"no end",
		"heute",
		"aktuell",
		"unbefristet",
		"offen",
	}
)

// noDates are the days that programs write for a date that is not there: the first one that they can express, or what
// a spreadsheet makes of an empty cell.
var noDates = []string{
	"0000-00-00",
	"0001-01-01",
	"1753-01-01",
	"1899-12-30",
	"1899-12-31",
	"1900-01-00",
	"1900-01-01",
	"1901-01-01",
}

// lastYear is the last year of a date that is meant. Later ones stand for an end that nobody knows: 9999-12-31,
// 2999-12-31, 4712-12-31.
const lastYear = 2198

// dateOrder is what a file says of the order of day and month in dates such as 03/04/2026.
type dateOrder struct{ dayFirst, monthFirst bool }

// dateOrders learns the order for each separator from the dates that can mean one day only.
type dateOrders map[string]dateOrder

func (o dateOrders) learn(s string) {
	m := numericDate.FindStringSubmatch(withoutTime(s))
	if m == nil || m[2] != m[4] {
		return
	}
	a, b, year := atoi(m[1]), atoi(m[3]), atoi(m[5])
	_, dmy := dayOf(year, b, a)
	_, mdy := dayOf(year, a, b)
	order := o[m[2]]
	order.dayFirst = order.dayFirst || dmy && !mdy
	order.monthFirst = order.monthFirst || mdy && !dmy
	o[m[2]] = order
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func withoutTime(s string) string { return timeOfDay.ReplaceAllString(s, "") }

// startDate returns midnight UTC of the day, or zero when it is not known.
func (o dateOrders) startDate(s string) (time.Time, error) {
	if slices.Contains(noDate, strings.ToLower(s)) || isNoDate(s) {
		return time.Time{}, nil
	}
	t, err := o.date("start_date", s)
	if err == nil && (t.Year() < 1971 || t.Year() > lastYear) {
		err = fmt.Errorf("start_date %q is outside 1971 to %d; write it like 2026-03-31, or leave it empty where it is "+
			"not known", s, lastYear)
	}
	return t, err
}

// leftDate returns midnight UTC of the day, or zero when there is no end.
func (o dateOrders) leftDate(s string) (time.Time, error) {
	word := strings.ToLower(s)
	if slices.Contains(noDate, word) || slices.Contains(stillThere, word) || isNoDate(s) {
		return time.Time{}, nil
	}
	t, err := o.date("left_date", s)
	switch {
	case err != nil:
		return t, err
	case t.Year() > lastYear:
		return time.Time{}, nil
	case t.Year() < 1971:
		return time.Time{}, fmt.Errorf("left_date %q is outside 1971 to %d; write it like 2026-03-31, or leave it empty "+
			"for who is still there", s, lastYear)
	}
	return t, nil
}

// isNoDate recognizes the days of noDates, also with another order, separator or a time.
func isNoDate(s string) bool {
	s = withoutTime(strings.TrimSuffix(s, "Z"))
	if m := numericDate.FindStringSubmatch(s); m != nil {
		a, b := m[1], m[3]
		return slices.Contains(noDates, fmt.Sprintf("%s-%02s-%02s", m[5], a, b)) ||
			slices.Contains(noDates, fmt.Sprintf("%s-%02s-%02s", m[5], b, a))
	}
	return slices.Contains(noDates, strings.NewReplacer("/", "-", ".", "-").Replace(s))
}

// date reads a day. One that could mean two is refused, unless the other dates of the file say which is meant.
func (o dateOrders) date(column, s string) (time.Time, error) {
	day := withoutTime(s)
	for _, layout := range dateLayouts {
		for _, text := range []string{s, day} {
			if t, err := time.Parse(layout, text); err == nil {
				return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC), nil
			}
		}
	}
	if m := numericDate.FindStringSubmatch(day); m != nil && m[2] == m[4] {
		return o.numeric(column, s, m[2], atoi(m[1]), atoi(m[3]), atoi(m[5]))
	}
	switch {
	case serialDate.MatchString(s):
		days := atoi(s[:5])
		return time.Time{}, fmt.Errorf("%s %q is the number of a spreadsheet and not a date: %s, or %s where it counts "+
			"from 1904; "+
			"format the column as a date such as 2026-03-31",
			column, s, spreadsheetDay(1899, time.December, 30, days), spreadsheetDay(1904, time.January, 1, days))
	case shortYear.MatchString(day):
		return time.Time{}, fmt.Errorf("%s %q has a year of two digits; write it like 2026-03-31", column, s)
	}
	return time.Time{}, fmt.Errorf("%s %q is not a date; write it like 2026-03-31", column, s)
}

func spreadsheetDay(year int, month time.Month, day, days int) string {
	return time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func (o dateOrders) numeric(column, s, separator string, a, b, year int) (time.Time, error) {
	asDMY, okDMY := dayOf(year, b, a)
	asMDY, okMDY := dayOf(year, a, b)
	order := o[separator]
	switch {
	case okDMY && okMDY && !asDMY.Equal(asMDY):
		switch {
		case order.dayFirst && !order.monthFirst:
			return asDMY, nil
		case order.monthFirst && !order.dayFirst:
			return asMDY, nil
		}
		return time.Time{}, fmt.Errorf("%s %q could be %s or %s; write it as %s or %s", column, s,
			asDMY.Format("2 January"), asMDY.Format("2 January"), asDMY.Format(time.DateOnly), asMDY.Format(time.DateOnly))
	case okDMY:
		return asDMY, nil
	case okMDY:
		return asMDY, nil
	}
	return time.Time{}, fmt.Errorf("%s %q is not a day of the calendar; write it like 2026-03-31", column, s)
}

func dayOf(year, month, day int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, int(t.Month()) == month && t.Day() == day
}

// sortMemberships orders them by their start. A start that is not known sorts last, so that it never hides one that is.
func sortMemberships(all []Membership) {
	slices.SortStableFunc(all, func(a, b Membership) int {
		switch unknownA, unknownB := a.StartedOn.IsZero(), b.StartedOn.IsZero(); {
		case unknownA && !unknownB:
			return 1
		case unknownB && !unknownA:
			return -1
		}
		return a.StartedOn.Compare(b.StartedOn)
	})
}
