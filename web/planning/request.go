// Package planning answers what edited scorecards would change, for those who have only a token: the files come in the
// request, and the plan in the answer. Nothing is stored. The files may come from a pull request of somebody unknown,
// so everything about them is bounded, and their names are shown and never opened.
package planning

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dxctl/dxctl/repository/yamlfile"
	"github.com/dxctl/dxctl/scorecards"
	"go.yaml.in/yaml/v3"
)

// Path is where plans are asked for, with a POST.
const Path = "/api/v1/rules/plan"

// Version of Request.
const Version = 1

// Bounds of a request: in bytes, files and characters.
const (
	MaxBody  = 6 << 20
	MaxText  = 2 << 20 // of all files together, those of the base included
	MaxFiles = 200     // those of the base included
	maxName  = 300
)

// Bounds of what the files of a request have together, with aliases of YAML expanded.
const (
	maxScorecards = 100
	maxRules      = 2_000
)

// Request is a set of edited scorecards.
type Request struct {
	Version int    `json:"version"`
	Files   []File `json:"files"`
	Base    *Base  `json:"base,omitempty"`  // what they are compared with; absent: what the server grades by
	Since   string `json:"since,omitempty"` // the first past day, or how many days; "": the present only
	Until   string `json:"until,omitempty"` // the last past day; "": today
}

// Base replaces scorecards that the server grades by, before the edited ones are compared with them.
type Base struct {
	Name string `json:"name"` // as shown to people, such as "revision origin/main"
	// Files are scorecards before the edit. One of them that the edited files lack is planned as a removed one.
	Files []File `json:"files"`
}

// File is a file of scorecards. Its name is shown in places of mistakes.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Decode reads a request and checks everything that needs no YAML to be parsed.
func Decode(body []byte) (Request, error) {
	var r Request
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return r, fmt.Errorf("the body is not a request for a plan: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return r, errors.New("the body has more than one JSON document; send one")
	}
	return r, r.check()
}

func (r Request) check() error {
	if r.Version != Version {
		return fmt.Errorf("version %d of the request is not supported; send version %d", r.Version, Version)
	}
	if len(r.Files) == 0 {
		return errors.New("files: there are none; send at least one scorecard")
	}
	files := r.Files
	if r.Base != nil {
		if len(r.Base.Files) == 0 {
			return errors.New("base.files: there are none; leave base out to compare with what the server grades by")
		}
		if !printable(r.Base.Name) {
			return fmt.Errorf("base.name: write 1 to %d printable characters", maxName)
		}
		if err := unique(r.Base.Files); err != nil {
			return fmt.Errorf("base.files: %w", err)
		}
		files = slices.Concat(files, r.Base.Files)
	}
	if err := unique(r.Files); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if len(files) > MaxFiles {
		return fmt.Errorf("there are %d files; at most %d are planned at once", len(files), MaxFiles)
	}
	size := 0
	for _, f := range files {
		size += len(f.Text)
	}
	if size > MaxText {
		return fmt.Errorf("the files have %d bytes; at most %d are planned at once", size, MaxText)
	}
	return nil
}

// unique checks the names of files.
func unique(files []File) error {
	seen := map[string]bool{}
	for i, f := range files {
		switch {
		case !printable(f.Name) || path.IsAbs(f.Name) || path.Clean(f.Name) != f.Name || strings.Contains(f.Name, `\`) ||
			f.Name == "." || f.Name == ".." || strings.HasPrefix(f.Name, "../"):
			return fmt.Errorf("name %d is not a relative path such as scorecards/delivery.yaml", i+1)
		case seen[f.Name]:
			return fmt.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

func printable(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) })
}

// Bounds parses the YAML of the files and returns what is beyond the bounds: the size of documents with aliases
// expanded, the number of scorecards and of rules. Other mistakes are for the loader of scorecards to report.
func (r Request) Bounds() error {
	files := r.Files
	if r.Base != nil {
		files = slices.Concat(files, r.Base.Files)
	}
	cards, rules := 0, 0
	for _, f := range files {
		docs, err := yamlfile.Parse(f.Text)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		cards += len(docs)
		for _, d := range docs {
			if list := yamlfile.Get(d.Root, "rules"); list != nil && list.Kind == yaml.SequenceNode {
				rules += len(list.Content)
			}
		}
		if cards > maxScorecards || rules > maxRules {
			return fmt.Errorf("%s: up to here, the files have %d scorecards with %d rules; at most %d and %d are planned at "+
				"once", f.Name, cards, rules, maxScorecards, maxRules)
		}
	}
	return nil
}

// Scorecards returns files as the loader of scorecards takes them.
func Scorecards(files []File) []scorecards.File {
	all := make([]scorecards.File, len(files))
	for i, f := range files {
		all[i] = scorecards.File{Name: f.Name, Data: []byte(f.Text)}
	}
	return all
}
