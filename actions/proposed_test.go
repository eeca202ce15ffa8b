package actions_test

import (
	"testing"

	"github.com/dxctl/dxctl/actions"
)

func TestBranchPart(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"svc-a", "svc/a", "svc a", "svc.a", "Svc-a", "svc_a", "ü", "é"} {
		part := actions.BranchPart(text)
		if other, taken := seen[part]; taken {
			t.Errorf("%q and %q are both %s", text, other, part)
		}
		seen[part] = text
	}
	if part := actions.BranchPart("svc-a"); part != "svc-a" {
		t.Errorf("a text that needs no change is %s", part)
	}
}

func TestInlineCode(t *testing.T) {
	for text, want := range map[string]string{
		"@all": "`@all`", "a\n\n## b": "`a ## b`", "a `b` c": "``a `b` c``", "`a`": "`` `a` ``", "a```b": "````a```b````", " \n": "",
	} {
		if got := actions.InlineCode(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
