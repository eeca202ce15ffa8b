package archive

import (
	"reflect"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/surveys"
)

// The size of a body does not tell how long a comment is.
func TestBodiesArePadded(t *testing.T) {
	size := func(comment string) int {
		in := body{
			Items:     []surveys.Item{{Key: "why", Kind: surveys.Comment}},
			Groups:    []surveys.Groups{{Team: "cards"}},
			Responses: []bodyResponse{{Ratings: []surveys.Point{-1}, Comments: map[int]string{0: comment}}},
		}
		stored, err := encode(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := decode(stored)
		if err != nil || !reflect.DeepEqual(in, out) {
			t.Errorf("%+v became %+v, %v", in, out, err)
		}
		if strings.Contains(stored, "cards") {
			t.Error("the body is readable")
		}
		return len(stored)
	}
	if short, long := size("no"), size(strings.Repeat("abcdefgh ", 500)); short != long || short%block != 0 {
		t.Errorf("sizes %d and %d", short, long)
	}
	for _, damaged := range []string{"", "\x00", strings.Repeat("\xff", 20), strings.Repeat("\x00", 20)} {
		if _, err := decode(damaged); err == nil {
			t.Errorf("%q was read", damaged)
		}
	}
}
