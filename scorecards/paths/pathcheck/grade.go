// Package pathcheck finds mistakes in golden paths: it grades what they create, renders them with awkward answers, and
// runs their tests.
package pathcheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing/fstest"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/spelling"
)

// Files returns a rendered tree as a file system, with its lock file.
func Files(tree paths.Tree, lock *pathlock.Lock) (fs.FS, error) {
	fsys := fstest.MapFS{}
	for _, f := range tree {
		mode := fs.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		fsys[f.Path] = &fstest.MapFile{Data: f.Content, Mode: mode}
	}
	if lock != nil {
		data, err := lock.Encode()
		if err != nil {
			return nil, err
		}
		fsys[pathlock.File] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	return fsys, nil
}

// Set returns the scorecards that a golden path follows: its own, and those of all that it names. The error names the
// ones that do not exist, and the mistakes of its own.
func Set(p *paths.Path, all scorecards.Set) (scorecards.Set, error) {
	var files []scorecards.File
	for _, c := range p.Cards {
		files = append(files, scorecards.File{Name: c.File, Data: c.Data})
	}
	own := scorecards.LoadFiles(files)
	set := scorecards.Set{}
	var errs []error
	var names []string
	for _, b := range own.Broken {
		errs = append(errs, b.Problems.Err())
	}
	for _, card := range slices.Concat(own.Cards, all.Cards) {
		if slices.Contains(names, card.Name) {
			continue
		}
		names = append(names, card.Name)
		ofPath := slices.ContainsFunc(p.Cards, func(c paths.Card) bool { return c.File == card.File })
		if ofPath || slices.Contains(p.Scorecards, card.Name) {
			set.Cards = append(set.Cards, card)
		}
	}
	for i, name := range p.Scorecards {
		if !slices.Contains(names, name) {
			errs = append(errs, p.Mistake(fmt.Sprintf("scorecards[%d]", i), "there is no scorecard %q%s", name,
				spelling.Hint(name, names)))
		}
	}
	return set, errors.Join(errs...)
}

// Verdict is what a rule says about a service that was just created.
type Verdict struct {
	Scorecard string
	Rule      string
	Outcome   event.Outcome
	Reason    string
	// ByFiles: the files of the repository, with the descriptor, decide it. Others are decided by settings, by the rest
	// of the catalog or by what happens.
	ByFiles bool
	// Unread is why files that the rule asks about could not be understood; "" if they could.
	Unread string
}

// Wrong returns why the verdict is not that of a service on the path, or "": a rule that files decide passes, and no
// rule fails.
func (v *Verdict) Wrong() string {
	if v.Unread != "" {
		return fmt.Sprintf("%s/%s: %s", v.Scorecard, v.Rule, v.Unread)
	}
	switch v.Outcome {
	case event.Pass, event.NotApplicable:
		return ""
	case event.Unknown, event.Stale, event.Warn, event.NeedsReview:
		if !v.ByFiles {
			return ""
		}
	case event.Fail, event.ErrorOutcome, event.Waived:
	}
	return fmt.Sprintf("%s/%s: %s: %s", v.Scorecard, v.Rule, v.Outcome, v.Reason)
}

// outside are the facts of files that need more than the files: whether the owners in CODEOWNERS exist.
var outside = []string{"repository.codeowners.unresolved_owners"}

// ofFiles returns the names of the facts that the files of a repository alone decide.
func ofFiles() map[string]bool {
	found := map[string]bool{}
	for _, d := range named.Definitions() {
		found[d.Name] = !slices.Contains(outside, d.Name)
	}
	return found
}

// Grade grades a service that was created from a golden path at a time, by the scorecards of set. What its files and
// its descriptor show is known, everything else is unknown. A service without a descriptor has no name.
func Grade(
	ctx context.Context, tree paths.Tree, lock *pathlock.Lock, set scorecards.Set, at time.Time,
) ([]Verdict, error) {
	fsys, err := Files(tree, lock)
	if err != nil {
		return nil, err
	}
	engine, err := scorecards.New(set, func() time.Time { return at })
	if err != nil {
		return nil, err
	}
	read, err := checkout.ReadFS(ctx, fsys, at)
	if err != nil {
		return nil, err
	}
	if problems := slices.Concat(read.Problems, read.Lost); len(problems) > 0 {
		return nil, fmt.Errorf("the descriptor of the created service has a mistake: %s: %s", problems[0].At,
			problems[0].Reason)
	}
	decided := ofFiles()
	var verdicts []Verdict
	for _, service := range read.Services {
		known := maps.Clone(service.Facts)
		value, err := json.Marshal(at)
		if err != nil {
			return nil, fmt.Errorf("grading the created service: %w", err)
		}
		born := event.Fact{
			Source: checkout.Source, Entity: service.Entity.Ref, Name: "repository.created_at", Type: event.TimeFact,
			Value: value, ObservedAt: at,
		}
		known[born.Name] = born
		for _, report := range engine.Grade(service.Entity, known) {
			for i := range report.Results {
				r := &report.Results[i]
				v := Verdict{Scorecard: report.Scorecard, Rule: r.Rule, Outcome: r.Outcome, Reason: r.Reason, ByFiles: true}
				for _, name := range r.FactNames {
					fact, ok := known[name]
					v.ByFiles = v.ByFiles && ok && fact.Error == "" && name != born.Name
					if decided[name] && fact.Error != "" {
						v.Unread = fmt.Sprintf("%s is not known: %s", name, fact.Error)
					}
				}
				verdicts = append(verdicts, v)
			}
		}
	}
	return verdicts, nil
}
