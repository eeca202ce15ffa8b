package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
	"github.com/dxctl/dxctl/surveys/intake"
	"github.com/dxctl/dxctl/surveys/questionnaire"
)

func newSurvey(s *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "survey",
		Short: "Import surveys of developers, and show their results without exposing anybody",
		Long: `Import what a form tool exports. Names and addresses are never stored, answers are kept apart from everything that can
be queried, and results are shown for groups only.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newSurveyImport(s), newSurveyList(s), newSurveyShow(s), newSurveyPublish(s), newSurveyResults(s),
		newSurveyFollowUp(s), newSurveySummary(s), newSurveyComments(s), newSurveyDelete(s), newSurveyTemplate(s))
	return cmd
}

func newSurveyImport(s *cli) *cobra.Command {
	var i app.SurveyImport
	var o form.Options
	cmd := &cobra.Command{
		Use:   "import FILE --survey ID",
		Short: "Preview and store the answers that a form tool exported",
		Long: `Read the export of Google Forms, Microsoft Forms, Typeform, SurveyMonkey or Qualtrics, or a plain table, as CSV or XLSX,
and print what it holds: what each column is taken for, what is left out, and every wrong row. With --yes, the good rows
are stored in one step, in place of those of an earlier import.

  dxctl survey import answers.csv --survey 2026-Q3          # prints the preview, and writes surveys/2026-Q3.yaml
  dxctl survey import answers.csv --survey 2026-Q3 --yes    # stores the answers

The first preview writes the map of the form: which column is which item, its scale, direction and dimension. Check it
and commit it. The next survey takes over what an earlier one decided for the same question.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if i.Export, err = form.ReadFile(args[0], o); err != nil {
				return err
			}
			return s.importSurvey(cmd.Context(), i)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&i.ID, "survey", "", "`ID` of the survey, such as 2026-Q3")
	flags.StringVar(&i.Map, "map", "", "`FILE` with the map of the form (default: ID.yaml in the directory surveys)")
	flags.StringVar(&o.Sheet, "sheet", "", "`NAME` of the sheet of a workbook, if several have responses")
	flags.BoolVar(&i.Store, "yes", false, "store the good rows")
	flags.BoolVar(&i.Strict, "strict", false, "store nothing if a row is wrong")
	_ = cmd.MarkFlagRequired("survey") // the flag exists
	return cmd
}

func (s *cli) importSurvey(ctx context.Context, i app.SurveyImport) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "survey import"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	preview, failed := p.ImportSurvey(ctx, i)
	if failed != nil && !errors.Is(failed, app.ErrNotImported) {
		return failed
	}
	if err := previewTable(preview).Print(s.out, s.output); err != nil {
		return err
	}
	switch {
	case failed != nil:
	case preview.Stored:
		fmt.Fprintf(s.err, "dxctl: stored %d answers of survey %s as version %d\n", preview.Good, i.ID, preview.Version)
	default:
		fmt.Fprintf(s.err, "dxctl: nothing is stored yet; run the command again with --yes to store the %d good rows\n",
			preview.Good)
	}
	return failed
}

func previewTable(preview intake.Preview) output.Table {
	t := output.Table{
		Columns:  []string{"column", "header", "read as", "item", "answered", "don't know", "blank", "check"},
		Right:    []string{"answered", "don't know", "blank"},
		Document: preview, Note: preview.Text(),
	}
	for _, c := range preview.Columns {
		row := []string{c.Column, shortHeader(c.Header), c.Use, c.Item, "", "", "", c.Check}
		if c.Item != "" {
			row[4], row[5], row[6] = fmt.Sprint(c.Answered), fmt.Sprint(c.DontKnow), fmt.Sprint(c.Blank)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shortHeader keeps the columns of a terminal narrow; JSON has the header as it is.
func shortHeader(header string) string {
	const most = 48
	if runes := []rune(header); len(runes) > most {
		return strings.TrimSpace(string(runes[:most])) + "…"
	}
	return header
}

// surveyState is a survey, for the list and for JSON.
type surveyState struct {
	Survey    string `json:"survey"`
	Title     string `json:"title"`
	Opens     string `json:"opens,omitempty"`
	Closes    string `json:"closes,omitempty"`
	State     string `json:"state"` // planned, open, closed, stored, published, expired
	Answers   string `json:"answers"`
	Version   uint64 `json:"version,omitempty"`
	Imported  string `json:"imported,omitempty"`
	Published string `json:"published,omitempty"`
	File      string `json:"file,omitempty"`
	Problem   string `json:"problem,omitempty"`

	definition surveys.Survey
}

// fewest is the number of answers below which their number is not shown.
const fewest = 5

// surveyStates returns what is defined and what is stored, the latest first.
func (s *cli) surveyStates(ctx context.Context, program string) (all []surveyState, err error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: program, Bare: true})
	if err != nil {
		return nil, err
	}
	defer closing(p, &err)
	stored, err := p.StoredSurveys(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]*surveyState{}
	ids, err := surveys.Earlier(p.SurveyDir(), "~") // after every id
	if err != nil {
		return nil, err
	}
	now := s.now()
	for _, id := range ids {
		state := surveyState{Survey: id, File: surveys.FileOf(p.SurveyDir(), id)}
		if d, err := surveys.Load(state.File, id); err != nil {
			state.State, state.Problem = "not readable", err.Error()
		} else {
			state.definition, state.Title = d, d.Title
			state.Opens, state.Closes = d.Opens.Format(time.DateOnly), d.Closes.AddDate(0, 0, -1).Format(time.DateOnly)
			switch {
			case now.Before(d.Opens):
				state.State = "planned"
			case now.Before(d.Closes):
				state.State = "open"
			default:
				state.State = "closed"
			}
		}
		byID[id] = &state
	}
	for _, e := range stored {
		state := byID[e.Survey]
		if state == nil {
			state = &surveyState{Survey: e.Survey, Title: e.Title}
			byID[e.Survey] = state
		}
		state.Version = e.Version
		switch {
		case e.Version == 0:
			state.State = "expired"
		case state.State != "open" || len(e.Published) > 0:
			state.State = "stored"
		}
		if e.Version > 0 {
			state.Answers, state.Imported = fmt.Sprint(e.Responses), e.Imported.Format(time.DateOnly)
			if e.Responses < fewest {
				state.Answers = fmt.Sprintf("fewer than %d", fewest)
			}
		}
		if n := len(e.Published); n > 0 {
			state.Published = fmt.Sprintf("version %d on %s", e.Published[n-1].Version,
				e.Published[n-1].Published.Format(time.DateOnly))
			if e.Version != 0 {
				state.State = "published"
			}
		}
	}
	for _, state := range byID {
		all = append(all, *state)
	}
	slices.SortFunc(all, func(x, y surveyState) int { return cmp.Compare(y.Survey, x.Survey) })
	return all, nil
}

func newSurveyList(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List surveys, the latest first",
		Long: `List the surveys that are defined in the directory surveys, or whose answers are stored. Numbers of answers below 5 are
not shown.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := s.surveyStates(cmd.Context(), "survey list")
			if err != nil {
				return err
			}
			if all == nil {
				all = []surveyState{}
			}
			t := output.Table{
				Columns: []string{"survey", "title", "opens", "closes", "state", "answers", "published"}, Document: all,
				Right: []string{"answers"},
			}
			for _, v := range all {
				t.Rows = append(t.Rows, []string{v.Survey, v.Title, v.Opens, v.Closes, v.State, v.Answers, v.Published})
				if v.Problem != "" {
					t.Note += "\nTo correct: " + v.Problem
				}
			}
			if len(all) == 0 {
				t.Note = "No survey. `dxctl survey template` prints a questionnaire; `dxctl survey import --help` explains what is next."
			}
			return t.Print(s.out, s.output)
		},
	}
}

func newSurveyShow(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show the definition of a survey, and what is stored of it",
		Long:  `Show the days, the state and the items of a survey. Answers are not shown; "survey results" has what is published.`,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := s.surveyStates(cmd.Context(), "survey show")
			if err != nil {
				return err
			}
			at := slices.IndexFunc(all, func(v surveyState) bool { return v.Survey == args[0] })
			if at < 0 {
				var known []string
				for _, v := range all {
					known = append(known, v.Survey)
				}
				return unknownWord("survey", args[0], known)
			}
			return surveyTable(all[at]).Print(s.out, s.output)
		},
	}
}

func surveyTable(v surveyState) output.Table {
	type item struct {
		Key       string   `json:"key"`
		Text      string   `json:"text"`
		Kind      string   `json:"kind"`
		Dimension string   `json:"dimension,omitempty"`
		Scale     string   `json:"scale,omitempty"`
		Direction string   `json:"direction,omitempty"`
		Rules     []string `json:"rules,omitempty"`
	}
	document := struct {
		surveyState
		Items []item `json:"items"`
	}{v, []item{}}
	t := output.Table{Columns: []string{"item", "question", "kind", "dimension", "scale", "direction", "rules"}}
	for _, i := range v.definition.Items {
		d := item{Key: i.Key, Text: i.Text, Kind: string(i.Kind), Dimension: string(i.Dimension), Rules: i.Rules}
		if i.Kind == surveys.Rating {
			d.Scale, d.Direction = i.Scale.String(), "higher_is_better"
			if i.Reversed {
				d.Direction = "lower_is_better"
			}
		}
		document.Items = append(document.Items, d)
		t.Rows = append(t.Rows, []string{
			d.Key, d.Text, d.Kind, d.Dimension, d.Scale, d.Direction, strings.Join(d.Rules, ", "),
		})
	}
	t.Document = document
	t.Note = fmt.Sprintf("%s: %s, %s", v.Survey, v.Title, v.State)
	for _, line := range [][2]string{
		{"From %s", v.Opens}, {" to %s", v.Closes}, {"; %s answers", v.Answers}, {"; imported on %s", v.Imported},
		{"; published: %s", v.Published},
	} {
		if line[1] != "" {
			t.Note += strings.Replace("\n"+fmt.Sprintf(line[0], line[1]), "\n;", ";", 1)
		}
	}
	t.Note = strings.ReplaceAll(t.Note, "\n to", " to")
	if v.Problem != "" {
		t.Note += "\nTo correct: " + v.Problem
	}
	return t
}

func newSurveyDelete(s *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "delete ID",
		Short: "Delete the answers and the results of a survey",
		Long: `Delete everything that is stored of a survey: its answers, the key of its hashes, and its results. Its definition in the
directory surveys stays, and so do the numbers of people who took part that were shown, until the answers would have
expired: after another import, only what does not tell the difference of a few people is shown.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := s.config()
			if err != nil {
				return err
			}
			p, err := s.open(cmd.Context(), cfg, app.Options{Program: "survey delete", Bare: true})
			if err != nil {
				return err
			}
			defer closing(p, &err)
			if err := p.DeleteSurvey(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(s.err, "dxctl: deleted the answers and the results of survey %s\n", args[0])
			return nil
		},
	}
}

func newSurveyTemplate(s *cli) *cobra.Command {
	var format, file string
	cmd := &cobra.Command{
		Use:   "template",
		Short: "Print a questionnaire to start from",
		Long: `Print a questionnaire of twelve statements, satisfaction, recommendation and two open questions, in words that you may
use and change. Google Forms makes a form of the script of --format google-forms. An import recognizes its questions.
-o json, csv and tsv print the questions for programs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.output != "table" {
				if cmd.Flags().Changed("format") || file != "" {
					return errors.New("-o is for programs and --format and --file are for people; use one of them")
				}
				return output.Table{Columns: questionnaire.Columns, Rows: questionnaire.Rows()}.Print(s.out, s.output)
			}
			text, err := questionnaire.Write(format)
			if err != nil {
				return fmt.Errorf("--format: %w", err)
			}
			if file == "" {
				_, err = fmt.Fprint(s.out, text)
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				return fmt.Errorf("writing the questionnaire: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT`: "+strings.Join(questionnaire.Formats, ", "))
	cmd.Flags().StringVar(&file, "file", "", "`FILE` to write to, instead of the standard output")
	return cmd
}
