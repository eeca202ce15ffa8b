package store

import (
	"strings"
	"testing"
)

func TestTooOld(t *testing.T) {
	for version, want := range map[string]bool{
		"24.8.1.2": true, "25.12.1.1": true, "26.5.1.1": true, "26.6.9.9": true, "26.7.1.1": false, "26.7.2.1": false, "26.10.1.1": false, "27.1.1.1": false, "unknown": false, "": false,
	} {
		if got := tooOld(version); got != want {
			t.Errorf("%q is too old: %t, want %t", version, got, want)
		}
	}
	err := (&TooOldError{Address: "db:9000", Version: "25.8.1.2"}).Error()
	for _, want := range []string{"db:9000", "25.8.1.2", OldestClickHouse, "update the server"} {
		if !strings.Contains(err, want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}
