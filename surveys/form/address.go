package form

import (
	"net/netip"
	"regexp"
	"strings"
)

var (
	emailPattern = regexp.MustCompile(`(?i)^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	emailInText  = regexp.MustCompile(`(?i)[\p{L}0-9._%+'-]+@[\p{L}0-9-]+(\.[\p{L}0-9-]+)+`)
	ipInText     = regexp.MustCompile(`[\p{L}\p{N}_:.%]+`) // whole words; those that are no address stay
)

// IsEmail reports whether a text is an e-mail address and nothing else.
func IsEmail(text string) bool {
	return len(text) < 255 && strings.ContainsRune(text, '@') && emailPattern.MatchString(strings.TrimSpace(text))
}

// IsAddress reports whether a text is the address of a person or a machine and nothing else.
func IsAddress(text string) bool {
	text = strings.TrimSpace(text)
	if len(text) < 3 || len(text) > 255 || !strings.ContainsAny(text, "@.:") {
		return false
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return IsEmail(text)
}

// HasAddress reports whether a text contains an address.
func HasAddress(text string) bool { return WithoutAddresses(text) != text }

// WithoutAddresses returns a text in which "[address removed]" stands in place of every address of a person or a
// machine.
func WithoutAddresses(text string) string {
	const removed = "[address removed]"
	if strings.ContainsRune(text, '@') {
		text = emailInText.ReplaceAllString(text, removed)
	}
	if strings.Count(text, ":") < 2 && strings.Count(text, ".") < 3 {
		return text
	}
	return ipInText.ReplaceAllStringFunc(text, func(found string) string {
		if !strings.ContainsAny(found, "0123456789") { // a::b is a name of a program
			return found
		}
		for _, address := range []string{strings.TrimRight(found, "."), strings.TrimRight(found, ".:")} {
			if _, err := netip.ParseAddr(address); err == nil {
				return removed + found[len(address):]
			}
		}
		return found
	})
}
