package setup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// target is the directory that is written to. Every file is opened below it, also where a link leads elsewhere.
type target struct{ root *os.Root }

// checkNew returns an error if dir has a configuration already.
func checkNew(dir string) error {
	_, err := os.Lstat(filepath.Join(dir, configurationFile))
	switch {
	case err == nil:
		return fmt.Errorf("%s exists in %s, and dxctl init never overwrites a file; nothing was written. Edit it, or write "+
			"to another directory with --dir DIR", configurationFile, dir)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("looking for %s: %w", configurationFile, err)
	}
	return nil
}

// dataDir returns the name of the directory for the data, which is not the one that `dxctl demo` has filled.
func dataDir(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, "data", configurationFile)); err == nil {
		return "dxctl-data"
	}
	return "data"
}

// write writes the proposal. dx.yaml is last: where it exists, everything else does. A file that exists is kept.
func write(dir string, p proposal, result *Result) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("creating the directory for the configuration: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the directory for the configuration: %w", err)
	}
	defer func() { _ = root.Close() }()
	t := &target{root}
	added, err := t.ignore([]string{"/" + peopleFile, "/" + p.dataDir + "/", "/collected/"})
	if err != nil {
		return err
	}
	if len(added) > 0 {
		result.Files = append(result.Files, FileResult{ignoreFile, "appended", strings.Join(added, ", ")})
	}
	if err := t.create(peopleFile, p.people, 0o600, peopleDetail(p), result); err != nil {
		return err
	}
	if len(p.descriptors) > 0 {
		if err := root.Mkdir(descriptorDir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("creating the directory of the descriptors: %w", err)
		}
	}
	for _, d := range p.descriptors {
		if err := t.create(d.file, d.text, 0o644, d.detail, result); err != nil {
			return err
		}
	}
	return t.create(configurationFile, p.configuration, 0o644, "the configuration", result)
}

func peopleDetail(p proposal) string {
	if p.persons == 0 {
		return "no members are shown"
	}
	return fmt.Sprintf("%d without a start date: fill in start_date", p.persons)
}

// create writes a file that does not exist; one that does is kept.
func (t *target) create(name, text string, mode fs.FileMode, detail string, result *Result) error {
	f, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		result.Files = append(result.Files, FileResult{name, "kept", "it exists; remove it and " + configurationFile +
			", and run dxctl init again, to have it proposed"})
		return nil
	}
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	result.Files = append(result.Files, FileResult{name, "written", detail})
	return nil
}

// ignore appends the lines to .gitignore that it lacks, and returns them. What is there is kept. It is written also
// where there is no git repository yet: people.csv must not become a part of the first commit.
func (t *target) ignore(lines []string) (added []string, err error) {
	f, err := t.root.OpenFile(ignoreFile, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", ignoreFile, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", ignoreFile, err)
	}
	var have []string
	for line := range strings.Lines(string(text)) {
		have = append(have, strings.Trim(strings.TrimSpace(line), "/"))
	}
	for _, line := range lines {
		if !slices.Contains(have, strings.Trim(line, "/")) {
			added = append(added, line)
		}
	}
	if len(added) == 0 {
		return nil, nil
	}
	more := "# dxctl: personal data, and what it stores\n" + strings.Join(added, "\n") + "\n"
	if len(text) > 0 && text[len(text)-1] != '\n' {
		more = "\n" + more
	}
	if _, err := f.WriteString(more); err != nil {
		return nil, fmt.Errorf("writing %s: %w", ignoreFile, err)
	}
	return added, nil
}
