package form

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Order is the order of day and month in dates such as 5/10/2026.
type Order int

// Orders.
const (
	Unknown Order = iota
	DayFirst
	MonthFirst
)

// Clock reads the times of a column. Texts without a zone are in Zone.
type Clock struct {
	Order Order
	Zone  *time.Location
	// From1904 is set if the numbers of a workbook count from 1904-01-01, as Excel for Mac had them.
	From1904 bool
}

// stamp is a time as it was written.
type stamp struct {
	first, second, year int // the first two are day and month in an order that is not known, unless iso
	iso                 bool
	dotted              bool // 20.09.2026: day first everywhere
	hour, minute, sec   int
	zone                *time.Location // nil: none is written
	serial              time.Time      // of a workbook; zero: text
}

var (
	datePart = regexp.MustCompile(`^(\d{1,4})([-/.])(\d{1,2})([-/.])(\d{1,4})(?:[,T]?\s*(.*))?$`)
	wordDate = regexp.MustCompile(`(?i)^(?:[a-z]{3,9},?\s+)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+(.*))?$`)
	dayWord  = regexp.MustCompile(`(?i)^(?:[a-z]{3,9},?\s+)?(\d{1,2})\.?[\s-]([a-z]{3,9})\.?,?[\s-](\d{4})(?:,?\s+(.*))?$`)
	timePart = regexp.MustCompile(`(?i)^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?\s?m\.?)?\s*(.*)$`)
	zonePart = regexp.MustCompile(`(?i)^(?:\(?(?:gmt|utc)\)?)?\s*([+-−])(\d{1,2})(?::?(\d{2}))?$`)
)

// zones are abbreviations that mean one thing, with their offset from UTC in minutes.
var zones = map[string]int{
	"Z": 0, "GMT": 0, "UTC": 0, "WEZ": 0, "WET": 0, "CET": 60, "MEZ": 60, "CEST": 120, "MESZ": 120, "EET": 120, "OEZ": 120,
	"EEST": 180, "OESZ": 180, "BST": 60, "WEST": 60, "EDT": -240, "CDT": -300, "MDT": -360, "PDT": -420, "PST": -480,
	"MST": -420, "EST": -300, "JST": 540, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}

// parseStamp reads a time without deciding which of its numbers is the day.
func parseStamp(text string) (stamp, error) {
	text = plainTime(Clean(text))
	if at, ok := serialTime(text); ok {
		return stamp{serial: at}, nil
	}
	s, rest, ok := parseDate(text)
	if !ok {
		return stamp{}, fmt.Errorf("%q is not a date and time, such as 2026-09-20 10:00", shorten(text))
	}
	if rest == "" {
		return s, nil
	}
	m := timePart.FindStringSubmatch(rest)
	if m == nil {
		return stamp{}, fmt.Errorf("%q has a time that is not hours and minutes, such as 10:00 or 10:00:00 AM", shorten(text))
	}
	s.hour, s.minute, s.sec = number(m[1]), number(m[2]), number(m[3])
	half := strings.ToLower(strings.NewReplacer(".", "", " ", "").Replace(m[4]))
	if half != "" {
		if s.hour < 1 || s.hour > 12 {
			return stamp{}, fmt.Errorf("%q has the hour %d with %s", shorten(text), s.hour, m[4])
		}
		s.hour %= 12
		if half == "pm" {
			s.hour += 12
		}
	}
	if s.hour > 23 || s.minute > 59 || s.sec > 60 {
		return stamp{}, fmt.Errorf("%q has a time that does not exist", shorten(text))
	}
	if s.zone, ok = parseZone(m[5]); !ok {
		return stamp{}, fmt.Errorf("%q has the time zone %q, which is not known; write it as GMT+3, or set time_zone and "+
			"remove it", shorten(text), shorten(m[5]))
	}
	return s, nil
}

var (
	halfBefore = regexp.MustCompile(`(上午|下午|午前|午後|오전|오후)\s*(\d{1,2}[:：]\d{2}(?:[:：]\d{2})?)`)
	halfGreek  = regexp.MustCompile(`(?i)(\d)\s*([πμ])\.?\s?μ\.?`)
	dotDate    = regexp.MustCompile(`^(\d{4})\.\s?(\d{1,2})\.\s?(\d{1,2})\.?\s`)
	dotTime    = regexp.MustCompile(`\s(?:klo\s|kl\.?\s)?(\d{1,2})\.(\d{2})(?:\.(\d{2}))?$`)
)

// plainTime writes a time of other languages as the others are: "2026. 9. 20 오후 3:04:05", "20.9.2026 klo 15.04.05",
// "20/9/2026 3:04:05 μ.μ.".
func plainTime(text string) string {
	if len(text) > 60 {
		return text
	}
	text = dotDate.ReplaceAllString(text, "$1-$2-$3 ")
	text = dotTime.ReplaceAllStringFunc(text, func(at string) string {
		m := dotTime.FindStringSubmatch(at)
		return " " + strings.TrimRight(strings.Join(m[1:], ":"), ":")
	})
	if m := halfBefore.FindStringSubmatch(text); m != nil {
		half := "AM"
		if slices.Contains([]string{"下午", "午後", "오후"}, m[1]) {
			half = "PM"
		}
		return strings.Replace(text, m[0], m[2]+" "+half, 1)
	}
	if m := halfGreek.FindStringSubmatch(text); m != nil {
		half := " AM"
		if strings.EqualFold(m[2], "μ") {
			half = " PM"
		}
		return strings.Replace(text, m[0], m[1]+half, 1)
	}
	return text
}

func parseDate(text string) (s stamp, rest string, ok bool) {
	if m := datePart.FindStringSubmatch(text); m != nil && m[2] == m[4] {
		a, b, c := number(m[1]), number(m[3]), number(m[5])
		switch {
		case len(m[1]) == 4 && len(m[5]) <= 2:
			return stamp{first: c, second: b, year: a, iso: true}, m[6], b >= 1 && b <= 12 && c >= 1 && c <= 31
		case len(m[1]) <= 2 && (len(m[5]) == 4 || len(m[5]) == 2):
			if len(m[5]) == 2 {
				c += 2000
			}
			valid := a >= 1 && b >= 1 && a <= 31 && b <= 31 && (a <= 12 || b <= 12)
			return stamp{first: a, second: b, year: c, dotted: m[2] == "."}, m[6], valid
		}
		return stamp{}, "", false
	}
	if m := wordDate.FindStringSubmatch(text); m != nil {
		month, day := month(m[1]), number(m[2])
		return stamp{first: day, second: month, year: number(m[3]), iso: true}, m[4], month > 0 && day >= 1 && day <= 31
	}
	if m := dayWord.FindStringSubmatch(text); m != nil {
		day, month := number(m[1]), month(m[2])
		return stamp{first: day, second: month, year: number(m[3]), iso: true}, m[4], month > 0 && day >= 1 && day <= 31
	}
	return stamp{}, "", false
}

func month(name string) int {
	if len(name) < 3 {
		return 0
	}
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(name, m.String()[:min(len(name), len(m.String()))]) || strings.EqualFold(name, "sept") &&
			m == time.September {
			return int(m)
		}
	}
	return 0
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // the pattern has made sure; empty: 0
	return n
}

func parseZone(text string) (zone *time.Location, ok bool) {
	text = strings.Trim(strings.TrimSpace(text), "()")
	if text == "" {
		return nil, true
	}
	if minutes, known := zones[strings.ToUpper(text)]; known {
		return time.FixedZone(text, minutes*60), true
	}
	m := zonePart.FindStringSubmatch(text)
	if m == nil {
		if strings.Contains(text, "/") {
			if zone, err := time.LoadLocation(text); err == nil {
				return zone, true
			}
		}
		return nil, false
	}
	offset := number(m[2])*3600 + number(m[3])*60
	if offset > 14*3600 {
		return nil, false
	}
	if m[1] != "+" {
		offset = -offset
	}
	return time.FixedZone(text, offset), true
}

// OrderOf returns the order of day and month in the times of a column. One date with a part above 12, or with dots,
// decides. err names the first two dates that contradict each other; unclear is the first date that can be read in two
// ways if nothing decides.
func OrderOf(texts []string) (order Order, unclear string, err error) {
	decided := ""
	for _, text := range texts {
		s, parseErr := parseStamp(text)
		if parseErr != nil || s.iso || !s.serial.IsZero() {
			continue
		}
		this := Unknown
		switch {
		case s.dotted, s.first > 12:
			this = DayFirst
		case s.second > 12:
			this = MonthFirst
		case s.first != s.second && unclear == "":
			unclear = Clean(text)
		}
		switch {
		case this == Unknown:
		case order == Unknown:
			order, decided = this, Clean(text)
		case order != this:
			return order, "", fmt.Errorf("the dates %q and %q have day and month in different order", decided, Clean(text))
		}
	}
	if order != Unknown {
		unclear = ""
	}
	return order, unclear, nil
}

// Time returns the time that a text says, in UTC.
func (c Clock) Time(text string) (time.Time, error) {
	s, err := parseStamp(text)
	if err != nil {
		return time.Time{}, err
	}
	zone := c.Zone
	if zone == nil {
		zone = time.UTC
	}
	if !s.serial.IsZero() {
		t := s.serial
		if c.From1904 {
			t = t.AddDate(0, 0, 1462)
		}
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone).UTC(), nil
	}
	day, month := s.first, s.second
	if !s.iso && !s.dotted && (c.Order == MonthFirst || c.Order == Unknown && s.second > 12) {
		day, month = month, day
	}
	if s.zone != nil {
		zone = s.zone
	}
	at := time.Date(s.year, time.Month(month), day, s.hour, s.minute, s.sec, 0, zone)
	if month > 12 || at.Day() != day && s.hour < 23 {
		return time.Time{}, fmt.Errorf("%q is a date that does not exist", Clean(text))
	}
	return at.UTC(), nil
}
