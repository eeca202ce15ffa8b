package route

import (
	"maps"
	"slices"

	"github.com/dxctl/dxctl/report"
)

// SurveyFilters are the filters of the results of a survey.
var SurveyFilters = []string{"q", "by", "team", "tenure", "golden_path", "question"}

// SurveyQueryOf reads which results of a survey are asked for.
func SurveyQueryOf(r Request) (report.SurveyQuery, error) {
	q := report.SurveyQuery{
		Survey: r.Param("survey"), By: report.SurveyBy(r.Query("by", string(report.SurveyByTeam))),
		Group: report.SurveyGroup{Team: r.Query("team", ""), Tenure: r.Query("tenure", ""),
			GoldenPath: r.Query("golden_path", "")},
		Question: r.Query("question", ""),
	}
	known := make([]string, len(report.SurveyBys))
	for i, b := range report.SurveyBys {
		known[i] = string(b)
	}
	if err := OneOf("by", string(q.By), known...); err != nil {
		return q, err
	}
	if q.Group.GoldenPath == "" {
		return q, nil
	}
	return q, OneOf("golden_path", q.Group.GoldenPath, "yes", "no")
}

// SurveyTeam returns an error unless the team of a query, if it names one, is a team of the survey.
func SurveyTeam(q report.SurveyQuery, s report.Survey) error {
	if q.Group.Team == "" {
		return nil
	}
	return OneOf("team", q.Group.Team, slices.Sorted(maps.Keys(s.Parents))...)
}
