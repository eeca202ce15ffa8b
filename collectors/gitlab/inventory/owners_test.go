package inventory

import (
	"fmt"
	"testing"
)

func TestDefaultOwners(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "[]",
		"* @a @b/c\n":                         "[@a @b/c]",
		"* @a\n* @b\n":                        "[@b]",
		"/docs @a\n":                          "[]",
		"\ufeff* @a # who\n":                  "[@a]",
		"[Docs] @w\n*.md\n[Code] @core\n*\n":  "[@core]",
		"* @first\n[Code] @core\n* @second\n": "[@first]",
		"* @@maintainer me@acme.example\n":    "[me@acme.example]",
		"[Code\n* @a\n":                       "[@a]",
	} {
		if got := fmt.Sprint(defaultOwners(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
