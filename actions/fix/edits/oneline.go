package edits

import (
	"strings"
	"unicode"
)

// OneLine returns a text that somebody else wrote as one line of at most so many characters, without what is not seen:
// such as control characters, and those that change the direction of writing.
func OneLine(text string, most int) string {
	var b strings.Builder
	count, space := 0, false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			continue
		}
		if count >= most {
			return b.String() + "…"
		}
		if space {
			b.WriteByte(' ')
			count++
			space = false
		}
		b.WriteRune(r)
		count++
	}
	return b.String()
}
