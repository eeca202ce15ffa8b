package descriptor

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Backstage's rules for names, as its own validation has them (catalog-model, KubernetesValidatorFunctions and
// CommonValidatorFunctions): https://backstage.io/docs/features/software-catalog/descriptor-format.
var (
	namePattern      = regexp.MustCompile(`^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`)
	namespacePattern = regexp.MustCompile(`^[a-z0-9]+(?:-+[a-z0-9]+)*$`)
	tagPattern       = regexp.MustCompile(`^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$`)
	kindPattern      = regexp.MustCompile(`^[a-zA-Z][a-z0-9A-Z]*$`)
	schemePattern    = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*$`)
)

const (
	maxName   = 63
	maxPrefix = 253
)

func validName(s string) bool      { return len(s) <= maxName && namePattern.MatchString(s) }
func validNamespace(s string) bool { return len(s) <= maxName && namespacePattern.MatchString(s) }
func validTag(s string) bool       { return len(s) <= maxName && tagPattern.MatchString(s) }

func validKind(s string) bool { return len(s) <= maxName && kindPattern.MatchString(s) }

// validLabel checks the value of a label: a name, or nothing.
func validLabel(s string) bool { return s == "" || validName(s) }

// validKey checks the key of an annotation or a label: a name, or a domain, a slash and a name.
func validKey(s string) bool {
	prefix, name, found := strings.Cut(s, "/")
	if !found {
		return validName(s)
	}
	return validPrefix(prefix) && validName(name)
}

// validPrefix checks a domain: parts with dots between them, of which each is a namespace.
func validPrefix(s string) bool {
	if len(s) > maxPrefix {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !validNamespace(part) {
			return false
		}
	}
	return true
}

// validURL checks what the class URL of JavaScript accepts: a scheme, and for those of the web a host.
func validURL(s string) bool {
	scheme, rest, found := strings.Cut(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), ":")
	if !found || !schemePattern.MatchString(scheme) {
		return false
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "ws", "wss", "ftp":
		authority := strings.TrimLeft(rest, `/\`)
		if i := strings.IndexAny(authority, `/\?#`); i >= 0 {
			authority = authority[:i]
		}
		return validHost(authority[strings.LastIndex(authority, "@")+1:])
	}
	return true
}

// validHost checks a host with or without a port.
func validHost(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ']'); strings.HasPrefix(s, "[") {
		address, err := netip.ParseAddr(strings.Trim(s[:i+1], "[]"))
		if err != nil || !address.Is6() || address.Zone() != "" {
			return false
		}
		host, port = "v6", s[i+1:]
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i:]
	}
	if port != "" && port != ":" {
		if _, err := strconv.ParseUint(strings.TrimPrefix(port, ":"), 10, 16); err != nil || port[0] != ':' {
			return false
		}
	}
	host, err := url.PathUnescape(host)
	if err != nil || host == "" || strings.ContainsAny(host, " #%/:<>?@[\\]^|") {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	if last := host[strings.LastIndexByte(host, '.')+1:]; strings.Trim(last, "0123456789") == "" && last != "" {
		_, err := netip.ParseAddr(host) // a number at the end makes it an address
		return err == nil
	}
	return true
}
