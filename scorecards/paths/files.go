package paths

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dxctl/dxctl/repository/pathlock"
)

// Mode is who owns a file after it was rendered.
type Mode = pathlock.Mode

// The modes.
const (
	Once    = pathlock.Once
	Managed = pathlock.Managed
	Merge   = pathlock.Merge
	Block   = pathlock.Block
)

// Fix is what makes a rule pass: files of the template, or an edit that dxctl knows.
type Fix struct {
	Rule  string
	Files []string       // of the rendered tree
	Edit  string         // name of an edit; "" with Files only
	With  map[string]any // settings of the edit
	Line  int            // of files.yaml
}

// Command is what is left to do after a service was created: what cannot be known when the path is written, such as
// the versions of dependencies. It is shown, and never run by dxctl.
type Command struct {
	Run  string `json:"run"`
	Why  string `json:"why"`
	Line int    `json:"-"` // of files.yaml
}

// pattern says the mode of the files that match a glob.
type pattern struct {
	glob string
	mode Mode
	line int
}

// Action is a GitHub action that templates use.
type Action struct {
	Name   string // owner/name, or owner/name/directory
	Tag    string
	Commit string // full hash, that Tag named
	Line   int    // of actions.yaml
}

const (
	maxPatterns = 500
	maxFixes    = 500
	maxActions  = 200
	maxCommands = 20
)

type writtenFiles struct {
	Modes []struct {
		Path string `yaml:"path"`
		Mode Mode   `yaml:"mode"`
	} `yaml:"modes"`
	Fixes []struct {
		Rule  string         `yaml:"rule"`
		Files []string       `yaml:"files"`
		Edit  string         `yaml:"edit"`
		With  map[string]any `yaml:"with"`
	} `yaml:"fixes"`
	Commands []struct {
		Run string `yaml:"run"`
		Why string `yaml:"why"`
	} `yaml:"commands"`
}

// rulePattern is that of the id of a rule.
var rulePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// files reads files.yaml.
func (l *loader) files() {
	var w writtenFiles
	d, ok := l.decode(FilesFile, &w)
	if !ok {
		return
	}
	if len(w.Modes) > maxPatterns || len(w.Fixes) > maxFixes {
		d.fail("", "%d modes and %d fixes; at most %d and %d are supported", len(w.Modes), len(w.Fixes), maxPatterns,
			maxFixes)
		return
	}
	words := make([]string, len(pathlock.Modes))
	for i, m := range pathlock.Modes {
		words[i] = string(m)
	}
	for i, m := range w.Modes {
		at := fmt.Sprintf("modes[%d]", i)
		if m.Path == "" || !doublestar.ValidatePattern(m.Path) || strings.HasPrefix(m.Path, "/") {
			d.fail(at+".path", "path %.80q is no pattern of files, such as .github/workflows/*.yml or docs/**", m.Path)
		}
		if !slices.Contains(words, string(m.Mode)) {
			d.fail(at+".mode", "mode %.80q is not one of %s%s", m.Mode, strings.Join(words, ", "),
				nearHint(string(m.Mode), words))
		}
		line, _ := d.where.Place(at)
		l.p.patterns = append(l.p.patterns, pattern{m.Path, m.Mode, line})
	}
	for i, f := range w.Fixes {
		at := fmt.Sprintf("fixes[%d]", i)
		if !rulePattern.MatchString(f.Rule) {
			d.fail(at+".rule", "rule %.80q is not the id of a rule, such as security-policy", f.Rule)
		}
		if len(f.Files) == 0 && f.Edit == "" {
			d.fail(at, "the fix does nothing; write files: [SECURITY.md], or edit: with the name of an edit")
		}
		for j, name := range f.Files {
			if err := pathlock.CheckPath(name); err != nil {
				d.fail(fmt.Sprintf("%s.files[%d]", at, j), "file %.200q %v", name, err)
			}
		}
		line, _ := d.where.Place(at)
		l.p.Fixes = append(l.p.Fixes, Fix{Rule: f.Rule, Files: f.Files, Edit: f.Edit, With: f.With, Line: line})
	}
	if len(w.Commands) > maxCommands {
		d.fail("commands", "%d commands; at most %d are supported", len(w.Commands), maxCommands)
		return
	}
	for i, c := range w.Commands {
		at := fmt.Sprintf("commands[%d]", i)
		for key, text := range map[string]string{"run": c.Run, "why": c.Why} {
			if strings.TrimSpace(text) == "" || len(text) > MaxAnswer || strings.ContainsFunc(text, unicode.IsControl) {
				d.fail(at+"."+key, "%s is missing, has a line break or is longer than %d bytes; write one line, such as "+
					"{run: make lock, why: Resolve the versions of the dependencies.}", key, MaxAnswer)
			}
		}
		line, _ := d.where.Place(at)
		l.p.Commands = append(l.p.Commands, Command{Run: c.Run, Why: c.Why, Line: line})
	}
}

var (
	actionPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(/[A-Za-z0-9_./-]+)?$`)
	commitPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)
	tagPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/+-]{0,100}$`)
)

// actions reads actions.yaml.
func (l *loader) actions() {
	var w struct {
		Actions []struct {
			Name   string `yaml:"name"`
			Tag    string `yaml:"tag"`
			Commit string `yaml:"commit"`
		} `yaml:"actions"`
	}
	d, ok := l.decode(ActionsFile, &w)
	if !ok {
		return
	}
	if len(w.Actions) > maxActions {
		d.fail("actions", "%d actions; at most %d are supported", len(w.Actions), maxActions)
		return
	}
	seen := map[string]bool{}
	for i, a := range w.Actions {
		at := fmt.Sprintf("actions[%d]", i)
		if !actionPattern.MatchString(a.Name) || strings.Contains(a.Name, "..") {
			d.fail(at+".name", "name %.80q is not that of an action, such as actions/checkout", a.Name)
		}
		version := strings.ToLower(a.Name) + "@" + a.Tag
		if seen[version] {
			d.fail(at+".name", "action %s is listed twice with tag %s", a.Name, a.Tag)
		}
		seen[version] = true
		if !tagPattern.MatchString(a.Tag) {
			d.fail(at+".tag", "tag %.80q is not that of a release, such as v4.2.2", a.Tag)
		}
		if !commitPattern.MatchString(a.Commit) {
			d.fail(at+".commit", "commit %.80q is not the full hash of a commit: 40 hexadecimal digits. `git ls-remote` of the "+
				"action's repository prints the one that the tag names", a.Commit)
		}
		line, _ := d.where.Place(at)
		l.p.Actions = append(l.p.Actions, Action{Name: a.Name, Tag: a.Tag, Commit: a.Commit, Line: line})
	}
}

// ModeOf returns the mode of a file: that of the last pattern in files.yaml that matches it, or Once.
func (p *Path) ModeOf(name string) Mode {
	mode := Once
	for _, m := range p.patterns {
		if ok, err := doublestar.Match(m.glob, name); ok && err == nil {
			mode = m.mode
		}
	}
	return mode
}

// FixesOf returns the fixes of a rule, in the order of files.yaml.
func (p *Path) FixesOf(rule string) []Fix {
	var fixes []Fix
	for _, f := range p.Fixes {
		if f.Rule == rule {
			f.With = maps.Clone(f.With)
			fixes = append(fixes, f)
		}
	}
	return fixes
}
