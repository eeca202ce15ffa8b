package merge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions/merge"
)

func TestThree(t *testing.T) {
	base := "a\nb\nc\nd\ne\n"
	for name, test := range map[string]struct {
		ours, base, theirs, want string // want "" is a conflict
	}{
		"only they changed":       {base, base, "a\nB\nc\nd\ne\n", "a\nB\nc\nd\ne\n"},
		"only we changed":         {"a\nB\nc\nd\ne\n", base, base, "a\nB\nc\nd\ne\n"},
		"different lines":         {"A\nb\nc\nd\ne\n", base, "a\nb\nc\nd\nE\n", "A\nb\nc\nd\nE\n"},
		"the same change":         {"a\nX\nc\nd\ne\n", base, "a\nX\nc\nd\ne\n", "a\nX\nc\nd\ne\n"},
		"the same line":           {"a\nX\nc\nd\ne\n", base, "a\nY\nc\nd\ne\n", ""},
		"both added to nothing":   {"x\n", "", "y\n", ""},
		"removed and changed":     {"a\n", "a\nb\n", "a\nB\n", ""},
		"no newline at the end":   {"a\nb", "a\nb", "A\nb", "A\nb"},
		"Windows line ends":       {"a\r\nb\r\nc\r\nd\r\n", "a\r\nb\r\nc\r\nd\r\n", "A\r\nb\r\nc\r\nd\r\n", "A\r\nb\r\nc\r\nd\r\n"},
		"what looks like markers": {"<<<<<<< x\nb\nc\nd\n", "<<<<<<< x\nb\nc\nd\n", "<<<<<<< x\nb\nc\nD\n", "<<<<<<< x\nb\nc\nD\n"},
	} {
		got, err := merge.Three(t.Context(), []byte(test.ours), []byte(test.base), []byte(test.theirs))
		var conflict *merge.ConflictError
		switch {
		case test.want == "" && !errors.As(err, &conflict):
			t.Errorf("%s: %q, %v, want a conflict", name, got, err)
		case test.want == "" && (conflict.Conflicts != 1 || !strings.Contains(string(conflict.Text), "|||||||") || got != nil):
			t.Errorf("%s: %+v, %q", name, conflict, got)
		case test.want != "" && (err != nil || string(got) != test.want):
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
	}
	if got, err := merge.Three(t.Context(), []byte("a\x00b"), []byte("a\x00"), []byte("\x00c")); err == nil {
		t.Errorf("a binary content was merged to %q", got)
	}
}
