package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/dxctl/dxctl/files"
)

// Two hundred proposed descriptors without an owner must not print two hundred lines; what is lost is always named.
func TestTheSameWarningAboutManyFiles(t *testing.T) {
	var warnings []files.Warning
	for i := range 6 {
		file := fmt.Sprintf("catalog/%d.yaml", i)
		warnings = append(warnings, files.Warning{File: file, Line: 11, Message: "no owner"},
			files.Warning{File: file, Line: 1, Message: "not YAML", Lost: true})
	}
	warnings = append(warnings, files.Warning{File: "a", Message: "other"}, files.Warning{File: "b", Message: "other"})
	var same, lost []string
	for _, w := range FirstWarnings(warnings) {
		if w.Lost {
			lost = append(lost, w.String())
			continue
		}
		same = append(same, w.String())
	}
	want := []string{"catalog/0.yaml:11: no owner", "catalog/1.yaml:11: no owner", "catalog/2.yaml:11: no owner",
		"3 more files: no owner", "a: other", "b: other"}
	if !slices.Equal(same, want) || len(lost) != 6 {
		t.Errorf("got %q and %d lost, want %q and 6", same, len(lost), want)
	}
}
