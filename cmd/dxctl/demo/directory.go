package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"
)

// mark is the file that marks a directory as created by the demo.
const mark = "demo-organization.txt"

// Write writes dx.yaml and the files that it names, the catalog and the people, to dir. It refuses a directory that has
// files but was not created by the demo, so that real data is never mixed with synthetic data.
func (o *Organization) Write(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the directory of the demo: %w", err)
	}
	made := slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.Name() == mark || e.Name() == "demo-organisation.txt" // of an earlier version
	})
	if len(entries) > 0 && !made {
		return fmt.Errorf("%s contains files that are not from the demo; choose another directory with "+
			"--data (make demo DATA=…)", dir)
	}
	settings, err := yaml.Marshal(map[string]any{
		"store":        map[string]string{"dsn": "embedded:./clickhouse"},
		"server":       map[string]string{"addr": "127.0.0.1:8080"},
		"catalog":      map[string]any{"files": []string{"catalog/*.yaml"}},
		"people":       map[string]any{"files": []string{"people.csv"}},
		"scorecards":   map[string]any{"files": []string{"scorecards/*.yaml"}},
		"paths":        pathSection(),
		"actions":      map[string]any{"checkouts": []string{"repositories"}},
		"environments": o.environments(),
		"demo":         true,
	})
	if err != nil {
		return err
	}
	files := map[string][]byte{
		mark: []byte("`dxctl demo` created this directory. All of its data is synthetic; you can delete it.\n"),
		"dx.yaml": append(
			[]byte("# The configuration of the demo organization. README.md describes each section.\n"),
			settings...),
		"people.csv": o.peopleCSV(),
	}
	for name, text := range o.catalogFiles() {
		files[filepath.Join("catalog", name)] = text
	}
	waivers, err := o.waiverFiles()
	if err != nil {
		return err
	}
	for name, text := range waivers {
		files[filepath.Join("waivers", name)] = text
	}
	files[filepath.Join("campaigns", "goals.yaml")] = o.campaignFile()
	cards, err := o.scorecardFiles()
	if err != nil {
		return err
	}
	for name, text := range cards {
		files[filepath.Join("scorecards", name)] = text
	}
	for _, s := range o.Surveys() {
		files[filepath.Join("surveys", s.ID+".yaml")] = s.definition()
	}
	// Those of another version have other files.
	for _, old := range []string{
		"catalog", "waivers", "campaigns", "scorecards", "surveys", "golden-paths", "repositories",
	} {
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			return fmt.Errorf("removing the files of the demo: %w", err)
		}
	}
	for name, text := range files {
		if err := writeFile(filepath.Join(dir, name), text, false); err != nil {
			return fmt.Errorf("writing the files of the demo: %w", err)
		}
	}
	if err := o.writePath(dir); err != nil {
		return fmt.Errorf("writing the golden path of the demo: %w", err)
	}
	return nil
}

func writeFile(name string, text []byte, executable bool) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	mode := os.FileMode(0o600)
	if executable {
		mode = 0o700
	}
	return os.WriteFile(name, text, mode)
}
