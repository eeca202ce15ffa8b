package listing

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
)

// instantLayout is how GitLab takes times in queries.
const instantLayout = "2006-01-02T15:04:05.000Z"

// updatesQuery asks for what was updated after a time, oldest update first.
func updatesQuery(base string, after time.Time, number int) string {
	if base != "" {
		base += "&"
	}
	return fmt.Sprintf(
		"%sorder_by=updated_at&sort=asc&updated_after=%s&per_page=%d&page=%d",
		base,
		after.UTC().Format(instantLayout),
		PerPage,
		number,
	)
}

func lowest[T Record](records []T) int64 {
	var low int64
	for i, r := range records {
		if i == 0 || r.Key() < low {
			low = r.Key()
		}
	}
	return low
}

func newestUpdate[T Record](latest time.Time, records []T) time.Time {
	for _, r := range records {
		latest = source.Latest(latest, r.Updated())
	}
	return latest
}

// older reports whether a stored id comes before id. What is no number is none of GitLab's listing.
func older(stored string, id int64) bool {
	n, err := strconv.ParseInt(stored, 10, 64)
	return err == nil && n < id
}

// touched returns the records that were updated since the cursor, and those without a time of update.
func touched[T Record](records []T, cursor time.Time) []T {
	kept := make([]T, 0, len(records))
	for _, r := range records {
		if !r.Updated().Before(cursor.Add(-Overlap)) || r.Updated().Equal(r.Created()) {
			kept = append(kept, r)
		}
	}
	return kept
}

// WithID returns the records that have an id, and logs how many have none. stream names them in the log.
func WithID[T Record](b *source.Base, stream string, records []T) []T {
	kept := slices.DeleteFunc(records, func(r T) bool { return r.Key() <= 0 })
	if n := len(records) - len(kept); n > 0 {
		b.LeftOut(stream+" without an id", n)
	}
	return kept
}
