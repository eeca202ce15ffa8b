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
	{"JSON web token", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)},
	{"AWS access key", regexp.MustCompile(`\b(AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}\b`)},
	{"GitHub token", regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{20,})`)},
	{"GitLab token", regexp.MustCompile(`\bgl(pat|dt|rt|ptt|cbt|soat|oas|imt|agent|ft|ffct)-[0-9A-Za-z_.-]{16,}`)},
	{"Slack token", regexp.MustCompile(`\b(xox[a-z]|xapp|xoxe\.xox[bp])-[0-9A-Za-z-]{10,}`)},
	{"Slack webhook", regexp.MustCompile(`hooks\.slack\.com/(services|workflows|triggers)/\S{10,}`)},
	{"Stripe key", regexp.MustCompile(`\b[srp]k_(live|test)_[0-9A-Za-z]{10,}`)},
	{"private key", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)},
	{"Google API key", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{30,}`)},
	{"OpenAI key", regexp.MustCompile(`\bsk-(proj-)?[A-Za-z0-9_-]{20,}`)},
	{"password", regexp.MustCompile(`(?i)(password|passwd|passphrase|secret|token|(api|access|private)[_ -]?key)["']?\s*` +
		`[:=]\s*["']?[^\s"']{6,}`)},
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
