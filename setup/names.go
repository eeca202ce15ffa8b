package setup

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors/source"
)

// mostName is how many characters Backstage allows in a name.
const mostName = 63

var notName = regexp.MustCompile(`[^a-z0-9._-]+`)

// entityName returns a text as Backstage accepts it as a name, in lower case. It is empty where nothing is left of it.
func entityName(text string) string {
	name := notName.ReplaceAllString(strings.ToLower(text), "-")
	name = strings.Trim(name, "-._")
	return strings.TrimRight(name[:min(len(name), mostName)], "-._")
}

// entityNames gives each repository a name of its own, the end of its path: of two with the same name, the later one
// has its groups before it.
func entityNames(repositories []source.Repository) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	for _, r := range repositories {
		name := entityName(path.Base(r.Path))
		if name == "" || taken[name] {
			name = entityName(strings.ReplaceAll(r.Path, "/", "-"))
		}
		if name == "" {
			name = "repository-" + entityName(r.ID)
		}
		for n, base := 2, name; taken[name]; n++ {
			suffix := fmt.Sprintf("-%d", n)
			name = base[:min(len(base), mostName-len(suffix))] + suffix
		}
		taken[name] = true
		names[r.Path] = name
	}
	return names
}

// codeowner is an owner as CODEOWNERS names it.
type codeowner struct {
	written string // @acme/payments
	ref     string // group:payments; empty: it cannot be an owner in the catalog, as an address cannot
}

func (o codeowner) isTeam() bool { return strings.HasPrefix(o.ref, "group:") }

// chooseOwner returns the owner that CODEOWNERS names, a team if possible; the zero codeowner if none can be one in the
// catalog. others are the owners that are left. people are the logins of members where users and groups are written
// alike, as at GitLab; nil: a name without a slash is a user.
func chooseOwner(owners []string, people map[string]bool) (chosen codeowner, others []string) {
	for _, written := range owners {
		if o := parseOwner(written, people); o.ref != "" && (chosen.ref == "" || o.isTeam() && !chosen.isTeam()) {
			chosen = o
		}
	}
	for _, written := range owners {
		if written != chosen.written {
			others = append(others, written)
		}
	}
	return chosen, others
}

func parseOwner(written string, people map[string]bool) codeowner {
	o := codeowner{written: written}
	name, isName := strings.CutPrefix(written, "@")
	if !isName || strings.Contains(name, "@") {
		return o
	}
	kind := "group:"
	if !strings.Contains(name, "/") && (people == nil || people[strings.ToLower(name)]) {
		kind = "user:"
	}
	if name = entityName(path.Base(name)); name != "" {
		o.ref = kind + name
	}
	return o
}

// scalar is a text as a YAML value on one line.
func scalar(text string) string {
	out, err := yaml.Marshal(oneLine(text))
	line := strings.TrimSuffix(string(out), "\n")
	if err != nil || strings.Contains(line, "\n") {
		quoted, _ := json.Marshal(oneLine(text)) // a text always has one; YAML reads what JSON writes
		return string(quoted)
	}
	return line
}

// oneLine replaces what is not printable, or breaks a line, by spaces: no text of a source may end a comment or a
// value.
func oneLine(text string) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == '\u2028' || c == '\u2029' || c == unicode.ReplacementChar {
			return ' '
		}
		return c
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
