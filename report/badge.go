package report

import (
	"context"
	"slices"
	"time"

	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// Badge is a badge as the endpoint format of shields.io has it.
type Badge struct {
	SchemaVersion int    `json:"schemaVersion"` // always 1
	Label         string `json:"label"`
	Message       string `json:"message"`
	Color         string `json:"color"`
}

// BadgeAge is how long a badge may be kept.
const BadgeAge = 5 * time.Minute

// Badge returns the badge of a service for a scorecard; for the first that grades the service if scorecard is "". The
// error is a *NotFoundError for a service or a scorecard that there is not.
func (r *Reader) Badge(ctx context.Context, ref, scorecard string) (Badge, error) {
	service, err := r.Service(ctx, ref)
	if err != nil {
		return Badge{}, err
	}
	i := slices.IndexFunc(service.Reports, func(x scorecards.Report) bool {
		return scorecard == "" || x.Scorecard == scorecard
	})
	if i < 0 && scorecard == "" {
		return Badge{}, notFound("no scorecard grades %s", words.RefName(ref))
	}
	if i < 0 {
		return Badge{}, notFound("%s is not graded by a scorecard %q; /api/v1/services has those that grade it",
			words.RefName(ref), scorecard)
	}
	return badgeOf(service.Reports[i], r.Levels(service.Reports[i].Scorecard), r.deps.Now()), nil
}

// badgeOf returns the badge of a grade. The message has the level and how old the oldest fact is that the grade is
// based on; of a service without a level, whether that is because of what fails or because of what is not known.
func badgeOf(report scorecards.Report, levels []string, now time.Time) Badge {
	b := Badge{SchemaVersion: 1, Label: report.Title, Message: words.Level(report.Level)}
	switch at := slices.Index(levels, report.Level); {
	case report.Coverage == 0:
		b.Message, b.Color = "not known", "lightgrey"
	case at == len(levels)-1:
		b.Color = "brightgreen"
	case at > 0:
		b.Color = "green"
	case at == 0:
		b.Color = "yellow"
	case slices.ContainsFunc(report.Next, func(x scorecards.Result) bool { return x.Outcome == "fail" }):
		b.Message, b.Color = "no level", "red"
	default:
		b.Message, b.Color = "no level known", "lightgrey"
	}
	if oldest := oldestFact(report); !oldest.IsZero() {
		b.Message += " · data " + words.Ago(oldest, now)
	}
	return b
}

// oldestFact returns when the oldest of the known facts was observed that the grade is based on; zero: there is none.
func oldestFact(report scorecards.Report) time.Time {
	var oldest time.Time
	for i := range report.Results {
		for _, f := range report.Results[i].FactsUsed() {
			if f.Error == "" && !f.ObservedAt.IsZero() && (oldest.IsZero() || f.ObservedAt.Before(oldest)) {
				oldest = f.ObservedAt
			}
		}
	}
	return oldest
}
