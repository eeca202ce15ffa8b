package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/surveys/form"
)

// TestExportWithoutRowsWritesNoMap: a file that is cut off in its header does not stand in the way of the whole one.
func TestExportWithoutRowsWritesNoMap(t *testing.T) {
	a, _ := newReminding(t, newChat(t))
	const header = "Timestamp,Builds are fast"
	preview := func(text string) error {
		t.Helper()
		export, err := form.Read("q3.csv", []byte(text), form.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.ImportSurvey(t.Context(), SurveyImport{ID: "2026-Q3", Export: export})
		return err
	}
	if err := preview(header); err == nil || !strings.Contains(err.Error(), "it is cut off, or nobody has answered") {
		t.Errorf("a header alone: %v", err)
	}
	cut := header + ",Why?\n2026/09/20 1:00:00 PM,4\x00,x\n"
	if err := preview(cut); err == nil || !strings.Contains(err.Error(), "no row can be read, so that no map is "+
		"written: 1 row is refused; line 2, column B: ") {
		t.Errorf("a row that cannot be read: %v", err)
	}
	if _, err := os.Stat(filepath.Join(a.SurveyDir(), "2026-Q3.yaml")); !os.IsNotExist(err) {
		t.Errorf("a map was written: %v", err)
	}
	if err := preview(header + ",Why?\n2026/09/20 1:00:00 PM,4,tests\n2026/09/21 1:00:00 PM,5,\n"); err != nil {
		t.Errorf("the whole file: %v", err)
	}
}
