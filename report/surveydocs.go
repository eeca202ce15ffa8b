package report

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/surveys/statistics"
)

// SurveyDocument is a survey in lists.
type SurveyDocument struct {
	Survey
	Everyone SurveyRow `json:"everyone"`
	Path     string    `json:"path"` // of its page
}

// SurveysDocument is a page of the list of published surveys.
type SurveysDocument struct {
	Total   int              `json:"total"`
	Surveys []SurveyDocument `json:"surveys"`
	Open    []Participation  `json:"not_published"` // who took part so far in surveys that are not published
	Next    string           `json:"next"`
}

// SurveyResultsDocument has results of a survey.
type SurveyResultsDocument struct {
	Survey
	By       SurveyBy     `json:"by"`
	Before   string       `json:"before"` // id of the survey that changes are since; "": there is none
	Items    []SurveyItem `json:"items"`
	Everyone SurveyRow    `json:"everyone"`
	Total    int          `json:"total"` // rows that fit
	Rows     []SurveyRow  `json:"rows"`
	Path     string       `json:"path"` // of its page
	Next     string       `json:"next"`
}

// Document returns a page of results as a document.
func (x *SurveyResults) Document(by SurveyBy, rows []SurveyRow, p Page) SurveyResultsDocument {
	doc := SurveyResultsDocument{Survey: x.Survey, By: by, Items: list(x.Survey.Items), Everyone: x.Everyone,
		Total: len(rows), Rows: list(PageOf(rows, p)), Path: x.Survey.Path()}
	if x.Before != nil {
		doc.Before = x.Before.ID
	}
	return doc
}

// SurveyDocuments returns published surveys with what everyone answered.
func (r *Reader) SurveyDocuments(ctx context.Context) ([]SurveyDocument, error) {
	all, err := r.Surveys(ctx)
	if err != nil {
		return nil, err
	}
	return cached(ctx, r, "surveys with results", func(ctx context.Context) ([]SurveyDocument, error) {
		cells, err := r.surveyCells(ctx, "team = '' AND tenure = '' AND golden_path = ''", nil)
		if err != nil {
			return nil, err
		}
		docs := make([]SurveyDocument, len(all))
		for i, s := range all {
			var before *Survey
			if i+1 < len(all) {
				before = &all[i+1]
			}
			docs[i] = SurveyDocument{Survey: s, Path: s.Path(), Everyone: SurveyRow{Numbers: []SurveyNumber{}}}
			if row := surveyRows(s, before, cells)[SurveyGroup{}]; row != nil {
				docs[i].Everyone = *row
			}
		}
		return docs, nil
	})
}

// SurveyListColumns are the columns of the list of published surveys.
var SurveyListColumns = []sorting.Field[SurveyDocument]{
	text("survey", "survey", func(s SurveyDocument) string { return s.Title + " " + s.ID }),
	number("closes", "last day", func(s SurveyDocument) *float64 { return sorting.Value(float64(s.Closes.Unix())) }),
	number("answers", "answers", func(s SurveyDocument) *float64 { return sorting.Count(s.Everyone.Answers) }),
	number("rate", "response", func(s SurveyDocument) *float64 { return s.Everyone.ResponseRate }),
	number("index", "index", func(s SurveyDocument) *float64 { return s.Everyone.value(SurveyIndex, "") }),
	number("change", "change", func(s SurveyDocument) *float64 { return s.Everyone.indexChange() }),
}

// indexChange is how the index of a group changed; nil if it is not known.
func (r SurveyRow) indexChange() *float64 {
	if n := r.Number(SurveyIndex, ""); n != nil && n.Change != nil {
		return &n.Change.Difference
	}
	return nil
}

// TeamParticipation is how many people of a team answered so far.
type TeamParticipation struct {
	Team   string   `json:"team"` // with its sub-teams; "": everyone
	Parent string   `json:"parent,omitempty"`
	Count  int      `json:"answers"`
	People int      `json:"people"`        // who could; 0: not known
	Rate   *float64 `json:"response_rate"` // null: not known
}

// Participation is who took part in a survey that is not published, of the teams in which at least 5 did.
type Participation struct {
	Survey string              `json:"survey"`
	Title  string              `json:"title"`
	Closes string              `json:"closes_at"` // RFC 3339
	Open   bool                `json:"open"`      // answers are still taken
	Teams  []TeamParticipation `json:"teams"`
}

// Everyone is the participation of all; zero if fewer than 5 took part.
func (p Participation) Everyone() TeamParticipation {
	if len(p.Teams) > 0 && p.Teams[0].Team == "" {
		return p.Teams[0]
	}
	return TeamParticipation{}
}

// Participation returns who took part in the surveys that are not published.
func (r *Reader) Participation(ctx context.Context) ([]Participation, error) {
	if r.deps.Participation == nil {
		return []Participation{}, nil
	}
	all, err := r.deps.Participation(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		for k := range all[i].Teams {
			t := &all[i].Teams[k]
			if rate, ok := statistics.ResponseRate(t.Count, t.People); ok {
				t.Rate = &rate
			}
		}
	}
	return list(all), nil
}

// SurveyTrendPoint is a number of a group in one survey.
type SurveyTrendPoint struct {
	Survey Survey
	Number *SurveyNumber // nil: not asked, or hidden
}

// SurveyTrend returns a number of a group over all published surveys, the earliest one first.
func (r *Reader) SurveyTrend(ctx context.Context, g SurveyGroup, measure, item string) ([]SurveyTrendPoint, error) {
	all, err := r.Surveys(ctx)
	if err != nil {
		return nil, err
	}
	return cached(ctx, r, fmt.Sprintf("survey trend %q %q %q", g, measure, item),
		func(ctx context.Context) ([]SurveyTrendPoint, error) {
			cells, err := r.surveyCells(ctx, `team = {team:String} AND tenure = {tenure:String} AND golden_path = {path:String}
AND measure = {measure:String} AND item = {item:String}`,
				map[string]any{"team": g.Team, "tenure": g.Tenure, "path": g.GoldenPath, "measure": measure, "item": item})
			if err != nil {
				return nil, err
			}
			points := make([]SurveyTrendPoint, 0, len(all))
			var before *Survey
			var earlier *surveyCell
			for _, s := range slices.Backward(all) {
				p := SurveyTrendPoint{Survey: s}
				i := slices.IndexFunc(cells, func(c surveyCell) bool { return c.Survey == s.ID })
				if i >= 0 {
					n := newSurveyNumber(s, &cells[i])
					if earlier != nil {
						n.compare(s, &cells[i], *before, earlier, sameDimensions(s, before))
					}
					p.Number, earlier, before = &n, &cells[i], &s
				}
				points = append(points, p)
			}
			return points, nil
		})
}

// SurveyRowColumns are the columns of lists of groups.
var SurveyRowColumns = []sorting.Field[SurveyRow]{
	text("group", "group", func(r SurveyRow) string { return r.Name() }),
	number("answers", "answers", func(r SurveyRow) *float64 { return sorting.Count(r.Answers) }),
	number("rate", "response", func(r SurveyRow) *float64 { return r.ResponseRate }),
	number("index", "index", func(r SurveyRow) *float64 { return r.value(SurveyIndex, "") }),
	number("feedback_loops", "feedback loops", func(r SurveyRow) *float64 {
		return r.value(SurveyDimension, "feedback_loops")
	}),
	number("cognitive_load", "cognitive load", func(r SurveyRow) *float64 {
		return r.value(SurveyDimension, "cognitive_load")
	}),
	number("flow", "flow", func(r SurveyRow) *float64 { return r.value(SurveyDimension, "flow") }),
	number("change", "index since the survey before", SurveyRow.indexChange),
}

// SurveyItemColumns are the columns of lists whose rows have one number.
var SurveyItemColumns = []sorting.Field[SurveyRow]{
	text("group", "group", func(r SurveyRow) string { return r.Name() }),
	text("question", "question", func(r SurveyRow) string { return r.only().Text }),
	number("answers", "answers", func(r SurveyRow) *float64 { return sorting.Count(r.only().N) }),
	number("score", "score", func(r SurveyRow) *float64 { return r.only().Score.Value }),
	number("top_two", "top two", func(r SurveyRow) *float64 {
		if top := r.only().TopTwo; top != nil {
			return top.Value
		}
		return nil
	}),
	number("change", "since the survey before", func(r SurveyRow) *float64 {
		if change := r.only().Change; change != nil {
			return &change.Difference
		}
		return nil
	}),
}

// SurveyColumns are the columns of the rows of a query.
func SurveyColumns(q SurveyQuery) []sorting.Field[SurveyRow] {
	if q.oneNumber() {
		return SurveyItemColumns
	}
	return SurveyRowColumns
}

// AllSurveyColumns are the columns by which documents can be sorted: those of the rows of a query, and those of other
// rows, which are unknown in these.
func AllSurveyColumns(q SurveyQuery) []sorting.Field[SurveyRow] {
	all := slices.Clone(SurveyColumns(q))
	for _, field := range slices.Concat(SurveyRowColumns, SurveyItemColumns) {
		if slices.ContainsFunc(all, func(f sorting.Field[SurveyRow]) bool { return f.Key == field.Key }) {
			continue
		}
		if !q.oneNumber() { // a row has several numbers, and none is the one
			if field.Text != nil {
				field.Text = func(SurveyRow) string { return "" }
			} else {
				field.Value = func(SurveyRow) *float64 { return nil }
			}
		}
		all = append(all, field)
	}
	return all
}

// only is the number of a row that has one; the zero value if it has none.
func (r SurveyRow) only() SurveyNumber {
	if len(r.Numbers) == 0 {
		return SurveyNumber{}
	}
	return r.Numbers[0]
}

func (r SurveyRow) value(measure, item string) *float64 {
	if n := r.Number(measure, item); n != nil {
		return n.Score.Value
	}
	return nil
}

// SelectSurveyRows returns the rows of a query whose group or, if a row is about one, question contains the text, in
// any case.
func SelectSurveyRows(q SurveyQuery, rows []SurveyRow, text string) []SurveyRow {
	text = strings.ToLower(strings.TrimSpace(text))
	return slices.DeleteFunc(slices.Clone(rows), func(r SurveyRow) bool {
		name := r.Name()
		if q.oneNumber() {
			name += " " + r.only().Text
		}
		return !strings.Contains(strings.ToLower(name), text)
	})
}

// EstimateText is an estimate with its interval: "62 (55 to 69)".
func EstimateText(e SurveyEstimate, digits int) string {
	if e.Low == nil {
		return EstimateValue(e, digits)
	}
	return EstimateValue(e, digits) + " (" + EstimateInterval(e, digits) + ")"
}

// EstimateValue is an estimate without its interval.
func EstimateValue(e SurveyEstimate, digits int) string {
	if e.Value == nil {
		return words.Dash
	}
	return words.Fixed(*e.Value, digits)
}

// Bounds are the ends of the interval that is shown with an estimate. If at least 80 % answered it is what the others
// could change at most, because hardly anything is left to chance. ok is false if there is none: too few answers.
func (e SurveyEstimate) Bounds() (low, high float64, ok bool) {
	switch {
	case e.Worst != nil && e.Best != nil:
		return *e.Worst, *e.Best, true
	case e.Low != nil && e.High != nil:
		return *e.Low, *e.High, true
	}
	return 0, 0, false
}

// EstimateInterval is the interval of an estimate in words, "55 to 69".
func EstimateInterval(e SurveyEstimate, digits int) string {
	low, high, ok := e.Bounds()
	switch {
	case !ok:
		return "no interval: too few answers"
	case e.Worst != nil && low == high:
		return "all answered"
	}
	return words.Fixed(low, digits) + " to " + words.Fixed(high, digits)
}

// PValueText is a p-value with three digits. It is never 0.
func PValueText(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return words.Fixed(p, 3)
}

// ChangeText is a change in words: "+8.0 (beyond noise)", "-2.4 (within noise)".
func ChangeText(c *SurveyChange) string {
	if c == nil {
		return words.Dash
	}
	difference := words.Fixed(c.Difference, 1)
	if !strings.HasPrefix(difference, "-") {
		difference = "+" + difference
	}
	noise := "within noise"
	if c.BeyondNoise {
		noise = "beyond noise"
	}
	return difference + " (" + noise + ")"
}
