package report

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/surveys/statistics"
)

// What a number of a survey is about.
const (
	SurveyResponses = "responses"
	SurveyItems     = "item"
	SurveyDimension = "dimension"
	SurveyIndex     = "index"
)

// SurveyPath is the address of the page of a survey.
func SurveyPath(id string) string { return "/surveys/" + url.PathEscape(id) }

// SurveyItem is a question of a published survey.
type SurveyItem struct {
	Key       string   `json:"key"`
	Text      string   `json:"text"`
	Dimension string   `json:"dimension"`
	Min       int      `json:"min"`
	Max       int      `json:"max"`
	Reversed  bool     `json:"reversed"`
	DontKnow  int      `json:"dont_know"` // of everyone
	Rules     []string `json:"rules"`
	Counted   bool     `json:"counted"` // it is a part of its dimension: its results are shown of everyone
}

// SurveyGroup is a set of people; the zero value is everyone.
type SurveyGroup struct {
	Team       string `json:"team"` // with its sub-teams
	Tenure     string `json:"tenure"`
	GoldenPath string `json:"golden_path"` // yes, no
}

// Name is the group in words.
func (g SurveyGroup) Name() string {
	var parts []string
	if g.Team != "" {
		parts = append(parts, g.Team)
	}
	if g.Tenure != "" {
		parts = append(parts, g.Tenure)
	}
	switch g.GoldenPath {
	case "yes":
		parts = append(parts, "on the golden path")
	case "no":
		parts = append(parts, "not on the golden path")
	}
	if len(parts) == 0 {
		return "everyone"
	}
	return strings.Join(parts, ", ")
}

// Survey is a published survey.
type Survey struct {
	ID          string            `json:"survey"`
	Version     uint64            `json:"version"`
	Title       string            `json:"title"`
	Opens       time.Time         `json:"opens_at"`
	Closes      time.Time         `json:"closes_at"` // the end of its last day
	TimeZone    string            `json:"time_zone"` // in which its days are
	FirstDay    time.Time         `json:"-"`         // midnight UTC of the day
	LastDay     time.Time         `json:"-"`
	PublishedAt time.Time         `json:"published_at"`
	Items       []SurveyItem      `json:"-"`
	Parents     map[string]string `json:"-"` // team → the team that it is a part of; of the teams that are shown
	// Few and Complementary count groups that are hidden everywhere: with too few answers, and those by which such groups
	// could be derived. HiddenCells counts results that are hidden of the groups that are shown.
	Few           uint32 `json:"hidden_groups_few"`
	Complementary uint32 `json:"hidden_groups_complementary"`
	HiddenCells   uint32 `json:"hidden_results"`
}

// Path is the page of the survey.
func (s Survey) Path() string { return SurveyPath(s.ID) }

// Item returns the question with a key.
func (s Survey) Item(key string) (SurveyItem, bool) {
	i := slices.IndexFunc(s.Items, func(i SurveyItem) bool { return i.Key == key })
	if i < 0 {
		return SurveyItem{}, false
	}
	return s.Items[i], true
}

// surveyRow is a row of the view surveys.
type surveyRow struct {
	Survey        string    `ch:"survey"`
	Version       uint64    `ch:"version"`
	Title         string    `ch:"title"`
	OpensAt       time.Time `ch:"opens_at"`
	ClosesAt      time.Time `ch:"closes_at"`
	TimeZone      string    `ch:"time_zone"`
	PublishedAt   time.Time `ch:"published_at"`
	Items         string    `ch:"items"`
	Teams         string    `ch:"teams"`
	Few           uint32    `ch:"few"`
	Complementary uint32    `ch:"complementary"`
	HiddenCells   uint32    `ch:"hidden_cells"`
}

// Surveys returns the published surveys, the latest one first.
func (r *Reader) Surveys(ctx context.Context) ([]Survey, error) {
	return cached(ctx, r, "surveys", func(ctx context.Context) ([]Survey, error) {
		var rows []surveyRow
		err := r.deps.Store.Select(ctx, &rows, `SELECT survey, version, title, opens_at, closes_at, time_zone, published_at, items,
    teams, few, complementary, hidden_cells
FROM surveys ORDER BY closes_at DESC, survey DESC`, nil)
		if err != nil {
			return nil, fmt.Errorf("reading the published surveys: %w", err)
		}
		all := make([]Survey, len(rows))
		for i, row := range rows {
			s := Survey{
				ID: row.Survey, Version: row.Version, Title: row.Title, Opens: row.OpensAt.UTC(), Closes: row.ClosesAt.UTC(),
				PublishedAt: row.PublishedAt.UTC(), TimeZone: cmp.Or(row.TimeZone, "UTC"), Few: row.Few,
				Complementary: row.Complementary, HiddenCells: row.HiddenCells,
			}
			zone, err := time.LoadLocation(s.TimeZone)
			if err != nil {
				return nil, fmt.Errorf("reading the time zone of survey %s: %w", s.ID, err)
			}
			s.FirstDay, s.LastDay = words.DayIn(s.Opens, zone), words.DayIn(s.Closes.Add(-1), zone)
			if err := json.Unmarshal([]byte(row.Items), &s.Items); err != nil {
				return nil, fmt.Errorf("reading the items of survey %s: %w", s.ID, err)
			}
			if err := json.Unmarshal([]byte(row.Teams), &s.Parents); err != nil {
				return nil, fmt.Errorf("reading the teams of survey %s: %w", s.ID, err)
			}
			all[i] = s
		}
		return all, nil
	})
}

// survey returns a published survey, and the published one before it, if there is one.
func (r *Reader) survey(ctx context.Context, id string) (s Survey, before *Survey, err error) {
	all, err := r.Surveys(ctx)
	if err != nil {
		return Survey{}, nil, err
	}
	i := slices.IndexFunc(all, func(s Survey) bool { return s.ID == id })
	if i >= 0 {
		if i+1 < len(all) {
			before = &all[i+1]
		}
		return all[i], before, nil
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	if len(ids) == 0 {
		return Survey{}, nil, notFound("survey %q is not published; no survey is", id)
	}
	if hint := spelling.Nearest(id, ids); hint != "" {
		return Survey{}, nil, notFound("survey %q is not published; did you mean %q?", id, hint)
	}
	return Survey{}, nil, notFound("survey %q is not published; published are %s", id, strings.Join(ids, ", "))
}

// surveyCell is a row of the view survey_results.
type surveyCell struct {
	Survey     string   `ch:"survey"`
	Team       string   `ch:"team"`
	Tenure     string   `ch:"tenure"`
	GoldenPath string   `ch:"golden_path"`
	Measure    string   `ch:"measure"`
	Item       string   `ch:"item"`
	Answers    uint32   `ch:"answers"`
	People     uint32   `ch:"people"`
	Counts     []uint32 `ch:"counts"`
	Total      float64  `ch:"total"`
	Squares    float64  `ch:"squares"`
}

func (c *surveyCell) group() SurveyGroup { return SurveyGroup{c.Team, c.Tenure, c.GoldenPath} }

// surveyCells reads what fits a condition over the columns of the view, in no order.
func (r *Reader) surveyCells(ctx context.Context, where string, params map[string]any) ([]surveyCell, error) {
	var cells []surveyCell
	err := r.deps.Store.Select(ctx, &cells, `SELECT survey, team, tenure, golden_path, measure, item, answers, people, counts,
    total, squares
FROM survey_results WHERE `+where, params)
	if err != nil {
		return nil, fmt.Errorf("reading the results of surveys: %w", err)
	}
	return cells, nil
}

// SurveyBy is what the rows of results are: teams, bands of tenure, on or off the golden path, questions.
type SurveyBy string

// What rows can be.
const (
	SurveyByTeam       SurveyBy = "team"
	SurveyByTenure     SurveyBy = "tenure"
	SurveyByGoldenPath SurveyBy = "golden-path"
	SurveyByQuestion   SurveyBy = "question"
)

// SurveyBys are all of them.
var SurveyBys = []SurveyBy{SurveyByTeam, SurveyByTenure, SurveyByGoldenPath, SurveyByQuestion}

// SurveyQuery asks for results.
type SurveyQuery struct {
	Survey   string // id; "": the latest published one
	By       SurveyBy
	Group    SurveyGroup // whose; of the part that By lists it is not used, but a team limits the list to its sub-teams
	Question string      // key of an item: only this one
	NoItems  bool        // leave the questions out, unless they are the rows: only the index and the dimensions
	Linked   bool        // leave the questions out that name no rule
}

// SurveyResults are results of a survey.
type SurveyResults struct {
	Survey   Survey
	Before   *Survey // the published survey before it; nil: there is none
	Everyone SurveyRow
	Rows     []SurveyRow
}

// SurveyRow is what is shown of a group.
type SurveyRow struct {
	SurveyGroup
	Parent       string         `json:"parent,omitempty"` // of the team
	Answers      int            `json:"answers"`          // people who answered
	People       int            `json:"people"`           // who could answer; 0: not known
	ResponseRate *float64       `json:"response_rate"`    // 0–1; null: not known
	Numbers      []SurveyNumber `json:"numbers"`
}

// Number returns the number of a measure and item.
func (r SurveyRow) Number(measure, item string) *SurveyNumber {
	for i := range r.Numbers {
		if r.Numbers[i].Measure == measure && r.Numbers[i].Item == item {
			return &r.Numbers[i]
		}
	}
	return nil
}

// SurveyResults returns results.
func (r *Reader) SurveyResults(ctx context.Context, q SurveyQuery) (*SurveyResults, error) {
	if q.Survey == "" {
		all, err := r.Surveys(ctx)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, notFound(`no survey is published; import one with "dxctl survey import" and publish it`)
		}
		q.Survey = all[0].ID
	}
	s, before, err := r.survey(ctx, q.Survey)
	if err != nil {
		return nil, err
	}
	if err := checkQuestion(s, q.Question); err != nil {
		return nil, err
	}
	return cached(ctx, r, fmt.Sprintf("survey results %#v", q), func(ctx context.Context) (*SurveyResults, error) {
		return r.surveyResults(ctx, s, before, q)
	})
}

func checkQuestion(s Survey, key string) error {
	if _, ok := s.Item(key); ok || key == "" {
		return nil
	}
	var keys []string
	for _, i := range s.Items {
		keys = append(keys, i.Key)
	}
	if hint := spelling.Nearest(key, keys); hint != "" {
		return notFound("survey %s has no question %q; did you mean %q?", s.ID, key, hint)
	}
	return notFound("survey %s has no question %q; it has %s", s.ID, key, strings.Join(keys, ", "))
}

func (r *Reader) surveyResults(ctx context.Context, s Survey, before *Survey, q SurveyQuery) (*SurveyResults, error) {
	out := &SurveyResults{Survey: s, Before: before, Rows: []SurveyRow{}}
	ids := []string{s.ID}
	if before != nil {
		ids = append(ids, before.ID)
	}
	where, params := surveyCondition(q, s)
	params["ids"] = ids
	cells, err := r.surveyCells(ctx, "survey IN {ids:Array(String)} AND ("+where+")", params)
	if err != nil {
		return nil, err
	}
	rows := surveyRows(s, before, cells)
	for g, row := range rows {
		if g == (SurveyGroup{}) {
			out.Everyone = *row
		}
		if !q.lists(g, s) {
			continue
		}
		if q.By != SurveyByQuestion {
			out.Rows = append(out.Rows, *row)
			continue
		}
		for _, n := range row.Numbers { // a row for each
			one := *row
			one.Numbers = []SurveyNumber{n}
			out.Rows = append(out.Rows, one)
		}
	}
	slices.SortStableFunc(out.Rows, func(a, b SurveyRow) int {
		return cmp.Or(strings.Compare(s.teamPath(a.Team), s.teamPath(b.Team)), cmp.Compare(tenureRank(a.Tenure),
			tenureRank(b.Tenure)), strings.Compare(a.Tenure, b.Tenure), strings.Compare(b.GoldenPath, a.GoldenPath))
	})
	return out, nil
}

// oneNumber reports whether each row of a query is about one number: that of a question, or of a row that is one.
func (q SurveyQuery) oneNumber() bool { return q.By == SurveyByQuestion || q.Question != "" }

// WithQuestions adds the numbers of all questions to results of groups that were asked for with NoItems: to everyone,
// and to the rows given, which are some of those of the results. A document of 400 teams would have 18,000 numbers, and
// a page of it needs those of its rows.
func (r *Reader) WithQuestions(
	ctx context.Context, x *SurveyResults, rows []SurveyRow,
) (everyone SurveyRow, all []SurveyRow, err error) {
	ids := []string{x.Survey.ID}
	if x.Before != nil {
		ids = append(ids, x.Before.ID)
	}
	var teams, tenures, paths []string
	for _, row := range append([]SurveyRow{x.Everyone}, rows...) {
		teams, tenures, paths = append(teams, row.Team), append(tenures, row.Tenure), append(paths, row.GoldenPath)
	}
	cells, err := r.surveyCells(ctx, `survey IN {ids:Array(String)} AND measure = 'item' AND team IN {teams:Array(String)}
    AND tenure IN {tenures:Array(String)} AND golden_path IN {paths:Array(String)}`,
		map[string]any{"ids": ids, "teams": teams, "tenures": tenures, "paths": paths})
	if err != nil {
		return SurveyRow{}, nil, err
	}
	found := surveyRows(x.Survey, x.Before, cells)
	with := func(row SurveyRow) SurveyRow {
		if items := found[row.SurveyGroup]; items != nil {
			row.Numbers = slices.Concat(row.Numbers, items.Numbers)
		}
		return row
	}
	all = make([]SurveyRow, len(rows))
	for i, row := range rows {
		all[i] = with(row)
	}
	return with(x.Everyone), all, nil
}

// surveyRows are the results of the groups in some cells of a survey, with the changes since the one before it.
func surveyRows(s Survey, before *Survey, cells []surveyCell) map[SurveyGroup]*SurveyRow {
	earlier := map[surveyKey]*surveyCell{}
	for i := range cells {
		if c := &cells[i]; before != nil && c.Survey == before.ID {
			earlier[surveyKey{c.group(), c.Measure, c.Item}] = c
		}
	}
	same := sameDimensions(s, before)
	rows := map[SurveyGroup]*SurveyRow{}
	for i := range cells {
		c := &cells[i]
		if c.Survey != s.ID {
			continue
		}
		row := rows[c.group()]
		if row == nil {
			row = &SurveyRow{SurveyGroup: c.group(), Parent: s.Parents[c.Team], Numbers: []SurveyNumber{}}
			rows[c.group()] = row
		}
		if c.Measure == SurveyResponses {
			row.Answers, row.People = int(c.Answers), int(c.People)
			if rate, ok := statistics.ResponseRate(row.Answers, row.People); ok {
				row.ResponseRate = &rate
			}
			continue
		}
		number := newSurveyNumber(s, c)
		if e := earlier[surveyKey{c.group(), c.Measure, c.Item}]; e != nil {
			number.compare(s, c, *before, e, same)
		}
		row.Numbers = append(row.Numbers, number)
	}
	order := s.numberOrder()
	for _, row := range rows {
		order.sort(row.Numbers)
	}
	return rows
}

type surveyKey struct {
	SurveyGroup
	measure, item string
}

// surveyCondition selects the cells of a query, and those of everyone.
func surveyCondition(q SurveyQuery, s Survey) (where string, params map[string]any) {
	params = map[string]any{"team": q.Group.Team, "tenure": q.Group.Tenure, "path": q.Group.GoldenPath}
	team, tenure, path := "team = {team:String}", "tenure = {tenure:String}", "golden_path = {path:String}"
	numbers := "1"
	switch q.By {
	case SurveyByTeam:
		team = "1"
	case SurveyByTenure:
		tenure = "1"
	case SurveyByGoldenPath:
		path = "1"
	case SurveyByQuestion:
	}
	switch {
	case q.Question != "":
		numbers = "measure = 'responses' OR measure = 'item' AND item = {item:String}"
		params["item"] = q.Question
	case q.NoItems && q.By != SurveyByQuestion:
		numbers = "measure != 'item'"
	case q.Linked:
		keys := []string{}
		for _, item := range s.Items {
			if len(item.Rules) > 0 {
				keys = append(keys, item.Key)
			}
		}
		numbers, params["linked"] = "measure != 'item' OR item IN {linked:Array(String)}", keys
	}
	return fmt.Sprintf("(%s AND %s AND %s OR team = '' AND tenure = '' AND golden_path = '') AND (%s)", team, tenure, path,
		numbers), params
}

// lists reports whether a group is a row of the query.
func (q SurveyQuery) lists(g SurveyGroup, s Survey) bool {
	switch q.By {
	case SurveyByTeam:
		return g.Team != "" && g.Tenure == q.Group.Tenure && g.GoldenPath == q.Group.GoldenPath &&
			(q.Group.Team == "" || s.within(g.Team, q.Group.Team))
	case SurveyByTenure:
		return g.Tenure != "" && g.Team == q.Group.Team && g.GoldenPath == q.Group.GoldenPath
	case SurveyByGoldenPath:
		return g.GoldenPath != "" && g.Team == q.Group.Team && g.Tenure == q.Group.Tenure
	case SurveyByQuestion:
	}
	return g == q.Group
}

// above returns a team and those that it is a part of, the team itself first.
func (s Survey) above(team string) []string {
	var all []string
	for ; team != "" && len(all) <= len(s.Parents); team = s.Parents[team] {
		all = append(all, team)
	}
	return all
}

func (s Survey) within(team, above string) bool { return slices.Contains(s.above(team), above) }

// teamPath sorts teams below the team that they are a part of.
func (s Survey) teamPath(team string) string {
	all := s.above(team)
	slices.Reverse(all)
	return strings.ToLower(strings.Join(all, "\x00"))
}

// tenureRank orders bands of tenure, the shortest first.
func tenureRank(tenure string) int {
	return slices.Index([]string{"", "under 3 months", "3 to 12 months", "1 to 3 years", "3 years and more"}, tenure)
}
