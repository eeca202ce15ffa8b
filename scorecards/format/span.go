package format

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// units of a span of time.
var units = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

var spanPattern = regexp.MustCompile(`^([0-9]{1,6})([mhdw])$`)

// ParseSpan reads a number of minutes, hours, days or weeks, such as 30d. A day has 24 hours.
func ParseSpan(text string) (time.Duration, error) {
	found := spanPattern.FindStringSubmatch(strings.TrimSpace(text))
	if found == nil {
		return 0, fmt.Errorf("%q is not a span of time; write a number and m, h, d or w, such as 30d", text)
	}
	n, err := strconv.Atoi(found[1])
	span := time.Duration(n) * units[found[2]]
	if err != nil || n == 0 || span > 100*365*24*time.Hour {
		return 0, fmt.Errorf("%q is not a span from 1 minute to 100 years, such as 30d", text)
	}
	return span, nil
}

// ParseDate reads a day in UTC, such as 2027-02-01.
func ParseDate(text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a day; write year-month-day, such as 2027-02-01", text)
	}
	return day, nil
}

// Limit is a comparison: "<= 10".
type Limit struct {
	Operator string // one of < <= > >= == !=
	Operand  string // CEL
	Offset   int    // of Operand in the text, in bytes
}

var limitPattern = regexp.MustCompile(`^\s*(<=|>=|==|!=|<|>)\s*`)

// ParseLimit reads an operator and the value that it compares with.
func ParseLimit(text string) (Limit, error) {
	found := limitPattern.FindStringSubmatch(text)
	if found == nil || strings.TrimSpace(text[len(found[0]):]) == "" {
		return Limit{}, fmt.Errorf("%q is not a comparison; write an operator (<, <=, >, >=, ==, !=) and a value, such as "+
			`"<= 10"`, text)
	}
	return Limit{Operator: found[1], Operand: text[len(found[0]):], Offset: len(found[0])}, nil
}
