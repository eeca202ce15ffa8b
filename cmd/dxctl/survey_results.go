package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
)

func newSurveyResults(s *cli) *cobra.Command {
	q := report.SurveyQuery{}
	by := string(report.SurveyByTeam)
	cmd := &cobra.Command{
		Use:   "results",
		Short: "Show what is published of a survey: by team, tenure, golden path or question",
		Long: `Show results of a published survey with their 95 % intervals, and how they changed since the survey before. The index and
the dimensions are on 0 to 100. A change is called so only if it is beyond noise, whatever the two samples have in
common. "-o json" also has the distributions, standard errors, and the bounds that those who did not answer leave.

  dxctl survey results --survey 2026-Q3 --by team
  dxctl survey results --by question --team payments      # the latest survey
  dxctl survey results --by golden-path --question deploy-ease -o json

Which groups are shown was decided when the survey was published. A group that is missing is hidden: it has fewer than 5
answers, or those of few could be derived from it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			known := []string{}
			for _, b := range report.SurveyBys {
				known = append(known, string(b))
			}
			if err := oneWord("--by", by, known); err != nil {
				return err
			}
			q.By = report.SurveyBy(by)
			if q.Group.GoldenPath != "" {
				if err := oneWord("--golden-path", q.Group.GoldenPath, []string{"yes", "no"}); err != nil {
					return err
				}
			}
			q.NoItems = s.output != "json" && q.Question == "" // the columns of groups
			return s.withReader(cmd.Context(), "survey results", func(ctx context.Context, reader *report.Reader) error {
				return s.surveyResults(ctx, reader, q)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&q.Survey, "survey", "", "`ID` of the survey (default: the latest published one)")
	flags.StringVar(&by, "by", by, "what the rows are: team, tenure, golden-path, question")
	flags.StringVar(&q.Group.Team, "team", "", "only this `TEAM`; by team: its sub-teams")
	flags.StringVar(&q.Group.Tenure, "tenure", "", "only people of this `BAND` of tenure")
	flags.StringVar(&q.Group.GoldenPath, "golden-path", "", "only people on the golden path: yes, no")
	flags.StringVar(&q.Question, "question", "", "only the question with this `KEY`")
	return cmd
}

func (s *cli) surveyResults(ctx context.Context, reader *report.Reader, q report.SurveyQuery) error {
	x, err := reader.SurveyResults(ctx, q)
	if err != nil {
		return err
	}
	t := output.Table{Document: x.Document(q.By, x.Rows, report.All)}
	switch {
	case q.By == report.SurveyByQuestion:
		questionTable(&t, x)
	case q.Question != "":
		groupQuestionTable(&t, x)
	default:
		groupTable(&t, x)
	}
	t.Note = surveyNote(x)
	if len(t.Rows) == 0 {
		t.Note = "Nothing is shown of this: fewer than 5 answered, or the answers of few could be derived.\n" + t.Note
	}
	return t.Print(s.out, s.output)
}

func surveyNote(x *report.SurveyResults) string {
	note := fmt.Sprintf("%s, %s to %s, published %s. In brackets: the 95 %% interval; "+
		"where at least 80 %% answered, what the others could change at most.", x.Survey.Title,
		x.Survey.FirstDay.Format(time.DateOnly), x.Survey.LastDay.Format(time.DateOnly),
		words.Day(x.Survey.PublishedAt))
	if x.Before != nil {
		note += fmt.Sprintf(" Changes are since %s; two surveys mostly ask the same people, and a change is beyond noise if "+
			"it is so whatever they have in common.", x.Before.ID)
	}
	return note + fmt.Sprintf(" Hidden: %d groups with too few answers, %d by which those could be derived.", x.Survey.Few,
		x.Survey.Complementary)
}

// indented shows a team below the team that it is a part of.
func indented(x *report.SurveyResults, r report.SurveyRow) string {
	shown := map[string]bool{}
	for _, row := range x.Rows {
		shown[row.Team] = true
	}
	depth, team := 0, x.Survey.Parents[r.Team]
	for range len(x.Survey.Parents) {
		if team != "" && shown[team] {
			depth++
		}
		team = x.Survey.Parents[team]
	}
	return strings.Repeat("  ", depth) + r.Name()
}

func groupTable(t *output.Table, x *report.SurveyResults) {
	t.Columns = []string{"group", "answers", "people", "response", "index", "feedback loops", "cognitive load", "flow",
		"index change"}
	t.Right = []string{"answers", "people", "response"}
	rows := append([]report.SurveyRow{x.Everyone}, x.Rows...)
	if len(x.Rows) == 0 {
		rows = nil
	}
	for _, r := range rows {
		cells := append([]string{indented(x, r)}, turnout(r)...)
		for _, m := range [][2]string{{report.SurveyIndex, ""}, {report.SurveyDimension, "feedback_loops"},
			{report.SurveyDimension, "cognitive_load"}, {report.SurveyDimension, "flow"}} {
			cells = append(cells, numberCell(x.Survey, r.Number(m[0], m[1]), m[1]))
		}
		change := words.Dash
		if n := r.Number(report.SurveyIndex, ""); n != nil {
			change = report.ChangeText(n.Change)
		}
		t.Rows = append(t.Rows, append(cells, change))
	}
}

func turnout(r report.SurveyRow) []string {
	people := words.Dash
	if r.People > 0 {
		people = words.Whole(r.People)
	}
	return []string{words.Whole(r.Answers), people, words.Percent(r.ResponseRate)}
}

func numberCell(s report.Survey, n *report.SurveyNumber, dimension string) string {
	if n == nil && !s.Asks(dimension) {
		return "not asked"
	}
	if n == nil {
		return "hidden"
	}
	return report.EstimateText(n.Score, 0)
}

func groupQuestionTable(t *output.Table, x *report.SurveyResults) {
	t.Columns = []string{"group", "answers", "mean", "score", "top two", "eNPS", "distribution", "change"}
	t.Right = []string{"answers"}
	for _, r := range append([]report.SurveyRow{x.Everyone}, x.Rows...) {
		for i := range r.Numbers {
			t.Rows = append(t.Rows, append([]string{indented(x, r)}, itemCells(&r.Numbers[i])...))
		}
	}
}

func questionTable(t *output.Table, x *report.SurveyResults) {
	t.Columns = []string{"question", "key", "answers", "mean", "score", "top two", "eNPS", "distribution", "change"}
	t.Right = []string{"answers"}
	for _, r := range x.Rows {
		for i := range r.Numbers {
			n := &r.Numbers[i]
			t.Rows = append(t.Rows, append([]string{n.Text, n.Item}, itemCells(n)...))
		}
	}
}

// itemCells are the answers, the mean, the score, the share of the two highest points, the eNPS, the distribution from
// the lowest point in the good direction, and the change.
func itemCells(n *report.SurveyNumber) []string {
	top, promoters, distribution := words.Dash, words.Dash, words.Dash
	if n.TopTwo != nil {
		top = words.Percent(n.TopTwo.Value)
	}
	if n.NetPromoter != nil {
		promoters = report.EstimateText(*n.NetPromoter, 0)
	}
	if len(n.Counts) > 0 {
		parts := make([]string, len(n.Counts))
		for i, c := range n.Counts {
			parts[i] = fmt.Sprint(c)
		}
		distribution = strings.Join(parts, " ")
	}
	return []string{words.Whole(n.N), report.EstimateText(n.Mean, 2), report.EstimateText(n.Score, 0), top,
		promoters, distribution, report.ChangeText(n.Change)}
}
