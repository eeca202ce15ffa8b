package form

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

var (
	breakTag = regexp.MustCompile(`(?i)<\s*/?\s*(br|p|div|li|tr)\b[^<>]*>`)
	tag      = regexp.MustCompile(`</?[A-Za-z][^<>]*>`)
	script   = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>`)
	gridRow  = regexp.MustCompile(`^(.*\S)\s*\[([^\[\]]+)\]$`)
)

// Clean returns a text of a form without HTML, with plain spaces, in one line: forms put markup, no-break spaces,
// invisible characters and line breaks into the texts of questions and options.
func Clean(text string) string {
	if strings.ContainsAny(text, "<&") {
		text = script.ReplaceAllString(text, " ")
		text = breakTag.ReplaceAllString(text, " ")
		text = tag.ReplaceAllString(text, "")
		text = html.UnescapeString(text)
		text = tag.ReplaceAllString(text, "") // markup that was escaped
	}
	plain := true
	for _, r := range text {
		if r > 0x7e || r < 0x20 {
			plain = false
			break
		}
	}
	if !plain {
		text = strings.Map(func(r rune) rune {
			switch {
			case unicode.IsSpace(r), r == '\u00a0':
				return ' '
			case unicode.Is(unicode.Cf, r), unicode.IsControl(r), r == '\ufffd':
				return -1
			}
			return r
		}, text)
	}
	if !strings.Contains(text, "  ") {
		return strings.TrimSpace(text)
	}
	return strings.Join(strings.Fields(text), " ")
}

var plainMarks = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "–", "-", "—", "-", "‑", "-")

// fold returns a header for comparison: lower case, plain quotes and dashes, no punctuation at its end.
func fold(text string) string {
	text = strings.ToLower(Clean(text))
	text = plainMarks.Replace(text)
	return strings.TrimRight(text, " .:?*!")
}

// Fold returns a text for comparison of two texts of questions or labels: letter case, kinds of quotes and dashes, and
// the punctuation at the end do not count.
func Fold(text string) string { return fold(text) }

// splitGrid splits "Question [Row]".
func splitGrid(header string) (question, row string) {
	if m := gridRow.FindStringSubmatch(header); m != nil {
		return strings.TrimSpace(m[1]), strings.TrimSpace(m[2])
	}
	return header, ""
}
