package stream

import (
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/source"
)

func TestHowFarBackIsRead(t *testing.T) {
	early := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	late := early.AddDate(1, 0, 0)
	for _, tc := range []struct {
		name                    string
		configured, asked, want time.Time
	}{
		{"everything", time.Time{}, time.Time{}, time.Time{}},
		{"as configured", late, time.Time{}, late},
		{"as the run asks", time.Time{}, late, late},
		{"further back than configured", late, early, early},
		{"not less far back than configured", early, late, early},
	} {
		w := collecttest.NewWriter()
		w.From = tc.asked
		r := New(source.Options{}.Base(mapping.Profile, "gh"), nil, "acme/shop", tc.configured, w)
		if !r.Since.Equal(tc.want) {
			t.Errorf("%s: reads back to %s, want %s", tc.name, r.Since, tc.want)
		}
	}
}
