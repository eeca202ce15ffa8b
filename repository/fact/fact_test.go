package fact

import (
	"errors"
	"strings"
	"testing"
)

func TestValue(t *testing.T) {
	var zero Value[bool]
	if _, known := zero.Get(); known {
		t.Error("the zero value is known")
	}
	for got, want := range map[string]string{
		Known(3, Location{"a.yml", 7}).String():                "3 (a.yml:7)",
		Known("", Location{}).String():                         "",
		Known(true, Location{Path: "a"}).String():              "true (a)",
		Unknown[int](Location{}, "%s is binary", "x").String(): "unknown: x is binary",
		Problem{Location{"a", 2}, "broken"}.String():           "a:2: broken",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestContain(t *testing.T) {
	cause := errors.New("cause")
	if err := Contain(func() error { return cause }); !errors.Is(err, cause) {
		t.Error(err)
	}
	var p *PanicError
	err := Contain(func() error { var list []int; return errors.New(string(rune(list[3]))) })
	if !errors.As(err, &p) || !strings.Contains(err.Error(), "index out of range") || len(p.Stack) == 0 || strings.Contains(err.Error(), "goroutine") {
		t.Error(err)
	}
}

func TestLine(t *testing.T) {
	for offset, want := range map[int]int{-1: 1, 0: 1, 1: 1, 2: 2, 4: 3, 99: 3} {
		if got := Line("a\nb\nc", offset); got != want {
			t.Errorf("%d: %d", offset, got)
		}
	}
}
