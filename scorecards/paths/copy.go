package paths

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing/fstest"

	"go.yaml.in/yaml/v3"
)

// Copy returns the files of a golden path under another name: all that it is read from, its tests, and the documents
// next to path.yaml. A path without tests gets one, with sample answers. description is a path.yaml to use in place of
// the path's own; nil: none. The error may be that the rest does not go with it.
func (p *Path) Copy(name string, description []byte) (Tree, error) {
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
	copied := p
	if description == nil {
		description = renamed(r.found[DescriptionFile].data, name)
	} else if copied, err = p.described(r.found, name, description); err != nil {
		return nil, err
	}
	var tree Tree
	tests := false
	for path, f := range r.found {
		if path == DescriptionFile {
			f.data = description
		}
		tests = tests || strings.HasPrefix(path, TestsDir+"/")
		tree = append(tree, File{Path: path, Content: f.data, Executable: f.executable, Mode: Once})
	}
	if samples, without := copied.Samples(); !tests && len(without) == 0 {
		data, err := yaml.Marshal(samples)
		if err != nil {
			return nil, fmt.Errorf("writing sample answers: %w", err)
		}
		tree = append(tree, File{Path: TestsDir + "/create/answers.yaml", Content: data, Mode: Once})
	}
	slices.SortFunc(tree, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return tree, nil
}

// described returns the golden path that files are with another path.yaml.
func (p *Path) described(files contents, name string, description []byte) (*Path, error) {
	all := fstest.MapFS{DescriptionFile: {Data: description}}
	for path, f := range files {
		if path != DescriptionFile {
			all[path] = &fstest.MapFile{Data: f.data}
		}
	}
	return Load(all, Origin{Kind: FromDirectory, Location: name})
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
