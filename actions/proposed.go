package actions

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// BranchPart is a text as a part of the name of a branch: letters, digits, hyphens and underscores. Different texts
// give different parts: a text in which something was replaced gets digits of its hash.
func BranchPart(text string) string {
	part := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, text)
	if part == text {
		return part
	}
	sum := sha256.Sum256([]byte(text))
	return part + "-" + hex.EncodeToString(sum[:4])
}

var backticks = regexp.MustCompile("`+")

// InlineCode is a text as inline code of Markdown on one line, from which no Markdown gets out and which mentions
// nobody: its fence is longer than the longest run of backticks in it. It is empty for a text with nothing to show.
func InlineCode(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	longest := 0
	for _, run := range backticks.FindAllString(text, -1) {
		longest = max(longest, len(run))
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}
