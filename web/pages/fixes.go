package pages

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/fix"
	"github.com/dxctl/dxctl/actions/preview"
	"github.com/dxctl/dxctl/actions/repositories"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/web/route"
	"github.com/gofiber/fiber/v2"
)

type fixesView struct {
	layout
	Name, Service string // of the entity, and its page
	Planning      bool   // a plan is being made
	At            time.Time
	Self          string // this page, with the golden path that was chosen
	GoldenPath    string // that was chosen; "" for none
	NoPlan        string // why there is none; "" with one, and while the first is made
	NoFiles       bool   // because the files are not at hand
	Setting       string // why there is no patch for a setting
	Arg           string // the service on the command line

	Form    string           // with further inputs; "" if there is none
	Choice  *fix.ChoiceError // a golden path is to be chosen
	Choices []goldenPathChoice

	Plan     *fix.Document // nil: there is none
	Commit   string        // that it was made on, shortened; "" for none
	Grades   []gradeChange
	Groups   []fix.Group
	Files    []fileChange
	Contents bool // what is in files is shown
	Left     int  // files whose difference is not shown, because the page would be too large
	Waiting  []outlook
}

// goldenPathChoice is a golden path that somebody may choose, and the page of the plan with it.
type goldenPathChoice struct {
	actions.Choice
	Path string
}

// goldenPathParameter is the parameter with the golden path that somebody chose, which has the name of the flag.
const goldenPathParameter = "golden-path"

// gradeChange is the grade by a scorecard before and after.
type gradeChange struct{ Before, After fix.Grade }

// Moves reports whether the grade changes.
func (c gradeChange) Moves() bool {
	return c.Before.Level != c.After.Level || c.Before.Score != c.After.Score
}

// fileChange is a file with its difference.
type fileChange struct {
	actions.FileDocument
	Lines []diffLine
	More  int  // lines that are not shown
	Open  bool // it is short
}

// diffLine is a line of a difference. Class is add, del or at; empty for what stays.
type diffLine struct{ Class, Text string }

// outlook is a rule that is not met, where there is no plan.
type outlook struct {
	scorecards.Result
	Card    string // title of the scorecard
	Name    string // of the scorecard
	NoPatch string // why no patch can do it; "" if one may
}

// The bounds of what the page shows of a difference; the command shows all of it.
const (
	maxFileLines = 300
	maxDiffLines = 2500
	maxLineBytes = 400
	openLines    = 60 // of a difference that is open from the start
)

// fixes shows the plan of the fixes of a service: the rules, the grades before and after, and the difference.
func (p *Pages) fixes(ctx context.Context, r route.Request) (route.Answer, error) {
	service, err := p.reader.Service(ctx, r.ServiceRef())
	if err != nil {
		return route.Answer{}, err
	}
	e := service.Entity
	if p.deps.Fixes == nil || e.Kind != "Component" {
		return route.Answer{}, fiber.NewError(fiber.StatusNotFound, "no fixes are planned here for "+e.Ref)
	}
	known, err := p.chosenFixes(ctx, e.Ref, r.Query(goldenPathParameter, ""))
	if err != nil {
		return route.Answer{}, err
	}
	view := fixesView{
		layout: p.layout("Fixes of "+e.DisplayName(), "/services"), Name: e.DisplayName(), Service: report.ServicePath(e.Ref),
		Planning: known.Planning, At: known.At, Contents: p.deps.Contents, Setting: fix.SettingOfHost,
		Arg: report.ServiceArg(e.Ref), GoldenPath: r.Query(goldenPathParameter, ""),
	}
	view.Self = view.Service + "/fix"
	if p.deps.Planner != nil {
		if _, err := p.deps.Planner.Remote(fix.Name); err == nil {
			view.Form = "/actions/" + fix.Name + "?" + url.Values{fix.ServiceField: {e.Ref}}.Encode()
		}
	}
	if view.GoldenPath != "" {
		view.Self += "?" + r.Values().Encode()
	}
	switch {
	case known.Err == nil:
	case errors.As(known.Err, &view.Choice):
		for _, c := range view.Choice.Choices() {
			path := view.Service + "/fix?" + url.Values{goldenPathParameter: {c.Value}}.Encode()
			view.Choices = append(view.Choices, goldenPathChoice{c, path})
		}
	default:
		view.NoFiles = errors.Is(known.Err, repositories.ErrNoFiles)
		if view.NoPlan = "The log of the server says why"; view.Contents || view.NoFiles { // errors may cite files
			view.NoPlan = known.Err.Error()
		}
	}
	if known.Plan == nil {
		view.Waiting = outlooks(service.Reports)
		return p.render("fixes", view)
	}
	doc := known.Plan.Document()
	if !view.Contents {
		doc = doc.WithoutContents()
	}
	view.Plan, view.Groups, view.Commit = &doc, fix.Groups(doc.Rules), shortCommit(doc.On["commit"])
	view.Grades = gradeChanges(doc)
	view.Files, view.Left = fileChanges(doc.Files)
	return p.render("fixes", view)
}

// gradeChanges are the grades of a plan.
func gradeChanges(doc fix.Document) (list []gradeChange) {
	for i, before := range doc.Before {
		change := gradeChange{Before: before, After: before}
		if i < len(doc.After) {
			change.After = doc.After[i]
		}
		list = append(list, change)
	}
	return list
}

// chosenFixes returns what is known of the fixes of a service with the golden path that somebody chose, "" if nobody
// did. Only one that is a choice is planned: an address must not start plans without end.
func (p *Pages) chosenFixes(ctx context.Context, ref, path string) (preview.Preview, error) {
	known := p.deps.Fixes(ctx, preview.Key{Service: ref})
	choice, found := errors.AsType[*fix.ChoiceError](known.Err)
	switch {
	case path == "", known.Plan == nil && !found: // nothing is known yet, or there is no plan for another reason
		return known, nil
	case known.Plan != nil && known.Plan.Path.Name == path:
		return known, nil
	case known.Plan != nil:
		return known, route.BadRequest("golden-path: the golden path of this service is %s, so that there is no choice; "+
			"leave it out, or run `dxctl fix --golden-path %.80s` in a checkout", known.Plan.Path.Name, path)
	case !slices.ContainsFunc(choice.Paths, func(one *paths.Path) bool { return one.Name == path }):
		return known, route.BadRequest("golden-path: %.80q is none of the golden paths for this service", path)
	}
	return p.deps.Fixes(ctx, preview.Key{Service: ref, GoldenPath: path}), nil
}

func shortCommit(commit string) string {
	if commit == "none" {
		return ""
	}
	return commit[:min(len(commit), 12)]
}

// outlooks returns the rules that are not met.
func outlooks(reports []scorecards.Report) []outlook {
	var list []outlook
	for i := range reports {
		for k := range reports[i].Results {
			x := &reports[i].Results[k]
			if x.Outcome == event.Pass || x.Outcome == event.NotApplicable || x.Outcome == event.Waived {
				continue
			}
			list = append(list, outlook{*x, reports[i].Title, reports[i].Scorecard, fix.NoFile(x)})
		}
	}
	return list
}

// fileChanges returns files with their differences, and how many of the last ones are shown by name only.
func fileChanges(files []actions.FileDocument) (list []fileChange, left int) {
	total := 0
	for _, f := range files {
		change := fileChange{FileDocument: f}
		lines := diffLines(f.Diff)
		if total < maxDiffLines {
			change.Lines = lines[:min(len(lines), maxFileLines, maxDiffLines-total)]
			change.More = len(lines) - len(change.Lines)
			change.Open = len(lines) <= openLines
			total += len(change.Lines)
		} else if len(lines) > 0 {
			left++
		}
		list = append(list, change)
	}
	return list, left
}

// diffLines returns the lines of a difference without its head.
func diffLines(diff string) (lines []diffLine) {
	_, hunks, found := strings.Cut(diff, "\n@@")
	if !found {
		return nil
	}
	for line := range strings.Lines("@@" + hunks) {
		text := strings.TrimRight(line, "\r\n")
		if len(text) > maxLineBytes {
			text = strings.ToValidUTF8(text[:maxLineBytes], "") + "…"
		}
		class := map[byte]string{'+': "add", '-': "del", '@': "at"}[line[0]]
		lines = append(lines, diffLine{class, text})
	}
	return lines
}
