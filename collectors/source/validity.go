package source

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var days = regexp.MustCompile(`^[0-9]{1,5}d$`)

// ParseValidity parses how long a fact is valid: days such as 90d, or a Go duration such as 12h30m.
func ParseValidity(text string) (time.Duration, error) {
	var valid time.Duration
	if days.MatchString(text) {
		n, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
		if err != nil {
			return 0, err
		}
		valid = time.Duration(n) * 24 * time.Hour
	} else {
		var err error
		if valid, err = time.ParseDuration(text); err != nil {
			return 0, fmt.Errorf("%.40q is not a duration; use the form 90d or 12h", text)
		}
	}
	if valid <= 0 || valid > 36500*24*time.Hour {
		return 0, fmt.Errorf("%.40q is not between a moment and 100 years", text)
	}
	return valid, nil
}
