package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// OldestClickHouse is the oldest version of a ClickHouse server that is supported, by major and minor number: that of
// the oldest engine on which the tests of store, migrations, metrics and scorecards pass (@chdb/lib-linux-x64-gnu
// 26.7.3-stable.1, which is ClickHouse 26.7.2). They were run with DXCTL_LIBCHDB set to each published engine: 26.5.0,
// 26.5.2, 26.5.3 and 26.7.0-stable.1 lack functions of the library that the tests need.
const OldestClickHouse = "26.7"

// TooOldError says that a ClickHouse server is older than [OldestClickHouse].
type TooOldError struct {
	Address string
	Version string // of the server
}

func (e *TooOldError) Error() string {
	return fmt.Sprintf("opening the store at %s: its ClickHouse has version %s, and the oldest version that is "+
		"supported is %s: update the server, or use the embedded engine (store.dsn: embedded:./data)",
		e.Address, e.Version, OldestClickHouse)
}

// checkVersion returns a [TooOldError] for a server that is too old.
func (s *Store) checkVersion(ctx context.Context) error {
	var rows []struct {
		Version string `ch:"version"`
	}
	if err := s.Select(ctx, &rows, "SELECT version() AS version", nil); err != nil {
		return fmt.Errorf("asking the store at %s for its version: %w", s.address, err)
	}
	if tooOld(rows[0].Version) {
		return &TooOldError{Address: s.address, Version: rows[0].Version}
	}
	return nil
}

// tooOld compares major and minor numbers; a version that has none is let pass.
func tooOld(version string) bool {
	have, ok := majorMinor(version)
	oldest, _ := majorMinor(OldestClickHouse)
	return ok && (have[0] < oldest[0] || have[0] == oldest[0] && have[1] < oldest[1])
}

func majorMinor(version string) (numbers [2]int, ok bool) {
	words := strings.SplitN(version, ".", 3)
	if len(words) < 2 {
		return numbers, false
	}
	for i := range numbers {
		n, err := strconv.Atoi(words[i])
		if err != nil {
			return numbers, false
		}
		numbers[i] = n
	}
	return numbers, true
}
