package event

import "strings"

// Lower returns a scope or the name of an environment as the views compare it: with ASCII letters in lower case. Other
// letters keep their case, because ClickHouse's lower() leaves them, too.
func Lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
