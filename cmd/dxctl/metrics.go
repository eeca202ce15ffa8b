package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
)

func newMetrics(s *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "metrics", Short: "Print metrics"}
	cmd.AddCommand(newTTFD(s), newAdoption(s))
	return cmd
}

// choices maps the words of a flag to values.
type choices[T any] []struct {
	word  string
	value T
}

func (c choices[T]) words() []string {
	var out []string
	for _, x := range c {
		out = append(out, x.word)
	}
	return out
}

func (c choices[T]) pick(flag, word string) (T, error) {
	i := slices.Index(c.words(), word)
	if i < 0 {
		var none T
		return none, fmt.Errorf("--%s %s: use one of %s", flag, word, strings.Join(c.words(), ", "))
	}
	return c[i].value, nil
}

var (
	ttfdPopulations = choices[metrics.Population]{{"engineers", metrics.Engineers}, {"services", metrics.Services}}
	ttfdGroupings   = choices[metrics.Grouping]{
		{"month", metrics.Month},
		{"quarter", metrics.Quarter},
		{"half-year", metrics.HalfYear},
		{"team", metrics.Team},
	}
)

func newTTFD(s *cli) *cobra.Command {
	var population string
	var by string
	var perSubject bool
	cmd := &cobra.Command{
		Use:   "ttfd",
		Short: "Print the time to first deploy of engineers or services, by cohort",
		Long: `Print the time to first deploy: from the start date of an engineer, or the creation of a service, to the first
successful production deployment. Engineers and services that have not deployed yet count as still waiting
(Kaplan–Meier estimator); they are not left out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			subjects, err := ttfdPopulations.pick("population", population)
			if err != nil {
				return err
			}
			cohort, err := ttfdGroupings.pick("group-by", by)
			if err != nil {
				return err
			}
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "metrics"})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			reader, err := p.Reader()
			if err != nil {
				return err
			}
			result, err := reader.TimeToFirstDeploy(cmd.Context(), subjects, metrics.TTFDOptions{Cohort: cohort})
			if err != nil {
				return err
			}
			t := cohortTable(result)
			if perSubject {
				t = subjectTable(result)
			}
			t.Document = report.NewFirstDeployDocument(result, report.All)
			return t.Print(s.out, s.output)
		},
	}
	cmd.Flags().
		StringVar(&population, "population", "engineers", "who is measured: `"+strings.Join(ttfdPopulations.words(), "|")+"`")
	cmd.Flags().
		StringVar(&by, "group-by", "quarter", "how the cohorts are formed: `"+strings.Join(ttfdGroupings.words(), "|")+"`")
	cmd.Flags().BoolVar(&perSubject, "per-subject", false, "print a line per engineer or service instead of per cohort")
	return cmd
}

func cohortTable(result metrics.TTFD) output.Table {
	t := output.Table{
		Columns: []string{"cohort", "n", "deployed", "waiting", "median", "p90"},
		Right:   []string{"n", "deployed", "waiting", "median", "p90"},
		Note: fmt.Sprintf("%s, version %d. \"not reached yet\": too many are still waiting for an estimate.%s",
			result.Definition.Title, result.Definition.Version, excludedNote(result.Excluded)+gapNote(result.Completeness)),
	}
	for _, c := range append(slices.Clone(result.Cohorts), result.Overall) {
		if c.N == 0 && c.Label != result.Overall.Label {
			continue // no member of the cohort can be measured; the note gives their number and the reason
		}
		t.Rows = append(
			t.Rows,
			[]string{
				c.Label,
				fmt.Sprint(c.N),
				fmt.Sprint(c.Deployed),
				fmt.Sprint(c.Censored),
				words.Hours(c.MedianHours).String(),
				words.Hours(c.P90Hours).String(),
			},
		)
	}
	return t
}

// excludedNote reports how many are excluded from the estimates, and why.
func excludedNote(reasons []metrics.Excluded) string {
	var parts []string
	for _, r := range reasons {
		parts = append(parts, fmt.Sprintf("%d %s", r.N, r.Reason))
	}
	if len(parts) == 0 {
		return ""
	}
	return "\nExcluded: " + strings.Join(parts, ", ") + "."
}

func subjectTable(result metrics.TTFD) output.Table {
	t := output.Table{
		Columns: []string{"id", "team", "started", "first_deploy", "time", "service", "deployment_id", "link_method", "note"},
		Right:   []string{"time"},
	}
	for _, x := range result.Subjects {
		first, took := "", "waiting "+words.Hours(&x.Hours).String()
		if x.DeployedAt != nil {
			first, took = x.DeployedAt.UTC().Format(time.RFC3339), words.Hours(&x.Hours).String()
		}
		started := ""
		if !x.StartedAt.IsZero() {
			started = x.StartedAt.UTC().Format(time.DateOnly)
		} else {
			took = ""
		}
		t.Rows = append(t.Rows, []string{x.ID, x.Team, started, first, took, x.Service, x.DeploymentID, x.LinkMethod, x.Note})
	}
	return t
}

// gapNote reports which of the underlying data is known to be incomplete.
func gapNote(completeness []metrics.Completeness) string {
	var gaps []string
	for _, b := range completeness {
		if b.Gap > 0 {
			gaps = append(gaps, fmt.Sprintf("%s %s: %d of %d %s are missing", b.Source, b.Scope, b.Gap, b.Expected, b.Kind))
		}
	}
	if len(gaps) == 0 {
		return ""
	}
	return "\nIncomplete: " + strings.Join(gaps, "; ") + "."
}
