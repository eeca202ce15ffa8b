// Package edits has what dxctl can change in a repository so that a rule passes: one edit per rule, each as small as it
// can be. An edit looks at files and returns files; it opens no connection, starts no program and writes nothing.
//
// An edit changes only what it can decide from the repository and from the settings of the golden path. Everything else
// is asked: with its place, and what a person has to decide. An edit that has nothing to change changes nothing, so
// every edit can run again.
package edits

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/fact"
)

// Action is a commit of a GitHub action.
type Action struct {
	Name   string // "actions/checkout"
	Tag    string // "v7.0.1"
	Commit string // 40 hexadecimal digits
	// Listed is whether it is of dxctl's own list, which counts for new steps only where the golden path has none.
	Listed bool
}

// Repo is what an edit works on.
type Repo struct {
	Facts  *repository.Facts // of the directory of the service
	Entity descriptor.Entity
	Dir    string // of the service, relative to the root; "." is the root
	// Read returns the content of a file as it is now, with the edits before this one. ok is false if there is none, or
	// it is not one that is edited.
	Read func(name string) (content []byte, ok bool)
	// Mentions reports whether the code of the service contains a text.
	Mentions func(text string) bool
	// With has the settings of the golden path for the rule.
	With map[string]any
	// Foreign is whether the golden path is for another language than the code.
	Foreign bool
	// Actions are the commits that the golden path has of actions; Images the digests of images, by "name:tag".
	Actions []Action
	Images  map[string]string
	// Resolve returns the commit of a version of an action that Actions lack, by owner/name and tag. Nil: nobody is asked.
	Resolve func(repository, tag string) (Action, error)
	// Digest returns the digest of an image with a tag that Images lack. Nil: nobody is asked.
	Digest func(image string) (string, error)
	// Jobs are how long the jobs of the workflows took.
	Jobs []JobTime
}

// JobTime is how long the successful attempts of a job took, as far as sources have reported them.
type JobTime struct {
	Workflow string // its name, or its path if it has none
	Job      string // as the host shows it: the name or the id, and the values of a matrix in brackets
	Longest  time.Duration
	Runs     int
}

// Ask is something that a person has to decide or to do.
type Ask struct {
	At   fact.Location
	Text string // a sentence without a full stop
}

// Result is what an edit does.
type Result struct {
	Files map[string][]byte // new contents by path, relative to the root
	Asks  []Ask
	Notes []string // why the edit chose what no file decides, a sentence each without a full stop
}

// editor collects the result of an edit.
type editor struct {
	Repo
	result  Result
	refused bool // whether a change of a file was refused, because a program writes the file
}

// edit changes what a rule asks for.
type edit func(e *editor)

// all are the edits by the id of the rule.
var all = map[string]edit{
	"actions-pinned":         pinActions,
	"workflow-permissions":   limitPermissions,
	"workflow-injection":     moveInputs,
	"workflow-timeouts":      addTimeouts,
	"tests-on-pull-requests": testPullRequests,
	"sbom-on-release":        writeBills,
	"provenance-attested":    attestBuilds,
	"container-non-root":     leaveRoot,
	"base-image-pinned":      pinBases,
	"resources-set":          setResources,
	"probes-set":             setProbes,
	"disruption-budget":      addBudget,
	"security-context":       restrictContainers,
	"image-immutable":        pinImages,
	"metrics-scraped":        scrapeMetrics,
	"traces-exported":        exportTraces,
	"codeowners-complete":    completeOwners,
	"descriptor-valid":       completeDescriptor,
	"owner-exists":           nameOwner,
	"dependency-updates":     updateDependencies,
	"on-call":                nameOnCall,
	"alert-with-runbook":     linkRunbooks,
	"agents-md":              describeForAgents,
	"dev-environment":        prepareEnvironment,
	"security-policy":        writePolicy,
	"license":                addLicense,
}

// Rules returns the ids of the rules that have an edit, sorted.
func Rules() []string { return slices.Sorted(maps.Keys(all)) }

// Has reports whether a rule has an edit.
func Has(rule string) bool { return all[rule] != nil }

// Apply runs the edit of a rule. A rule without one has no result.
func Apply(rule string, repo Repo) (result Result, err error) {
	run := all[rule]
	if run == nil {
		return Result{}, fmt.Errorf("there is no edit for the rule %s", rule)
	}
	e := &editor{Repo: repo, result: Result{Files: map[string][]byte{}}}
	if repo.With == nil {
		e.With = map[string]any{}
	}
	// A mistake of an edit on one repository must not hide the other rules.
	err = fact.Contain(func() error { run(e); return nil })
	if e.refused && slices.Contains(wholes, rule) {
		clear(e.result.Files)
	}
	return e.result, err
}

// wholes are the rules whose edit changes files that need each other.
var wholes = []string{"sbom-on-release", "disruption-budget"}

// content returns a file with the edits of this one.
func (e *editor) content(name string) ([]byte, bool) {
	if content, ok := e.result.Files[name]; ok {
		return content, true
	}
	return e.Read(name)
}

// put changes a file, unless a program writes it.
func (e *editor) put(name string, content []byte) {
	if reason := e.generated(name); reason != "" {
		e.ask(name, 0, "make the change where the file comes from: a program writes it, because %s", reason)
		e.refused = true
		return
	}
	e.result.Files[name] = content
}

// maxQuoted is how many characters of a text of the repository are in what is asked.
const maxQuoted = 300

// ask leaves something to a person. What the arguments are may have been written by a stranger: it stays on one line.
func (e *editor) ask(name string, line int, format string, args ...any) {
	for i, arg := range args {
		switch text := arg.(type) {
		case string:
			args[i] = OneLine(text, maxQuoted)
		case error:
			args[i] = OneLine(text.Error(), maxQuoted)
		}
	}
	a := Ask{At: fact.Location{Path: name, Line: line}, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(e.result.Asks, a) {
		e.result.Asks = append(e.result.Asks, a)
	}
}

// yaml edits a YAML file. What cannot be read or edited is asked.
func (e *editor) yaml(name string, change func(f *splice.File) error) {
	content, ok := e.content(name)
	if !ok {
		e.ask(name, 0, "the file cannot be edited: it cannot be read")
		return
	}
	f, err := splice.Parse(content)
	if err == nil {
		err = change(f)
	}
	if err == nil && f.Changed() {
		var after []byte
		if after, err = f.Bytes(); err == nil {
			e.put(name, after)
		}
	}
	if err != nil {
		e.ask(name, 0, "the file cannot be edited without changing something else: %v", err)
	}
}

// text returns a setting of the golden path as a text, or a default.
func (e *editor) text(name, missing string) string {
	switch v := e.With[name].(type) {
	case string:
		return v
	case int, int64, uint64, float64, bool:
		return fmt.Sprint(v)
	}
	return missing
}

// number returns a setting of the golden path as a number, or a default.
func (e *editor) number(name string, missing int) int {
	if n, err := strconv.Atoi(e.text(name, "")); err == nil && n > 0 {
		return n
	}
	return missing
}
