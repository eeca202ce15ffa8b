package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions/batch"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
)

// batchDocument is the plan of a batch as JSON. Lists are never null.
type batchDocument struct {
	Version  int              `json:"version"`
	Digest   string           `json:"digest"`
	Settings batch.Settings   `json:"settings"`
	Waves    []uint32         `json:"waves"`
	Forecast forecastDocument `json:"forecast"`
	Items    []itemDocument   `json:"items"`
	Left     []batch.Left     `json:"left"` // services to which nothing is proposed
}

type forecastDocument struct {
	Reads   int     `json:"reads"`
	Writes  int     `json:"writes"`
	Seconds float64 `json:"seconds"`
}

type itemDocument struct {
	Wave       int      `json:"wave"`
	Service    string   `json:"service"`
	Repository string   `json:"repository"`
	Branch     string   `json:"branch"`
	Commit     string   `json:"commit"`
	Patch      string   `json:"patch"`
	Rules      []string `json:"rules"` // that the changes make pass
	Files      []string `json:"files"`
	Issues     []string `json:"issues"` // rules that get an issue
	Diff       string   `json:"diff"`

	Closings     []github.IssueClosing `json:"closed_issues"` // of rules that pass since
	Settings     []settings.Change     `json:"settings"`      // that are changed
	LeftSettings []settings.Left       `json:"left_settings"` // that rules need and that are not changed
}

func newBatchDocument(p *batch.Plan, digest string) batchDocument {
	d := batchDocument{
		Version: 1, Digest: digest, Settings: p.Settings, Waves: append([]uint32{}, p.Waves...),
		Forecast: forecastDocument{p.Forecast.Reads, p.Forecast.Writes, p.Forecast.Total().Seconds()},
		Items:    []itemDocument{}, Left: append([]batch.Left{}, p.Left...),
	}
	next := 0
	for wave, n := range p.Waves {
		for i := range p.Items[next : next+int(n)] {
			item := &p.Items[next+i]
			one := itemDocument{
				Wave: wave + 1, Service: item.Entity, Repository: item.Proposal.Repository, Branch: item.Proposal.Branch,
				Commit: item.Proposal.On, Patch: item.Proposal.Patch(), Rules: append([]string{}, item.Rules...),
				Files: []string{}, Issues: []string{}, Settings: append([]settings.Change{}, item.Changes...),
				Closings: append([]github.IssueClosing{}, item.Closings...), LeftSettings: append([]settings.Left{}, item.Left...),
			}
			for _, f := range item.Proposal.Files {
				one.Files = append(one.Files, f.Path)
				one.Diff += f.Diff()
			}
			for _, issue := range item.Issues {
				one.Issues = append(one.Issues, issue.Rule)
			}
			d.Items = append(d.Items, one)
		}
		next += int(n)
	}
	return d
}

// batchTable shows the plan of a batch: what is proposed, and below it what it takes and what is left out.
func batchTable(p *batch.Plan, digest string) output.Table {
	d := newBatchDocument(p, digest)
	t := output.Table{
		Columns:  []string{"wave", "service", "repository", "files", "passes", "issues"},
		Right:    []string{"wave", "files", "issues"},
		Document: d,
	}
	if p.Set {
		t.Columns = append(t.Columns, "settings")
	}
	for _, i := range d.Items {
		row := []string{fmt.Sprint(i.Wave), words.RefName(i.Service), i.Repository,
			fmt.Sprint(len(i.Files)), firstWords(i.Rules, 3), fmt.Sprint(len(i.Issues))}
		if p.Set {
			row = append(row, joinedSettings(i.Settings))
		}
		t.Rows = append(t.Rows, row)
	}
	var b strings.Builder
	if len(d.Items) == 0 {
		fmt.Fprintf(&b, "Nothing to propose to %s.\n", d.Settings.Selection)
	} else {
		fmt.Fprintf(&b, "%s in %s (%s), of %s.\n", words.Plural(len(d.Items), "service", "services"),
			words.Plural(len(d.Waves), "wave", "waves"), joined(d.Waves), d.Settings.Selection)
		fmt.Fprintf(&b, "A wave begins when the checks of the one before are finished; the batch stops if more than %.0f %% "+
			"of the pull requests are red or closed without being merged.\n", 100*d.Settings.Limit)
		fmt.Fprintf(&b, "It takes %d reads and %d writes: about %s, of which %s are checks.\n", p.Forecast.Reads,
			p.Forecast.Writes, rough(p.Forecast.Total()), rough(p.Forecast.Checks))
	}
	for i, l := range d.Left {
		if i == maxLeft {
			fmt.Fprintf(&b, "Not proposed: %d more; -o json lists them\n", len(d.Left)-i)
			break
		}
		fmt.Fprintf(&b, "Not proposed: %s: %s\n", words.RefName(l.Entity), l.Reason)
	}
	for i := range p.Items {
		for _, c := range p.Items[i].Closings {
			fmt.Fprintf(&b, "Closes %s: %s\n", c.URL, c.Note)
		}
	}
	b.WriteString(settingsNotes(p))
	t.Note = b.String() + "digest " + digest
	return t
}

// joinedSettings names the settings that are changed.
func joinedSettings(changes []settings.Change) string {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.Setting
	}
	return strings.Join(names, ", ")
}

// settingsNotes says what the changes of settings mean, and which are left.
func settingsNotes(p *batch.Plan) string {
	var lines []string
	left := 0
	for i := range p.Items {
		for _, note := range p.Items[i].Notes {
			if note = "Note: " + note; !slices.Contains(lines, note) {
				lines = append(lines, note)
			}
		}
		if with := p.Items[i].SetWith; with != "" {
			lines = append(lines, fmt.Sprintf("Note: the settings of %s are set with those of %s: they are of one repository",
				words.RefName(p.Items[i].Entity), words.RefName(with)))
		}
		for _, l := range p.Items[i].Left {
			if left++; left <= maxLeft {
				lines = append(lines, fmt.Sprintf("Not set: %s, %s: %s", words.RefName(p.Items[i].Entity), l.Rule, l.Reason))
			}
		}
	}
	if left > maxLeft {
		lines = append(lines, fmt.Sprintf("Not set: %d more; -o json lists them", left-maxLeft))
	}
	if len(lines) == 0 {
		return ""
	}
	if p.Needs.Settings {
		lines = append(lines, "-o json has each setting with its value before and after.")
	}
	return strings.Join(lines, "\n") + "\n"
}

// maxLeft is how many services to which nothing is proposed are shown.
const maxLeft = 20

// firstWords names the first of a list.
func firstWords(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], " "), len(list)-most)
}

func joined(sizes []uint32) string {
	texts := make([]string, len(sizes))
	for i, n := range sizes {
		texts[i] = fmt.Sprint(n)
	}
	return strings.Join(texts, ", ")
}

// rough is a duration in minutes, or in seconds below one.
func rough(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// printRuns prints what became of the runs of a batch.
func (f *fixer) printRuns(s batch.State) error {
	t := output.Table{
		Columns: []string{"wave", "service", "repository", "status", "outcome", "url", "note"}, Right: []string{"wave"},
		Document: struct {
			Batch  string            `json:"batch"`
			Status event.Status      `json:"status"`
			Note   string            `json:"note"`
			Runs   []event.ActionRun `json:"runs"`
		}{s.Batch.ID, s.Batch.Status, s.Batch.Note, s.Runs},
	}
	for _, run := range s.Runs {
		t.Rows = append(t.Rows, []string{fmt.Sprint(run.Wave), words.RefName(run.Entity), run.Repository, string(run.Status),
			run.Outcome, run.URL, run.Note})
	}
	t.Note = fmt.Sprintf("Batch %s: %s, wave %d of %d.", s.Batch.ID, s.Batch.Status, s.Batch.Wave, len(s.Batch.Waves))
	return t.Print(f.out, f.output)
}

// undoBatch plans how a batch is taken back, and takes it back if that is asked for.
func (s *cli) undoBatch(ctx context.Context, id string, o fixOptions) error {
	return s.withFixer(ctx, func(f *fixer) error {
		if err := f.spent(ctx); err != nil {
			return err
		}
		state, err := f.state(ctx, id)
		if err != nil {
			return err
		}
		p, err := batch.PlanUndo(ctx, f.host, state, github.PublishedLimits)
		if err != nil {
			return credentials(err)
		}
		digest := p.Digest()
		if err := s.printBatch(undoTable(p, digest), o, p.Changes()); err != nil {
			return err
		}
		switch {
		case o.all.digest != "" && o.all.digest != digest:
			return exit.With(exit.Conflicts, fmt.Errorf("carrying out the plan %s: it is now %s; look at it again",
				o.all.digest, digest))
		case o.all.digest == "" && !o.yes:
			fmt.Fprintf(s.err, "dxctl: nothing was changed; add --yes to take the batch back\n")
			return untouched(p)
		}
		if err := f.check(ctx, p.Needs()); err != nil {
			return err
		}
		state, err = f.runner.Undo(ctx, f.host, state, p)
		if err = errors.Join(f.printRuns(state), batchError(err)); err != nil {
			return err
		}
		return untouched(p)
	})
}

// untouched returns an error about what stays as it is; nil if all is taken back.
func untouched(p *batch.UndoPlan) error {
	if n := p.Unread(); n > 0 {
		return fmt.Errorf("undoing the batch %s: %d settings could not be read; the plan says why", p.Batch, n)
	}
	if n := p.Conflicts(); n > 0 {
		return exit.With(exit.Conflicts, fmt.Errorf("%d files or settings were changed since, and stay as they are", n))
	}
	return nil
}

func undoTable(p *batch.UndoPlan, digest string) output.Table {
	t := output.Table{
		Columns: []string{"service", "where", "action", "files", "conflicts", "why"},
		Document: struct {
			Digest string `json:"digest"`
			*batch.UndoPlan
		}{digest, p},
	}
	for _, u := range p.Pulls {
		t.Rows = append(t.Rows, []string{words.RefName(u.Entity), u.URL, u.Action, firstWords(u.Files, 3),
			firstWords(u.Conflicts, 3), u.Why})
	}
	for _, r := range p.Settings {
		t.Rows = append(t.Rows, restoringRows(r)...)
	}
	t.Note = fmt.Sprintf("Batch %s: %d pull requests are closed, %d are reverted by pull requests, and %d settings are "+
		"restored; %d reads and %d writes, about %s.\ndigest %s", p.Batch, p.Count(batch.UndoClose),
		p.Count(batch.UndoRevert), p.Restores(), p.Forecast.Reads, p.Forecast.Writes, rough(p.Forecast.Requests), digest)
	return t
}

// restoringRows are the rows of the settings of a repository.
func restoringRows(r batch.Restoring) [][]string {
	var rows [][]string
	row := func(action, setting, conflict, why string) {
		rows = append(rows, []string{words.RefName(r.Entity), r.Repository, action, setting, conflict, why})
	}
	for _, c := range r.Changes {
		row("restore", c.Setting, "", c.Why)
	}
	for _, key := range r.Met {
		row(batch.UndoNothing, key, "", "it is as it was before")
	}
	for _, l := range slices.Concat(r.Left, r.Unread) {
		row(batch.UndoNothing, "", l.Rule, l.Reason)
	}
	if r.Why != "" {
		row(batch.UndoNothing, "", "", r.Why)
	}
	return rows
}
