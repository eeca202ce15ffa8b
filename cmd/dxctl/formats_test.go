package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/surveys/intake"
	"github.com/dxctl/dxctl/surveys/questionnaire"
)

// TestSurveysInEveryFormat: what a command prints for people, it prints for programs.
func TestSurveysInEveryFormat(t *testing.T) {
	value := 40.0
	number := report.SurveyNumber{Measure: report.SurveyItems, Item: "builds", Text: "Builds are fast", N: 9,
		Score: report.SurveyEstimate{Value: &value}}
	index := number
	index.Measure, index.Item, index.Text = report.SurveyIndex, "", "Index"
	rule := report.LinkedRule{Title: "CI is fast"}
	hurts := []report.SurveyHurt{{
		Text: number.Text, Score: number.Score, N: 9, Rule: rule, All: report.RuleShare{Pass: 1, Of: 4},
	}}
	done := []report.SurveyDone{
		{Text: number.Text, Rule: rule, Began: []string{"a"}}, {Text: "Docs are clear", Rule: rule}, // nothing was done
	}
	row := report.SurveyRow{Answers: 9, Numbers: []report.SurveyNumber{index, number}}
	results := &report.SurveyResults{Everyone: row, Rows: []report.SurveyRow{row}}
	byGroup, byQuestion, oneQuestion := output.Table{}, output.Table{}, output.Table{}
	groupTable(&byGroup, results)
	questionTable(&byQuestion, results)
	groupQuestionTable(&oneQuestion, results)
	for _, c := range []struct {
		name  string
		table output.Table
		rows  int
		csv   string // a line of it
	}{
		{"import", previewTable(intake.Preview{Columns: []intake.PreviewColumn{{Column: "B", Header: "Builds"}}}), 1,
			"B,Builds,,,,,,"},
		{"list and show", surveyTable(surveyState{}), 0, "item,question,kind,dimension,scale,direction,rules"},
		{"follow-up", followUpTable(&report.SurveyFollowUp{Hurts: hurts, Done: done}), 3,
			"fix,Builds are fast,CI is fast,40 of 100; 1 of 4 services pass,"},
		{"summary", surveySummaryTable(&report.SurveySummary{Everyone: row, Lowest: []report.SurveyNumber{number}, Hurts: hurts,
			Done: done}), 4, "lowest,Builds are fast,40,9,—,"},
		{"results by group", byGroup, 2, "everyone,9,—,—,40,not asked,not asked,not asked,—"},
		{"results by question", byQuestion, 2, "Builds are fast,builds,9,—,40,—,—,—,—"},
		{"results of a question", oneQuestion, 4, "everyone,9,—,40,—,—,—,—"},
		{"template", output.Table{Columns: questionnaire.Columns, Rows: questionnaire.Rows()},
			len(questionnaire.Items()), ""},
	} {
		for _, format := range output.Formats {
			var b strings.Builder
			if err := c.table.Print(&b, format); err != nil || strings.TrimSpace(b.String()) == "" {
				t.Errorf("%s -o %s prints %q, %v", c.name, format, b.String(), err)
			}
			lines := strings.Split(strings.TrimSpace(b.String()), "\n")
			if format == "csv" && (len(lines) != 1+c.rows || c.csv != "" && !slices.Contains(lines, c.csv)) {
				t.Errorf("%s -o csv prints no %q, or not %d rows:\n%s", c.name, c.csv, c.rows, b.String())
			}
			if format == "tsv" && len(lines) != 1+c.rows {
				t.Errorf("%s -o tsv prints %d lines, want %d:\n%s", c.name, len(lines), 1+c.rows, b.String())
			}
		}
	}
}

// TestEveryTableHasColumns: a table without columns has no rows for a spreadsheet. It may be printed as JSON only, or
// get its columns from a function that it is passed to.
func TestEveryTableHasColumns(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set, tables := token.NewFileSet(), 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		excused := map[ast.Node]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CaseClause: // case "json":
				excuse(n.List, n.Body, excused)
			case *ast.IfStmt: // if s.output == "json"
				if is, ok := n.Cond.(*ast.BinaryExpr); ok && is.Op == token.EQL {
					excuse([]ast.Expr{is.Y}, n.Body.List, excused)
				}
			case *ast.CallExpr: // Print(w, "json")
				if len(n.Args) == 2 && isJSON(n.Args[1:]) {
					excuse(n.Args[1:], []ast.Stmt{&ast.ExprStmt{X: n.Fun}}, excused)
				}
			case *ast.CompositeLit:
				if kind, ok := n.Type.(*ast.SelectorExpr); !ok || kind.Sel.Name != "Table" {
					return true
				}
				tables++
				if excused[n] || len(n.Elts) == 0 || name == "survey_results.go" { // its tables are in the test above
					return true
				}
				if !slices.ContainsFunc(n.Elts, func(e ast.Expr) bool {
					pair, ok := e.(*ast.KeyValueExpr)
					return ok && pair.Key.(*ast.Ident).Name == "Columns"
				}) {
					t.Errorf("%s: the table has no columns, so that -o csv and -o tsv cannot print it", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
	if tables < 40 {
		t.Errorf("%d tables were found", tables)
	}
}

func isJSON(values []ast.Expr) bool {
	return len(values) == 1 && slices.ContainsFunc(values, func(e ast.Expr) bool {
		text, ok := e.(*ast.BasicLit)
		return ok && text.Value == `"json"`
	})
}

// excuse marks what is in the body of a condition that only JSON meets.
func excuse(values []ast.Expr, body []ast.Stmt, excused map[ast.Node]bool) {
	if !isJSON(values) {
		return
	}
	for _, statement := range body {
		ast.Inspect(statement, func(n ast.Node) bool {
			if n != nil {
				excused[n] = true
			}
			return true
		})
	}
}
