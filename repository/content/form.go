package content

import "strings"

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
	return ""
}
