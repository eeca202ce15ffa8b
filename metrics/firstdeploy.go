package metrics

import (
	"context"
	"fmt"
	"time"
)

// Population is whose first deployment is asked for.
type Population string

// The subjects of time to first deploy.
const (
	Engineers Population = "engineers"
	Services  Population = "services"
)

// TTFDOptions narrows and groups a time to first deploy.
type TTFDOptions struct {
	Cohort Grouping // Month, Quarter, HalfYear or Team; empty is Quarter
	Window Window   // of the subjects' start; open by default
}

// TTFD is the time to first deploy of engineers or services.
type TTFD struct {
	Definition   Definition     `json:"definition"`
	Overall      Cohort         `json:"overall"`
	Cohorts      []Cohort       `json:"cohorts"`  // ordered by start, teams by name; at most MaxCohorts
	Subjects     []Subject      `json:"subjects"` // everybody, also those that are in no estimate
	Excluded     []Excluded     `json:"excluded"` // why subjects are in no estimate, and how many
	Completeness []Completeness `json:"completeness"`
}

// Cohort is the estimate for the subjects that started in one span, or in one team.
type Cohort struct {
	Label       string    `json:"label"`                 // 2026-Q4, a team, or "all"
	Start       time.Time `json:"start" nullable:"true"` // of the span; zero for teams
	N           int       `json:"n"`                     // subjects in the estimate
	Deployed    int       `json:"deployed"`
	Censored    int       `json:"censored"`     // of N: have not deployed yet, or left before they did
	Excluded    int       `json:"excluded"`     // subjects of the cohort that N leaves out
	MedianHours *float64  `json:"median_hours"` // nil: not reached yet
	P90Hours    *float64  `json:"p90_hours"`    // nil: not reached yet
	// thinned where curves have more than MaxCurvePoints; the quantiles are of all
	Curve      []SurvivalPoint `json:"curve"`
	CurveSteps int             `json:"curve_steps"` // points of the whole curve
}

// Subject is one person or service.
type Subject struct {
	Cohort       string     `json:"cohort"`
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Team         string     `json:"team"`
	StartedAt    time.Time  `json:"started_at"  nullable:"true"` // zero: not known
	DeployedAt   *time.Time `json:"deployed_at"`                 // nil: not yet
	Hours        float64    `json:"hours"`                       // until the first deployment, or until now or the end of their last day
	DeploymentID string     `json:"deployment_id"`
	// commit or time: it delivered a change of theirs; started: they started it; service: it is the service's own
	LinkMethod string `json:"link_method"`
	Service    string `json:"service"`
	URL        string `json:"url"`
	Counted    bool   `json:"counted"` // in the estimate
	Note       string `json:"note"`    // why not, or what is special
}

// Excluded is a reason for which subjects are in no estimate.
type Excluded struct {
	Reason string `json:"reason"`
	N      int    `json:"n"`
}

// The reasons for which a subject is in no estimate.
const (
	ReasonNoStart       = "start not known"
	ReasonFuture        = "has not started yet"
	ReasonBeforeHistory = "started before the collected history"
	ReasonBeforeStart   = "deployed before the recorded start"
	ReasonLeftFirst     = "left before the recorded start"
	ReasonNotConnected  = "no source was asked for its deployments"
	ReasonNoHistory     = "no production deployment was ever collected"
)

var reasons = []string{
	ReasonNoStart,
	ReasonFuture,
	ReasonBeforeHistory,
	ReasonBeforeStart,
	ReasonLeftFirst,
	ReasonNotConnected,
	ReasonNoHistory,
}

// TimeToFirstDeploy estimates how long it takes until the first successful production deployment. It returns a
// *[LimitError] when there are more than MaxCohorts cohorts.
func (e *Engine) TimeToFirstDeploy(ctx context.Context, of Population, opt TTFDOptions) (TTFD, error) {
	if opt.Cohort == "" {
		opt.Cohort = Quarter
	}
	if err := opt.Cohort.oneOf("time to first deploy", Month, Quarter, HalfYear, Team); err != nil {
		return TTFD{}, err
	}
	id, ok := map[Population]string{Engineers: TimeToFirstDeployEngineersID, Services: TimeToFirstDeployServicesID}[of]
	if !ok {
		return TTFD{}, fmt.Errorf("metrics: time to first deploy of %q; use %q or %q", string(of), Engineers, Services)
	}
	var rows []firstDeployRow
	d, err := e.query(ctx, id, &rows, map[string]any{"environment": Production, "service": ""})
	if err != nil {
		return TTFD{}, err
	}
	completeness, err := e.Completeness(ctx, id, "")
	if err != nil {
		return TTFD{}, err
	}
	result, err := estimate(rows, opt, e.now().UTC())
	if err != nil {
		return TTFD{}, err
	}
	result.Definition, result.Completeness = d, completeness
	return result, nil
}

// FirstDeploys returns the time to first deploy of every service of the catalog, also of those that are in no estimate;
// of one service only, unless service is empty.
func (e *Engine) FirstDeploys(ctx context.Context, service string) ([]Subject, error) {
	var rows []firstDeployRow
	params := map[string]any{"environment": Production, "service": service}
	if _, err := e.query(ctx, TimeToFirstDeployServicesID, &rows, params); err != nil {
		return nil, err
	}
	now := e.now().UTC()
	subjects := make([]Subject, len(rows))
	for i, r := range rows {
		subjects[i] = r.subject(now)
	}
	return subjects, nil
}

// firstDeployRow is a row of the queries of both metrics.
type firstDeployRow struct {
	ID           string     `ch:"id"`
	Name         string     `ch:"name"`
	Team         string     `ch:"team"`
	StartedAt    *time.Time `ch:"started_at"`
	LeftAt       *time.Time `ch:"left_at"` // the end of the last day: 00:00 UTC of the day after
	DeployedAt   *time.Time `ch:"deployed_at"`
	LinkMethod   string     `ch:"link_method"`
	DeploymentID string     `ch:"deployment_id"`
	Service      string     `ch:"service"`
	URL          string     `ch:"url"`
	HistoryAt    *time.Time `ch:"history_at"`
	Connected    bool       `ch:"connected"`
}

// subject judges one row: in the estimate or not, as an event or censored.
func (r firstDeployRow) subject(now time.Time) Subject {
	s := Subject{ID: r.ID, Name: r.Name, Team: r.Team}
	if r.DeployedAt != nil {
		at := r.DeployedAt.UTC()
		s.DeployedAt = &at
		s.DeploymentID, s.LinkMethod, s.Service, s.URL = r.DeploymentID, r.LinkMethod, r.Service, r.URL
	}
	if r.StartedAt == nil {
		s.Note = ReasonNoStart
		return s
	}
	s.StartedAt = r.StartedAt.UTC()
	until, left := now, r.LeftAt != nil && !r.LeftAt.After(now)
	if left {
		until = r.LeftAt.UTC()
	}
	switch {
	case s.DeployedAt == nil:
	case left && !s.DeployedAt.Before(until):
		s.undeploy("first deployed after leaving; counted as not deployed")
	case s.DeployedAt.After(now):
		s.undeploy("first deployment is later than now; counted as not deployed")
	default:
		until = *s.DeployedAt
	}
	s.Hours = until.Sub(s.StartedAt).Hours()
	if reason := r.reason(s, now); reason != "" {
		s.Note = reason
		return s
	}
	s.Counted = true
	if left && s.DeployedAt == nil && s.Note == "" {
		s.Note = "left before a first deployment"
	}
	return s
}

// undeploy drops a first deployment that does not count, and notes why.
func (s *Subject) undeploy(note string) {
	s.Note, s.DeployedAt = note, nil
	s.DeploymentID, s.LinkMethod, s.Service, s.URL = "", "", "", ""
}

// reason returns why the subject can be in no estimate, or "".
func (r firstDeployRow) reason(s Subject, now time.Time) string {
	switch {
	case s.StartedAt.After(now):
		return ReasonFuture
	case r.HistoryAt == nil:
		return ReasonNoHistory
	case s.StartedAt.Before(*r.HistoryAt):
		return ReasonBeforeHistory
	case s.DeployedAt != nil && s.DeployedAt.Before(s.StartedAt):
		return ReasonBeforeStart
	case r.LeftAt != nil && !s.StartedAt.Before(*r.LeftAt):
		return ReasonLeftFirst
	case !r.Connected:
		return ReasonNotConnected
	}
	return ""
}
