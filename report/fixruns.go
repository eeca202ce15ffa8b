package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// Fate is what became of a fix in a repository: by the pull request that was collected, else by what the run recorded.
type Fate string

// The fates of fixes.
const (
	FixQueued   Fate = "queued"   // its wave has not begun
	FixOpen     Fate = "open"     // its pull request is open
	FixMerged   Fate = "merged"   // its pull request was merged
	FixSet      Fate = "set"      // only settings were to be changed, and they are
	FixDeclined Fate = "declined" // its pull request was closed without being merged
	FixReverted Fate = "reverted" // a later pull request took it back
	FixUndone   Fate = "undone"   // its pull request was closed, or its settings restored: the batch was undone
	FixFailed   Fate = "failed"   // it could not be proposed
	FixSkipped  Fate = "skipped"  // nothing was proposed: see its note
)

// Fates are all fates, in the order of a fix.
var Fates = []Fate{FixQueued, FixOpen, FixMerged, FixSet, FixDeclined, FixReverted, FixUndone, FixFailed,
	FixSkipped}

// Credit is what the grade after the merge says of a rule that a fix should make pass.
type Credit string

// The credits. A fix is credited with a rule only if its pull request was merged, was not reverted, and the rule passes
// by facts that were observed after the merge.
const (
	Credited    Credit = "passes"         // after the merge the rule passes
	NotCredited Credit = "does not pass"  // after the merge it does not, or the fix was reverted
	NotRegraded Credit = "not graded yet" // no fact that the rule uses was observed after the merge
	NotMerged   Credit = "not merged"
)

// FixedRule is a rule that a fix should make pass.
type FixedRule struct {
	Scorecard string        `json:"scorecard"` // "" if no scorecard of the service has the rule
	Rule      string        `json:"rule"`
	Title     string        `json:"title"`
	Outcome   event.Outcome `json:"outcome"` // at present; "" if it is not graded
	Credit    Credit        `json:"credit"`
}

// FixRun is a fix that was proposed to a repository.
type FixRun struct {
	Batch      string      `json:"batch"`   // id; "" outside of a batch
	Service    string      `json:"service"` // entity ref
	Name       string      `json:"-"`
	Team       string      `json:"team"` // display name of the owner
	Wave       int         `json:"wave"` // from 1; 0: none
	Repository string      `json:"repository"`
	Fate       Fate        `json:"fate"`
	Pull       int         `json:"pull"` // number of the pull request; 0: none
	URL        string      `json:"url"`
	Note       string      `json:"note"`
	Rules      []FixedRule `json:"rules"`
	StartedAt  *time.Time  `json:"started_at"`
	MergedAt   *time.Time  `json:"merged_at"`

	id string
}

// Path is the page of the journal of the run; "" outside of a batch.
func (f FixRun) Path() string {
	_, rest, _ := strings.Cut(f.Service, ":")
	if f.Batch == "" || rest == "" {
		return ""
	}
	return BatchPath(f.Batch) + "/" + rest
}

// Count returns how many rules of the run have a credit.
func (f FixRun) Count(c Credit) int {
	n := 0
	for _, r := range f.Rules {
		if r.Credit == c {
			n++
		}
	}
	return n
}

// Regrade says in words what the grade after the merge says.
func (f FixRun) Regrade() string {
	var parts []string
	if n := f.Count(Credited); n > 0 {
		parts = append(parts, words.Plural(n, "rule passes", "rules pass"))
	}
	if n := f.Count(NotCredited); n > 0 {
		parts = append(parts, words.Plural(n, "rule does not pass", "rules do not pass"))
	}
	if n := f.Count(NotRegraded); n > 0 {
		parts = append(parts, words.Plural(n, "rule is not graded yet", "rules are not graded yet"))
	}
	return strings.Join(parts, ", ")
}

// runRow is a fix as it is stored.
type runRow struct {
	ID         string     `ch:"id"`
	Entity     string     `ch:"entity"`
	Batch      string     `ch:"batch"`
	Wave       uint32     `ch:"wave"`
	Repository string     `ch:"repository"`
	Rules      []string   `ch:"rules"`
	Outcome    string     `ch:"outcome"`
	Pull       uint64     `ch:"pull"`
	Note       string     `ch:"note"`
	Status     string     `ch:"status"`
	StartedAt  *time.Time `ch:"started_at"`
	FinishedAt *time.Time `ch:"finished_at"`
	URL        string     `ch:"url"`
}

// pullRow is a pull request that was collected.
type pullRow struct {
	Repository string     `ch:"repository"`
	Number     uint64     `ch:"number"`
	MergedAt   *time.Time `ch:"merged_at"`
	Status     string     `ch:"status"`
	Reverts    string     `ch:"reverts"`
}

// pulls are the pull requests of fixes and those that revert them, by repository#number.
type pulls struct {
	of       map[string]pullRow
	reverted map[string]bool
}

func pullKey(repository string, number uint64) string {
	return strings.ToLower(repository) + "#" + strconv.FormatUint(number, 10)
}

// fixPulls returns the collected pull requests of the runs.
func (r *Reader) fixPulls(ctx context.Context, runs []runRow) (pulls, error) {
	found := pulls{of: map[string]pullRow{}, reverted: map[string]bool{}}
	var repositories []string
	for _, run := range runs {
		if run.Pull > 0 {
			repositories = append(repositories, strings.ToLower(run.Repository))
		}
	}
	slices.Sort(repositories)
	if repositories = slices.Compact(repositories); len(repositories) == 0 {
		return found, nil
	}
	var rows []pullRow
	err := r.deps.Store.Select(ctx, &rows, `SELECT lower(repository) AS repository, number, merged_at, status, reverts
FROM changes WHERE lower(changes.repository) IN {repositories:Array(String)}`, map[string]any{"repositories": repositories})
	if err != nil {
		return found, fmt.Errorf("reading the pull requests of fixes: %w", err)
	}
	found.add(rows)
	return found, nil
}

// add adds collected pull requests. One that reverts another one was opened after it, and does not count if it was
// reverted itself.
func (p pulls) add(rows []pullRow) {
	slices.SortFunc(rows, func(a, b pullRow) int { return cmp.Compare(b.Number, a.Number) })
	for _, row := range rows {
		key := pullKey(row.Repository, row.Number)
		p.of[key] = row
		if row.Reverts != "" && row.Status == "merged" && !p.reverted[key] {
			p.reverted[row.Repository+"#"+row.Reverts] = true
		}
	}
}

// fate returns what became of a run, and when it was merged or set.
func (p pulls) fate(run runRow) (Fate, *time.Time) {
	recorded := map[string]Fate{
		"opened": FixOpen, "updated": FixOpen, "unchanged": FixOpen, "merged": FixMerged, "declined": FixDeclined,
		"reverted": FixReverted, "undone": FixUndone, "failed": FixFailed,
		"set": FixSet, "restored": FixUndone,
	}[run.Outcome]
	var merged *time.Time
	if recorded == FixMerged || recorded == FixSet {
		merged = run.FinishedAt
	}
	if run.Pull > 0 {
		key := pullKey(run.Repository, run.Pull)
		pull, collected := p.of[key]
		switch {
		case collected && pull.MergedAt != nil && p.reverted[key], pull.MergedAt != nil && recorded == FixReverted:
			return FixReverted, pull.MergedAt
		case collected && pull.MergedAt != nil:
			return FixMerged, pull.MergedAt
		case collected && pull.Status == "closed" && recorded == FixOpen:
			return FixDeclined, nil
		}
	}
	switch {
	case recorded != "":
		return recorded, merged
	case run.Status == string(event.Queued), run.Status == string(event.Running), run.Status == string(event.Waiting):
		return FixQueued, nil
	case run.Status == string(event.Failed):
		return FixFailed, nil
	}
	return FixSkipped, nil
}

// FixRuns returns all fixes that were proposed to repositories, or are in a batch: those of the latest waves last.
func (r *Reader) FixRuns(ctx context.Context) ([]FixRun, error) {
	return cached(ctx, r, "fix runs", func(ctx context.Context) ([]FixRun, error) {
		var rows []runRow
		err := r.deps.Store.Select(ctx, &rows, `SELECT id, entity, batch, wave, repository, rules, outcome, pull, note, status,
    started_at, finished_at, url
FROM action_runs WHERE kind = 'fix' AND (batch != '' OR pull > 0)`, nil)
		if err != nil {
			return nil, fmt.Errorf("reading the runs of fixes: %w", err)
		}
		if len(rows) == 0 {
			return nil, nil
		}
		found, err := r.fixPulls(ctx, rows)
		if err != nil {
			return nil, err
		}
		services, err := r.Services(ctx)
		if err != nil {
			return nil, err
		}
		of := map[string]Service{}
		for _, s := range slices.Concat(services.List, services.Others) {
			of[s.Entity.Ref] = s
		}
		runs := make([]FixRun, len(rows))
		for i, row := range rows {
			runs[i] = fixRunOf(row, of[row.Entity], found)
		}
		slices.SortFunc(runs, func(a, b FixRun) int {
			return cmp.Or(cmp.Compare(a.Batch, b.Batch), cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Service, b.Service),
				cmp.Compare(a.id, b.id))
		})
		return runs, nil
	})
}

func fixRunOf(row runRow, s Service, found pulls) FixRun {
	run := FixRun{
		Batch: row.Batch, Service: row.Entity, Name: words.RefName(row.Entity), Wave: int(row.Wave),
		Repository: row.Repository, Pull: int(row.Pull),
		URL: row.URL, Note: row.Note, StartedAt: row.StartedAt, Rules: []FixedRule{}, id: row.ID,
	}
	if s.Entity.Ref != "" {
		run.Name, run.Team = s.Entity.DisplayName(), s.Team
	}
	run.Fate, run.MergedAt = found.fate(row)
	for _, id := range row.Rules {
		run.Rules = append(run.Rules, fixedRule(id, s.Reports, run.Fate, run.MergedAt))
	}
	return run
}

// fixedRule returns what the present grades say of a rule.
func fixedRule(id string, reports []scorecards.Report, fate Fate, merged *time.Time) FixedRule {
	rule := FixedRule{Rule: id, Title: id, Credit: NotMerged}
	if merged != nil {
		rule.Credit = NotRegraded
	}
	for i := range reports {
		for k := range reports[i].Results {
			x := &reports[i].Results[k]
			if x.Rule != id && RuleName(reports[i].Scorecard, x.Rule) != id || rule.Scorecard != "" {
				continue
			}
			rule.Scorecard, rule.Rule, rule.Title, rule.Outcome = reports[i].Scorecard, x.Rule, x.Title, x.Outcome
			if merged != nil && observedAfter(x, *merged) {
				rule.Credit = NotCredited
				if x.Outcome == event.Pass || x.Outcome == event.Warn {
					rule.Credit = Credited
				}
			}
		}
	}
	if fate == FixReverted {
		rule.Credit = NotCredited
	}
	return rule
}

// observedAfter reports whether a fact that a result uses was observed after a time.
func observedAfter(x *scorecards.Result, t time.Time) bool {
	return slices.ContainsFunc(x.FactsUsed(), func(f scorecards.FactUsed) bool { return f.ObservedAt.After(t) })
}
