package paths

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Copy returns the files of a golden path under another name: all that it is read from, its tests, and the documents
// next to path.yaml. A path without tests gets one, with sample answers.
func (p *Path) Copy(name string) (Tree, error) {
	if !namePattern.MatchString(name) || len(name) > 63 {
		return nil, fmt.Errorf("name %.80q is not lower-case letters, digits and single hyphens, at most 63, such as "+
			"payment-service", name)
	}
	r := reader{fsys: p.fsys, found: contents{}, folded: map[string]string{}}
	entries, err := fs.ReadDir(p.fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("copying golden path %s: %w", p.Name, cause(err))
	}
	for _, e := range entries {
		switch {
		case slices.Contains([]string{TemplateDir, ScorecardsDir, TestsDir}, e.Name()):
			err = r.dir(e.Name(), e)
		case e.Type().IsRegular() && !strings.HasPrefix(e.Name(), "."):
			err = r.file(e.Name(), e, MaxFileBytes)
		}
		if err != nil {
			return nil, fmt.Errorf("copying golden path %s: %w", p.Name, err)
		}
	}
	var tree Tree
	tests := false
	for path, f := range r.found {
		if path == DescriptionFile {
			f.data = renamed(f.data, name)
		}
		tests = tests || strings.HasPrefix(path, TestsDir+"/")
		tree = append(tree, File{Path: path, Content: f.data, Executable: f.executable, Mode: Once})
	}
	if samples, without := p.Samples(); !tests && len(without) == 0 {
		data, err := yaml.Marshal(samples)
		if err != nil {
			return nil, fmt.Errorf("writing sample answers: %w", err)
		}
		tree = append(tree, File{Path: TestsDir + "/create/answers.yaml", Content: data, Mode: Once})
	}
	slices.SortFunc(tree, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return tree, nil
}

var (
	nameLine = regexp.MustCompile(`(?m)^name:.*$`)
	copyLine = regexp.MustCompile(`(?m)^# .*dxctl path new.*\n`)
)

// renamed returns path.yaml with another name: the one that its line has, or a new first line.
func renamed(data []byte, name string) []byte {
	data = copyLine.ReplaceAll(data, nil)
	if nameLine.Match(data) {
		return nameLine.ReplaceAll(data, []byte("name: "+name))
	}
	return append([]byte("name: "+name+"\n"), bytes.TrimPrefix(data, []byte("\ufeff"))...)
}
