// Package questionnaire has a questionnaire to start from, in words of our own, as text, as CSV and as a script that
// makes a Google form of it.
package questionnaire

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dxctl/dxctl/surveys"
)

// Grid is the question above the statements, which Google Forms puts before each of them in an export.
const Grid = "How much do you agree?"

// agreement are the answers to the statements, from 1 to 5, and the one that counts as none.
var agreement = []string{"Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"}

const unsure = "I don't know"

// statement makes an item of a statement.
func statement(key string, d surveys.Dimension, reversed bool, text string, rules ...string) surveys.Item {
	return surveys.Item{
		Key: key, Text: text, Headers: []string{Grid + " [" + text + "]", text}, Kind: surveys.Rating, Dimension: d,
		Scale: surveys.Scale{Min: 1, Max: 5}, Reversed: reversed, Rules: rules,
	}
}

// Items returns the questions. The statements of a dimension follow each other, and one of each says the opposite, so
// that who agrees with everything does not look content.
func Items() []surveys.Item {
	return []surveys.Item{
		statement("build-speed", surveys.FeedbackLoops, false,
			"Builds and tests of my pull requests finish before I turn to something else.", "ci-fast-and-green"),
		statement("review-speed", surveys.FeedbackLoops, false,
			"My pull requests get a useful first review within a working day."),
		statement("deploy-ease", surveys.FeedbackLoops, false,
			"I can deploy a small change to production on the day on which it is approved.", "deployed-recently"),
		statement("flaky-checks", surveys.FeedbackLoops, true,
			"Checks often fail for reasons that have nothing to do with my change.", "ci-fast-and-green"),
		statement("code-readable", surveys.CognitiveLoad, false, "I find my way in the code that I have to change."),
		statement("docs-findable", surveys.CognitiveLoad, false,
			"I find the documentation that I need without asking a person.", "readme-complete"),
		statement("setup-simple", surveys.CognitiveLoad, false,
			"A new colleague could set up our development environment in a morning.", "dev-environment"),
		statement("too-many-tools", surveys.CognitiveLoad, true,
			"I have to know too many tools to get a change to production."),
		statement("focus-time", surveys.Flow, false, "On most days I can work for two hours without being interrupted."),
		statement("goals-clear", surveys.Flow, false, "I know why the things that I work on matter."),
		statement("time-for-plan", surveys.Flow, false,
			"Incidents and support leave me enough time for the work that I have planned."),
		statement("urgent-requests", surveys.Flow, true, "Urgent requests often keep me from the work that I have planned."),
		{
			Key: "satisfaction", Text: "All in all, how satisfied are you with developing software here?",
			Headers: []string{"All in all, how satisfied are you with developing software here?"}, Kind: surveys.Rating,
			Dimension: surveys.Satisfaction, Scale: surveys.Scale{Min: 1, Max: 5},
		},
		{
			Key: "recommend", Text: "How likely are you to recommend developing software here to another engineer?",
			Headers: []string{"How likely are you to recommend developing software here to another engineer?"},
			Kind:    surveys.Rating, Dimension: surveys.Recommend, Scale: surveys.Scale{Min: 0, Max: 10},
		},
		{
			Key: "slows-down", Text: "What slows you down the most?", Headers: []string{"What slows you down the most?"},
			Kind: surveys.Comment,
		},
		{
			Key: "keep", Text: "What should stay as it is?", Headers: []string{"What should stay as it is?"},
			Kind: surveys.Comment,
		},
	}
}

// Privacy is what the form should say before the first question. It is what dxctl does with the answers.
const Privacy = "Your e-mail address decides only to which team your answers belong and whether you answered twice; " +
	"it is not stored. Results are shown for groups of at least 5 answers, comments for groups of at least 10."

// Formats are the formats of the questionnaire.
var Formats = []string{"text", "csv", "google-forms"}

// Write returns the questionnaire in one of Formats.
func Write(format string) (string, error) {
	switch format {
	case "text":
		return text(), nil
	case "csv":
		return table()
	case "google-forms":
		return script()
	}
	return "", fmt.Errorf("unknown format %q; use %s", format, strings.Join(Formats, ", "))
}

func text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n(%s; %s)\n", Privacy, Grid, strings.Join(agreement, ", "), unsure)
	last := surveys.Dimension("")
	for _, i := range Items() {
		switch {
		case i.Kind == surveys.Comment:
			fmt.Fprintf(&b, "\n%s\n(free text)\n", i.Text)
		case len(i.Headers) == 1:
			fmt.Fprintf(&b, "\n%s\n(%s)\n", i.Text, points(i))
		default:
			if i.Dimension != last {
				fmt.Fprintln(&b)
				last = i.Dimension
			}
			fmt.Fprintf(&b, "  - %s\n", i.Text)
		}
	}
	return b.String()
}

// points says in words how an item is answered.
func points(i surveys.Item) string {
	switch {
	case i.Kind == surveys.Comment:
		return "free text"
	case i.Dimension == surveys.Recommend:
		return "0 not at all likely to 10 extremely likely"
	case i.Dimension == surveys.Satisfaction:
		return "1 very dissatisfied to 5 very satisfied"
	}
	return "1 strongly disagree to 5 strongly agree"
}

// Columns are the columns of the questionnaire as a table.
var Columns = []string{"key", "question", "dimension", "scale", "direction", "answers"}

// Rows returns the questions as a table with Columns.
func Rows() (rows [][]string) {
	for _, i := range Items() {
		row := []string{i.Key, i.Text, string(i.Dimension), "", "", points(i)}
		if i.Kind == surveys.Rating {
			row[3], row[4] = i.Scale.String(), "higher_is_better"
			if i.Reversed {
				row[4] = "lower_is_better"
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func table() (string, error) {
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(append([][]string{Columns}, Rows()...)); err != nil {
		return "", fmt.Errorf("writing the questionnaire: %w", err)
	}
	return b.String(), nil
}

// script returns a Google Apps Script that makes the form.
func script() (string, error) {
	var statements []string
	for _, i := range Items() {
		if len(i.Headers) > 1 {
			statements = append(statements, i.Text)
		}
	}
	js := func(v any) (string, error) {
		out, err := json.MarshalIndent(v, "  ", "  ")
		return string(out), err
	}
	rows, err := js(statements)
	if err != nil {
		return "", fmt.Errorf("writing the questionnaire: %w", err)
	}
	columns, err := js(append(append([]string{}, agreement...), unsure))
	if err != nil {
		return "", fmt.Errorf("writing the questionnaire: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `// Makes the questionnaire as a Google form: paste it into a project of Google Apps Script and run it once. The log
// shows the addresses of the form. Export its responses as CSV, and import them with: dxctl survey import
function createSurvey() {
  var form = FormApp.create("Developer survey");
  form.setDescription(%q);
  form.setCollectEmail(true);
  form.setLimitOneResponsePerUser(true);
  var rows = %s;
  var columns = %s;
  form.addGridItem().setTitle(%q).setRows(rows).setColumns(columns);
`, Privacy, rows, columns, Grid)
	for _, i := range Items() {
		switch {
		case len(i.Headers) > 1:
		case i.Kind == surveys.Comment:
			fmt.Fprintf(&b, "  form.addParagraphTextItem().setTitle(%q);\n", i.Text)
		default:
			low, high, _ := strings.Cut(points(i), " to ")
			fmt.Fprintf(&b, "  form.addScaleItem().setTitle(%q).setBounds(%d, %d).setLabels(%q, %q);\n", i.Text,
				i.Scale.Min, i.Scale.Max, words(low), words(high))
		}
	}
	b.WriteString("  Logger.log(form.getEditUrl());\n  Logger.log(form.getPublishedUrl());\n}\n")
	return b.String(), nil
}

// words returns a label without its number: "0 not at all likely".
func words(label string) string {
	_, text, _ := strings.Cut(label, " ")
	return text
}
