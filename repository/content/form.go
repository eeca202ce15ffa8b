package content

import (
	"regexp"
	"strings"
)

// written are forms of secrets that the files of a repository often have for tests and examples, so that they are not
// reported there, and that no text which dxctl writes needs.
var written = []struct {
	form    string
	pattern *regexp.Regexp
}{
	{"address with a password", regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@`)},
	{"JSON web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.`)},
	{"Google API key", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{30,}`)},
	{"OpenAI key", regexp.MustCompile(`\bsk-(proj-)?[A-Za-z0-9_-]{20,}`)},
	{"password", regexp.MustCompile(`(?i)\b(password|passwd|secret|token|api[_-]?key)\s*[:=]\s*\S{6,}`)},
}

// SecretForm returns the form of a well-known secret that a text contains, such as "GitHub token", or "". Unlike the
// reading of files it does not leave out made-up ones: a text that dxctl is about to write need not look like one.
func SecretForm(text string) string {
	for _, form := range forms {
		for marker := range strings.SplitSeq(form.markers, ",") {
			if strings.Contains(text, marker) && (form.pattern.MatchString(text) || form.form == "private key") {
				return form.form
			}
		}
	}
	for _, form := range written {
		if form.pattern.MatchString(text) {
			return form.form
		}
	}
	return ""
}
