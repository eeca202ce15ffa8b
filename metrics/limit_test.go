package metrics_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/store/storetest"
)

func TestSeriesAreBounded(t *testing.T) {
	s := storetest.Open(t)
	engine, err := metrics.New(s, func() time.Time { return time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		bucket   metrics.Grouping
		from, to time.Time
		want     string // part of the error; "" for none
	}{
		{metrics.Day, day(2016, 1, 1), day(2026, 1, 1), ""},
		{metrics.Day, day(1970, 1, 1), time.Time{}, "larger bucket"},
		{metrics.Week, day(1970, 1, 1), time.Time{}, ""},
		{metrics.Week, day(1900, 1, 1), day(2261, 1, 1), "at most 4000"},
		{metrics.Month, day(1900, 1, 1), day(2199, 1, 1), ""},
		{metrics.Month, day(1500, 1, 1), day(9999, 12, 31), "narrow the window"},
	} {
		series, err := engine.DeploymentFrequency(
			t.Context(),
			metrics.DeployQuery{Bucket: tt.bucket, Window: metrics.Window{From: tt.from, To: tt.to}},
		)
		var limit *metrics.LimitError
		if (tt.want == "") != (err == nil) ||
			tt.want != "" && (!errors.As(err, &limit) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf(
				"%s from %s to %s: %d buckets, error %v, want %q",
				tt.bucket,
				tt.from,
				tt.to,
				len(series.Buckets),
				err,
				tt.want,
			)
		}
		if len(series.Buckets) > metrics.MaxBuckets+2 {
			t.Errorf("%s from %s to %s: %d buckets", tt.bucket, tt.from, tt.to, len(series.Buckets))
		}
	}
	if _, err := engine.CISeries(
		t.Context(),
		"component:default/x",
		metrics.Window{From: day(1900, 1, 1), To: day(2261, 1, 1)},
	); err == nil {
		t.Error("a series of CI weeks has no bound")
	}
}
