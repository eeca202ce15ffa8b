package metrics

import (
	"fmt"
	"time"
)

// MaxBuckets is how many buckets a series may have: ten years of days.
const MaxBuckets = 4000

// MaxCohorts is how many cohorts an answer may have.
const MaxCohorts = MaxBuckets

// MaxCurvePoints is how many points the curves of an answer's cohorts have together, in addition to the first and the
// last of each; the curve of all subjects has at most as many.
const MaxCurvePoints = 4000

// LimitError says that an answer would be larger than any reader can use.
type LimitError struct {
	Buckets int // that the answer would have
	Bucket  Grouping
	Window  Window
	Cohorts bool // the buckets are cohorts
}

func (e *LimitError) Error() string {
	if e.Cohorts {
		return fmt.Sprintf("there are %d cohorts by %s; an answer has at most %d: form other cohorts or narrow the window "+
			"of the starts",
			e.Buckets, e.Bucket, MaxCohorts)
	}
	advice := "narrow the window"
	if e.Bucket == Day || e.Bucket == Week {
		advice = "use a larger bucket or narrow the window"
	}
	return fmt.Sprintf(
		"from %s to %s there are %d buckets of a %s; a series has at most %d: %s",
		e.Window.From.Format(time.DateOnly),
		e.Window.To.Format(time.DateOnly),
		e.Buckets,
		e.Bucket,
		MaxBuckets,
		advice,
	)
}

// limit returns a *LimitError when the window has too many buckets.
func (c coverage) limit(by Grouping) error {
	days := int64(1)
	switch by {
	case Week:
		days = 7
	case Month:
		days = 28
	}
	// In seconds, because a time.Duration ends after 292 years.
	if n := (c.To.Unix() - c.From.Unix()) / (days * 24 * 60 * 60); n > MaxBuckets {
		return &LimitError{Buckets: int(n), Bucket: by, Window: c.Window}
	}
	return nil
}
