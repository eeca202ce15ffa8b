package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/surveys/results"
)

func newSurveyPublish(s *cli) *cobra.Command {
	var o app.Publication
	cmd := &cobra.Command{
		Use:   "publish ID",
		Short: "Decide what may be shown of a survey, and publish it; this is final",
		Long: `Decide which results of a survey's latest import may be shown, print of which groups, and publish them. Groups of fewer
than 5 answers are hidden, and so are those by which they could be derived, or in which all answered alike.

A publication is final: it stays when a corrected file is imported. A correction is published in the same way, if in
every result that changes at least 5 answers differ. --dry-run prints what would be shown, and publishes nothing.

The key of the hashed e-mail addresses is deleted, so that they lead to nobody. With --keep-key it stays, and a later
import can still be checked for people who answered twice.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.publishSurvey(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.Dry, "dry-run", false, "print what would be shown, and publish nothing")
	cmd.Flags().BoolVar(&o.KeepKey, "keep-key", false, "keep the key of the hashed e-mail addresses")
	cmd.Flags().BoolVar(&o.Early, "early", false, "publish before the last day of the survey is over")
	cmd.Flags().BoolVar(&o.Again, "again", false, "publish a survey that was published and deleted; nobody may have the "+
		"deleted results")
	return cmd
}

// publishedGroup is a group in the document of a publication.
type publishedGroup struct {
	Team       string `json:"team"`
	Tenure     string `json:"tenure"`
	GoldenPath string `json:"golden_path"`
	Answers    int    `json:"answers"`
	People     int    `json:"people"`
	Results    int    `json:"results"` // that are shown
}

// publication is the document of "dxctl survey publish".
type publication struct {
	Survey        string           `json:"survey"`
	Version       uint64           `json:"version"`
	Published     bool             `json:"published"`
	Groups        []publishedGroup `json:"groups"`
	Few           uint32           `json:"hidden_groups_few"`
	Complementary uint32           `json:"hidden_groups_complementary"`
	Hidden        uint32           `json:"hidden_results"`
}

func publicationOf(c *results.Computed, published bool) publication {
	p := publication{
		Survey: c.Published.Survey, Version: c.Published.Version, Published: published, Groups: []publishedGroup{},
		Few: c.Published.Few, Complementary: c.Published.Complementary, Hidden: c.Published.HiddenCells,
	}
	at := map[[3]string]int{}
	for _, r := range c.Results {
		key := [3]string{r.Team, r.Tenure, r.GoldenPath}
		i, known := at[key]
		if !known {
			i = len(p.Groups)
			at[key] = i
			p.Groups = append(p.Groups, publishedGroup{Team: r.Team, Tenure: r.Tenure, GoldenPath: r.GoldenPath})
		}
		if r.Measure == results.Responses {
			p.Groups[i].Answers, p.Groups[i].People = int(r.Answers), int(r.People)
			continue
		}
		p.Groups[i].Results++
	}
	return p
}

func (s *cli) publishSurvey(ctx context.Context, id string, o app.Publication) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "survey publish", Bare: true})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	computed, err := p.PublishSurvey(ctx, id, o)
	if err != nil {
		return err
	}
	doc := publicationOf(computed, !o.Dry)
	t := output.Table{
		Columns:  []string{"team", "tenure", "golden_path", "answers", "people", "results"},
		Right:    []string{"answers", "people", "results"},
		Document: doc,
	}
	for _, g := range doc.Groups {
		people := words.Whole(g.People)
		if g.People == 0 {
			people = words.Dash
		}
		t.Rows = append(t.Rows, []string{orAll(g.Team, "everyone"), orAll(g.Tenure, "all"), orAll(g.GoldenPath, "all"),
			words.Whole(g.Answers), people, words.Whole(g.Results)})
	}
	done := "Published, and final."
	if o.Dry {
		done = "Nothing is published yet."
	}
	t.Note = fmt.Sprintf(`Hidden: %s with too few answers, %s by which those could be derived, %s of shown groups (all answered alike, or
few can have given an answer). %s`, words.Plural(int(doc.Few), "group", "groups"),
		words.Plural(int(doc.Complementary), "group", "groups"), words.Plural(int(doc.Hidden), "result", "results"), done)
	return t.Print(s.out, s.output)
}

func orAll(value, all string) string {
	if value == "" {
		return all
	}
	return value
}

func newSurveyComments(s *cli) *cobra.Command {
	var id, team, question string
	cmd := &cobra.Command{
		Use:   "comments --survey ID",
		Short: "Print the comments of a published survey",
		Long: `Print the comments of everyone, or of a team with its sub-teams, in alphabetical order. The comments of a team are
printed if it wrote at least 10 to a question, and if those of fewer than 10 people could not be told by comparing it
with other teams. Comments can name people: read them before you pass them on. No page shows them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.surveyComments(cmd.Context(), id, team, question)
		},
	}
	cmd.Flags().StringVar(&id, "survey", "", "`ID` of the survey, such as 2026-Q3")
	cmd.Flags().StringVar(&team, "team", "", "only comments of this `TEAM` and its sub-teams")
	cmd.Flags().StringVar(&question, "question", "", "only comments to the question with this `KEY`")
	_ = cmd.MarkFlagRequired("survey") // the flag exists
	return cmd
}

func (s *cli) surveyComments(ctx context.Context, id, team, question string) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "survey comments", Bare: true})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	all, err := p.SurveyComments(ctx, id, team, question)
	if err != nil {
		return fmt.Errorf("reading the comments of survey %s: %w", id, err)
	}
	t := output.Table{Columns: []string{"question", "team", "comment"}, Document: all}
	if all == nil {
		t.Document = []results.Comments{}
	}
	var prose strings.Builder
	for _, c := range all {
		fmt.Fprintf(&prose, "%s (%s, %s)\n\n", c.Text, orAll(c.Team, "everyone"),
			words.Plural(len(c.Comments), "comment", "comments"))
		for _, comment := range c.Comments {
			t.Rows = append(t.Rows, []string{c.Question, c.Team, comment})
			fmt.Fprintf(&prose, "- %s\n", strings.ReplaceAll(output.Printable(comment), "\n", "\n  "))
		}
		prose.WriteByte('\n')
	}
	t.Prose = prose.String()
	if len(all) == 0 {
		t.Note = "No comments are shown: a group needs at least 10 to one question, and must not tell those of a smaller one."
	}
	return t.Print(s.out, s.output)
}
