package people

import (
	"strings"
	"testing"
	"time"
)

func TestLeftDates(t *testing.T) {
	for _, s := range []string{
		"", "-", "–", "n/a", "N/A", "null", "present", "Current", "unbefristet", "9999-12-31", "31.12.9999", "12/31/9999", "31/12/9999", "2999-12-31", "31/12/4712", "9999-12-31T00:00:00",
		"9999-12-31 23:59:59", "31-Dec-9999", "99991231", "1900-01-00", "00/01/1900", "0000-00-00", "0001-01-01T00:00:00Z", "0000-00-00 00:00:00",
	} {
		if got, err := (dateOrders{}).leftDate(s); err != nil || !got.IsZero() {
			t.Errorf("%q is %v, %v; want no end", s, got, err)
		}
	}
	for s, want := range map[string]string{
		"2026-03-31": "2026-03-31", "2099-12-31": "2099-12-31", "31.03.2026": "2026-03-31", "3/31/2026 12:00:00 AM": "2026-03-31", "31/03/2026 00:00": "2026-03-31", "31-MAR-2026": "2026-03-31",
		"20260331": "2026-03-31", "2026-03-31T22:00:00.000Z": "2026-03-31", "2026-03-31T00:00:00+02:00": "2026-03-31", "2026-03-31 00:00:00.000": "2026-03-31", "05.05.2026": "2026-05-05",
	} {
		if got, err := (dateOrders{}).leftDate(s); err != nil || got.Format(time.DateOnly) != want {
			t.Errorf("%q is %v, %v; want %s", s, got, err, want)
		}
	}
	for s, cause := range map[string]string{
		"45383": "the number of a spreadsheet and not a date: 2024-04-01, or 2028-04-02", "45383.5": "the number of a spreadsheet", "31/03/26": "a year of two digits", "1-Jan-26": "a year of two digits",
		"soon": "is not a date", "31.02.2026": "is not a day of the calendar", "03/04/2026": "could be 3 April or 4 March", "1770000000": "is not a date", "1960-01-01": "is outside", "unknown": "is not a date", "1.2-2026": "is not a date",
	} {
		if got, err := (dateOrders{}).leftDate(s); err == nil || !strings.Contains(err.Error(), cause) {
			t.Errorf("%q is %v, %v; want %q", s, got, err, cause)
		}
	}
}

func TestStartDates(t *testing.T) {
	for _, s := range []string{"", "-", "n/a", "1900-01-01", "1/0/1900", "1899-12-30", "0001-01-01"} {
		if got, err := (dateOrders{}).startDate(s); err != nil || !got.IsZero() {
			t.Errorf("%q is %v, %v; want not known", s, got, err)
		}
	}
	for _, s := range []string{"9999-12-31", "2999-12-31", "present", "1960-01-01"} {
		if got, err := (dateOrders{}).startDate(s); err == nil {
			t.Errorf("%q is %v; want an error", s, got)
		}
	}
}

// The dates of a file that can mean one day only decide those that could mean two, for each separator by itself.
func TestOrderOfDayAndMonth(t *testing.T) {
	o := dateOrders{}
	for _, s := range []string{"07/28/2025", "28-12-2025", "13.01.2026", "01.13.2026", "05/05/2025"} {
		o.learn(s)
	}
	for s, want := range map[string]string{"03/04/2026": "2026-03-04", "03-04-2026": "2026-04-03", "03.04.2026": "", "3/4/2026 0:00": "2026-03-04"} {
		got, err := o.startDate(s)
		if (want == "") != (err != nil) || want != "" && got.Format(time.DateOnly) != want {
			t.Errorf("%q is %v, %v; want %q", s, got, err, want)
		}
	}
}
