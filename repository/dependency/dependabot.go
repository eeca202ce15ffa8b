package dependency

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Dependabot is the configuration of Dependabot.
type Dependabot struct {
	Path    string
	Updates []Update
}

// Update is an entry of "updates".
type Update struct {
	Ecosystem   Ecosystem
	Directories []string // as they are written: "/", "/apps/*", "**/*"
	Interval    string
	At          fact.Location
	// Disabled is whether the entry opens no pull requests for new versions: its limit is 0.
	Disabled bool
}

func readDependabot(t *tree.Tree) fact.Value[*Dependabot] {
	f, found := t.First(".github/dependabot.yml", ".github/dependabot.yaml")
	if !found {
		return tree.Absent[*Dependabot](t, nil)
	}
	at := fact.Location{Path: f.Path}
	var d *Dependabot
	err := fact.Contain(func() error {
		text, err := t.Text(f)
		if err == nil {
			d, err = ParseDependabot(f.Path, text)
		}
		return err
	})
	if err != nil {
		return fact.Unknown[*Dependabot](at, "%v", err)
	}
	return fact.Known(d, at)
}

// ParseDependabot reads a configuration of Dependabot.
func ParseDependabot(file, text string) (*Dependabot, error) {
	root, err := yamlfile.One(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d := &Dependabot{Path: file}
	for _, n := range yamlfile.Items(yamlfile.Get(root, "updates")) {
		u := Update{
			Ecosystem:   Ecosystem(yamlfile.Text(yamlfile.Get(n, "package-ecosystem"))),
			Directories: yamlfile.Texts(yamlfile.Get(n, "directories")),
			Interval:    yamlfile.Text(yamlfile.Get(n, "schedule", "interval")),
			At:          fact.Location{Path: file, Line: n.Line},
		}
		u.Directories = append(u.Directories, yamlfile.Texts(yamlfile.Get(n, "directory"))...)
		if limit, ok := yamlfile.Int(yamlfile.Get(n, "open-pull-requests-limit")); ok && limit == 0 {
			u.Disabled = true
		}
		d.Updates = append(d.Updates, u)
	}
	return d, nil
}

// same has the ecosystems of Dependabot that read manifests of another one's name.
var same = map[Ecosystem]Ecosystem{
	"uv": "pip", "bun": "npm", "opentofu": "terraform", "rust-toolchain": "", "dotnet-sdk": "",
}

// Reads returns the ecosystem whose manifests an entry reads; "" if it is none of those that are recognized.
func (u Update) Reads() Ecosystem {
	if other, ok := same[u.Ecosystem]; ok {
		return other
	}
	return u.Ecosystem
}

// covers reports whether an entry updates a manifest.
func (u Update) covers(m Manifest) bool {
	name := u.Reads()
	if name != m.Ecosystem || u.Disabled {
		return false
	}
	if name == "github-actions" {
		return true // "/" is .github/workflows
	}
	return slices.ContainsFunc(u.Directories, func(d string) bool {
		d = strings.Trim(path.Clean("/"+d), "/")
		return globDir(d, dirOf(m.Path)) || m.Ecosystem.Modular() && (d == "" || tree.Under(m.Path, d))
	})
}

// Modular reports whether the manifest of a directory names the modules below it, which Dependabot follows.
func (e Ecosystem) Modular() bool { return e == "maven" || e == "gradle" || e == "nuget" }

func dirOf(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}

// globDir matches a directory with a pattern in which "**" is any number of directories, also none.
func globDir(pattern, dir string) bool {
	if pattern == dir || pattern == "**" || pattern == "**/*" {
		return true
	}
	ok, err := doublestar.Match(pattern, dir)
	return ok && err == nil
}
