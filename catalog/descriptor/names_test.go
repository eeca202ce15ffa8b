package descriptor

import (
	"strings"
	"testing"
)

func TestNamesAsBackstageValidatesThem(t *testing.T) {
	long := strings.Repeat("a", 63)
	for name, tt := range map[string]struct {
		valid    func(string) bool
		yes, no_ []string
	}{
		"name":      {validName, []string{"a", "A1", "a--b", "a__b", "a.-_b", "1", long}, []string{"", "-a", "a-", "a b", "ä", long + "a", "a/b"}},
		"namespace": {validNamespace, []string{"a", "a--b", "1-2", long}, []string{"", "A", "a_b", "a.b", "-a", "a-", long + "a"}},
		"tag":       {validTag, []string{"go", "c++", "c#", "a:b", "a-b"}, []string{"", "Go", "a--b", "a b", "a_b"}},
		"key":       {validKey, []string{"a", "a.b/c", "a--b.c/d__e", "x/A"}, []string{"", "/a", "a/", "A/b", "a/b/c", "a_b/c", "a..b/c", strings.Repeat("a.", 127) + "/b"}},
		"label":     {validLabel, []string{"", "a", "A_b"}, []string{"-", "a b"}},
	} {
		for _, s := range tt.yes {
			if !tt.valid(s) {
				t.Errorf("%s %q is refused", name, s)
			}
		}
		for _, s := range tt.no_ {
			if tt.valid(s) {
				t.Errorf("%s %q is taken", name, s)
			}
		}
	}
}
