package route

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/spelling"
)

// The filters of lists. Pages and the API take the same.
var (
	ServiceFilters  = []string{"q", "team", "system", "lifecycle", "level", "rule", "outcome", "depends_on"}
	TeamFilters     = []string{"q"}
	LedgerFilters   = []string{"q", "source", "kind", "gaps", "windows"}
	UnmappedFilters = []string{"q", "provider"}
	WaiverFilters   = []string{"q", "state", "team", "rule"}
	// ComplianceFilters select the report about a standard, and controls of it.
	ComplianceFilters = []string{"standard", "service", "as_of", "q", "state"}
	SubjectFilters    = []string{"of", "cohort", "from", "to", "q", "team", "only", "state"}
)

// ServiceFilterOf reads the filter of a list of services.
func ServiceFilterOf(r Request, reader *report.Reader, choices report.ServiceChoices) (report.ServiceFilter, error) {
	f := report.ServiceFilter{
		Text: r.Query("q", ""), Team: r.Query("team", ""), System: r.Query("system", ""),
		Lifecycle: r.Query("lifecycle", ""), Level: r.Query("level", ""), Rule: r.Query("rule", ""),
		Outcome: r.Query("outcome", ""),
	}
	var rules []string
	for _, rule := range choices.Rules {
		rules = append(rules, rule.Name)
	}
	for _, filter := range []struct {
		name   string
		value  *string
		known  []string
		entity string // kind of the entities that the value can name
	}{
		{"team", &f.Team, slices.Concat(choices.Teams, choices.TeamRefs, []string{report.NoTeam}), "group"},
		{"system", &f.System, slices.Concat(choices.Systems, choices.SystemRefs), "system"},
		{"lifecycle", &f.Lifecycle, choices.Lifecycles, ""},
		{"level", &f.Level, choices.Levels, ""},
		{"rule", &f.Rule, rules, ""},
		{"outcome", &f.Outcome, choices.Outcomes, ""},
	} {
		if *filter.value == "" || slices.Contains(filter.known, *filter.value) {
			continue
		}
		if ref, err := entityRef(filter.name, *filter.value, filter.entity); err == nil && filter.entity != "" {
			if _, ok := reader.Catalog().Entity(ref); ok || slices.Contains(filter.known, ref) {
				*filter.value = ref
				continue
			}
		}
		return f, OneOf(filter.name, *filter.value, filter.known...)
	}
	return f, dependsOn(r, reader, &f)
}

// dependsOn reads the entity that the services of the list need.
func dependsOn(r Request, reader *report.Reader, f *report.ServiceFilter) error {
	name := r.Query("depends_on", "")
	if name == "" {
		return nil
	}
	ref, err := entityRef("depends_on", name, "component")
	if err != nil {
		return err
	}
	entity, ok := reader.Catalog().Entity(ref)
	if !ok {
		var refs []string
		for _, e := range reader.Catalog().Entities() {
			refs = append(refs, e.Ref)
		}
		return BadRequest("depends_on=%q is not in the catalog%s", name, spelling.Hint(ref, refs))
	}
	f.DependsOn = &entity
	return nil
}

// LedgerFilterOf reads the filter of the ledger. Several kinds are separated by commas.
func LedgerFilterOf(ctx context.Context, r Request, reader *report.Reader) (report.LedgerFilter, error) {
	f := report.LedgerFilter{Source: r.Query("source", ""), Text: r.Query("q", "")}
	var known []string
	for _, kind := range report.LedgerKinds {
		known = append(known, string(kind))
	}
	if kinds := r.Query("kind", ""); kinds != "" {
		for kind := range strings.SplitSeq(kinds, ",") {
			if err := OneOf("kind", kind, known...); err != nil {
				return f, err
			}
			f.Kinds = append(f.Kinds, event.Kind(kind))
		}
	}
	var err error
	if f.Gaps, err = r.Flag("gaps"); err != nil {
		return f, err
	}
	if f.Windows, err = r.Flag("windows"); err != nil {
		return f, err
	}
	return f, Known(ctx, "source", f.Source, reader.SourceNames)
}

// UnmappedFilterOf reads the filter of the scopes that no service claims.
func UnmappedFilterOf(ctx context.Context, r Request, reader *report.Reader) (report.UnmappedFilter, error) {
	f := report.UnmappedFilter{Provider: r.Query("provider", ""), Text: r.Query("q", "")}
	return f, Known(ctx, "provider", f.Provider, func(ctx context.Context) ([]string, error) {
		providers, err := reader.UnmappedProviders(ctx)
		names := report.Providers()
		for _, p := range providers {
			names = append(names, p.Provider)
		}
		return report.Distinct(names), err
	})
}

// WaiverFilterOf reads the filter of the list of waivers.
func WaiverFilterOf(r Request, waivers report.Waivers) (report.WaiverFilter, error) {
	f := report.WaiverFilter{
		Text: r.Query("q", ""), State: r.Query("state", ""), Team: r.Query("team", ""), Rule: r.Query("rule", ""),
	}
	var states, rules []string
	for _, s := range report.WaiverStates {
		states = append(states, string(s))
	}
	for _, w := range waivers.List {
		rules = append(rules, report.RuleName(w.Scorecard, w.Rule))
	}
	for _, filter := range []struct {
		name, value string
		known       []string
	}{{"state", f.State, states}, {"team", f.Team, waivers.Teams()}, {"rule", f.Rule, report.Distinct(rules)}} {
		if filter.value != "" {
			if err := OneOf(filter.name, filter.value, filter.known...); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// ComplianceParameters describe those of ComplianceFilters that mean something else elsewhere.
func ComplianceParameters() []Parameter {
	names := report.StandardNames()
	return []Parameter{
		{Name: "standard", Description: "public standard", Values: names, Default: names[0]},
		{Name: "service", Description: "name or ref of the only service that is looked at"},
		{Name: "state", Description: "state of the control for the service, or for any service",
			Values: texts(report.ControlStates)},
		{Name: "q", Description: "text that the id or the title of a control contains"},
		{Name: "as_of", Description: "a date, whose end in UTC is meant, or a time in RFC 3339: by the facts known then; " +
			"of one service"},
	}
}

// ComplianceOf returns the report that is asked for. A service that there is not is a mistake in a parameter.
func ComplianceOf(ctx context.Context, r Request, reader *report.Reader) (report.ComplianceQuery,
	report.ComplianceDocument, error) {
	query, err := complianceQueryOf(r, reader.Now())
	if err != nil {
		return query, report.ComplianceDocument{}, err
	}
	doc, err := reader.Compliance(ctx, query)
	if unknown := (*report.NotFoundError)(nil); errors.As(err, &unknown) {
		err = BadRequest("%s", unknown)
	}
	return query, doc, err
}

// complianceQueryOf reads which report is asked for.
func complianceQueryOf(r Request, now time.Time) (report.ComplianceQuery, error) {
	q := report.ComplianceQuery{Standard: r.Query("standard", ""), Text: r.Query("q", ""), State: r.Query("state", "")}
	var err error
	if q.Service, err = entityRef("service", r.Query("service", ""), "component"); err != nil {
		return q, err
	}
	text := r.Query("as_of", "")
	if text == "" {
		return q, nil
	}
	if q.Service == "" {
		return q, BadRequest("as_of is for the report of one service; name it, such as service=payment-service")
	}
	if q.AsOf, err = report.ParseAsOf(text, now); err != nil {
		return q, BadRequest("%s", err)
	}
	return q, nil
}

// SubjectFilterOf reads the filter of the subjects of a time to first deploy.
func SubjectFilterOf(
	ctx context.Context, r Request, reader *report.Reader, result metrics.TTFD,
) (report.SubjectFilter, error) {
	f := report.SubjectFilter{Text: r.Query("q", ""), Team: r.Query("team", ""), Cohort: r.Query("only", ""),
		State: report.SubjectState(r.Query("state", ""))}
	if f.State != "" {
		var states []string
		for _, s := range report.SubjectStates {
			states = append(states, string(s))
		}
		if err := OneOf("state", string(f.State), states...); err != nil {
			return f, err
		}
	}
	if f.Team != "" {
		groups, err := reader.TeamRefs(ctx)
		if err != nil {
			return f, err
		}
		teams := slices.Concat(SubjectTeams(result), groups)
		if ref, err := entityRef("team", f.Team, "group"); err == nil && !slices.Contains(teams, f.Team) {
			f.Team = ref
		}
		if err := OneOf("team", f.Team, teams...); err != nil {
			return f, err
		}
	}
	if f.Cohort == "" {
		return f, nil
	}
	var labels []string
	for _, c := range result.Cohorts {
		labels = append(labels, c.Label)
	}
	return f, OneOf("only", f.Cohort, labels...)
}

// SubjectTeams are the teams of the subjects of a time to first deploy.
func SubjectTeams(result metrics.TTFD) []string {
	var teams []string
	for _, s := range result.Subjects {
		teams = append(teams, s.Team)
	}
	return report.Distinct(teams)
}
