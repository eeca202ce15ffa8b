package form

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text  string
		order Order
		zone  *time.Location
		want  string // RFC 3339 in UTC; empty: an error
	}{
		{"2026/09/20 10:00:00 AM", Unknown, nil, "2026-09-20T10:00:00Z"},
		{"2026/09/20 12:00:00 AM GMT+3", Unknown, berlin, "2026-09-19T21:00:00Z"},
		{"2026/09/20 12:30:00 pm GMT-5:30", Unknown, nil, "2026-09-20T18:00:00Z"},
		{"2026/09/20 1:05:09 p.m. MESZ", Unknown, nil, "2026-09-20T11:05:09Z"},
		{"5/10/2026 09:15:00", DayFirst, nil, "2026-10-05T09:15:00Z"},
		{"5/10/2026 09:15:00", MonthFirst, nil, "2026-05-10T09:15:00Z"},
		{"13/10/2026 09:15", Unknown, berlin, "2026-10-13T07:15:00Z"},
		{"10/13/26 9:15", Unknown, nil, "2026-10-13T09:15:00Z"},
		{"20.09.2026 10:15:00", Unknown, nil, "2026-09-20T10:15:00Z"},
		{"05.10.2026, 10:15", MonthFirst, nil, "2026-10-05T10:15:00Z"},
		{"2026-09-20T10:15:00.123Z", Unknown, berlin, "2026-09-20T10:15:00Z"},
		{"2026-09-20T10:15:00+02:00", Unknown, nil, "2026-09-20T08:15:00Z"},
		{"2026-09-20\u00a010:15", Unknown, berlin, "2026-09-20T08:15:00Z"},
		{"2026-09-20", Unknown, nil, "2026-09-20T00:00:00Z"},
		{"Sep 20, 2026 10:15 PM", Unknown, nil, "2026-09-20T22:15:00Z"},
		{"Sunday, September 20, 2026 10:15 AM", Unknown, nil, "2026-09-20T10:15:00Z"},
		{"20 Sept 2026 10:15", Unknown, nil, "2026-09-20T10:15:00Z"},
		{"2026/9/20 下午3:04:05", Unknown, nil, "2026-09-20T15:04:05Z"},
		{"2026/9/20 上午 12:04", Unknown, nil, "2026-09-20T00:04:00Z"},
		{"2026. 9. 20 오후 3:04:05", Unknown, nil, "2026-09-20T15:04:05Z"},
		{"2026/09/20 午前9:04:05 GMT+9", Unknown, nil, "2026-09-20T00:04:05Z"},
		{"2026. 09. 20. 15:04:05", Unknown, nil, "2026-09-20T15:04:05Z"},
		{"20.9.2026 klo 15.04.05", Unknown, nil, "2026-09-20T15:04:05Z"},
		{"20/09/2026 15.04", DayFirst, nil, "2026-09-20T15:04:00Z"},
		{"20/9/2026 3:04:05 μ.μ.", Unknown, nil, "2026-09-20T15:04:05Z"},
		{"20/9/2026 12:04 π.μ.", Unknown, nil, "2026-09-20T00:04:00Z"},
		{"2026/09/20 3:04:05 p. m. GMT-5", Unknown, nil, "2026-09-20T20:04:05Z"},
		{"46285.4270833333", Unknown, nil, "2026-09-20T10:15:00Z"},
		{"46285.4270833333", Unknown, berlin, "2026-09-20T08:15:00Z"},
		{"", Unknown, nil, ""},
		{"yesterday", Unknown, nil, ""},
		{"4", Unknown, nil, ""},
		{"NaN", Unknown, nil, ""},
		{"2026-13-20 10:00", Unknown, nil, ""},
		{"31/2/2026 10:00", Unknown, nil, ""},
		{"13/10/2026", MonthFirst, nil, ""},
		{"2026-09-20 25:00", Unknown, nil, ""},
		{"2026-09-20 13:00 PM", Unknown, nil, ""},
		{"2026-09-20 10:00 XYZ", Unknown, nil, ""},
		{"40/40/2026", Unknown, nil, ""},
	} {
		got, err := Clock{Order: c.order, Zone: c.zone}.Time(c.text)
		if text := got.Format(time.RFC3339); (err == nil) != (c.want != "") || err == nil && text != c.want {
			t.Errorf("%q in order %d, zone %v: %s, %v; want %q", c.text, c.order, c.zone, text, err, c.want)
		}
	}
}

func TestOrderOf(t *testing.T) {
	for _, c := range []struct {
		name    string
		texts   []string
		want    Order
		unclear string
		err     bool
	}{
		{"a day above 12 decides", []string{"5/10/2026 9:00", "13/10/2026 9:00"}, DayFirst, "", false},
		{"a second part above 12 decides", []string{"9/10/2026 9:00", "9/20/2026 9:00"}, MonthFirst, "", false},
		{"dots decide", []string{"05.10.2026"}, DayFirst, "", false},
		{"nothing decides", []string{"9/9/2026", "5/10/2026 09:15:00"}, Unknown, "5/10/2026 09:15:00", false},
		{"equal parts are clear", []string{"9/9/2026"}, Unknown, "", false},
		{"year first is clear", []string{"2026/09/10"}, Unknown, "", false},
		{"both", []string{"13/10/2026", "10/13/2026"}, DayFirst, "", true},
		{"what is no date does not count", []string{"x", ""}, Unknown, "", false},
	} {
		got, unclear, err := OrderOf(c.texts)
		if got != c.want || unclear != c.unclear || (err != nil) != c.err {
			t.Errorf("%s: %d, %q, %v", c.name, got, unclear, err)
		}
	}
}
