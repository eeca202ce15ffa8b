package spelling_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/spelling"
)

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		word  string
		known []string
		want  string
	}{
		{"sorces", []string{"server", "sources", "store"}, "sources"},
		{"Sources", []string{"server", "sources"}, "sources"},
		{"ci_success_rate", []string{"ci.success_rate", "ci_success"}, "ci.success_rate"},
		{"success_rate", []string{"deploys", "ci.success_rate"}, "ci.success_rate"},
		{"pay", []string{"checkout", "payment-service"}, "payment-service"},
		{"to", []string{"from", "token"}, ""},
		{"xy", []string{"ab"}, ""},
		{"quite-another", []string{"checkout", "payment-service"}, ""},
		{"дом", []string{"том", "кот"}, "том"},
		{"", []string{"a"}, ""},
		{"word", nil, ""},
		{strings.Repeat("a", 101), []string{strings.Repeat("a", 100)}, ""},
	} {
		if got := spelling.Nearest(c.word, c.known); got != c.want {
			t.Errorf("Nearest(%q, %q) = %q, want %q", c.word, c.known, got, c.want)
		}
	}
}

func TestHint(t *testing.T) {
	many := make([]string, 25)
	for i := range many {
		many[i] = fmt.Sprintf("service-%02d", i)
	}
	for word, c := range map[string]struct {
		known []string
		want  string
	}{
		"sorces":  {[]string{"sources", "store"}, ` (did you mean "sources"?)`},
		"unknown": {[]string{"sources", "store"}, " (known: sources, store)"},
		"nothing": {nil, ""},
		"zzzzzz":  {many, " (known: " + strings.Join(many[:20], ", ") + " and 5 more)"},
	} {
		if got := spelling.Hint(word, c.known); got != c.want {
			t.Errorf("Hint(%q) = %q, want %q", word, got, c.want)
		}
	}
}
