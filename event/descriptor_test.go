package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

func TestDescriptorValidate(t *testing.T) {
	good := event.Descriptor{Source: "gh", Provider: "github", Scope: "acme/shop", Location: "catalog-info.yaml"}
	for _, tc := range []struct {
		name string
		edit func(*event.Descriptor)
		want string // in the error; empty: none
	}{
		{"gone", func(*event.Descriptor) {}, ""},
		{"full", func(d *event.Descriptor) { d.Document, d.Revision, d.ObservedAt = "a: b", "1", time.Unix(1e9, 0) }, ""},
		{"no source", func(d *event.Descriptor) { d.Source = "" }, "no source"},
		{"no provider", func(d *event.Descriptor) { d.Provider = "" }, "no provider"},
		{"no scope", func(d *event.Descriptor) { d.Scope = "" }, "no scope"},
		{"no location", func(d *event.Descriptor) { d.Location = "" }, "no location"},
		{"a broken clock", func(d *event.Descriptor) { d.ObservedAt = time.Unix(1e12, 0) }, "observed_at"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := good
			tc.edit(&d)
			err := d.Validate()
			if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
