package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/sorting"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/spelling"
)

// OutcomeChanges returns the grades of rules (scorecard/rule) at which their outcomes changed, in any order of the
// entities; those of one rule of an entity from the oldest.
type OutcomeChanges func(ctx context.Context, rules []string) ([]event.Grade, error)

// Campaign is a campaign and how its selection stands.
type Campaign struct {
	campaign.Campaign
	State    campaign.State
	OwnerIs  string         // display name of Owner
	Now      campaign.Day   // the present grades
	AtEnd    *campaign.Day  // how it stood at the end of its last day; nil: that is not over, or nothing is stored
	Days     []campaign.Day // the burn-down: stored grades at each midnight UTC since its start
	Forecast campaign.Forecast
	Rows     []CampaignRow // the selection, what is left first
	Notes    []string      // sentences: what the numbers do not show

	ahead ahead
}

// Total returns how many services are selected.
func (c *Campaign) Total() int { return len(c.Rows) }

// CampaignRow is a service, or another graded entity, that a campaign selects.
type CampaignRow struct {
	Service    string           `json:"service"` // entity ref
	Name       string           `json:"name"`
	Owner      string           `json:"owner"` // entity ref; "" for none
	Team       string           `json:"team"`  // display name of the owner
	Verdict    campaign.Verdict `json:"verdict"`
	Since      *time.Time       `json:"since"`             // of the verdict, by the stored grades; null: not known
	SinceFirst bool             `json:"since_first_grade"` // it may have been so before
	Missing    []CampaignRule   `json:"missing"`           // rules that keep it from the goal: what fails first, then by effort
}

// CampaignRule is a rule that a service does not pass yet.
type CampaignRule struct {
	Rule    string        `json:"rule"`
	Title   string        `json:"title"`
	Outcome event.Outcome `json:"outcome"`
	Reason  string        `json:"reason"` // sentence: what is missing
	Fix     string        `json:"fix"`    // what makes it pass
	Effort  string        `json:"effort"`
	Action  []string      `json:"action"`  // kinds of what makes it pass: patch, setting, ask
	Command string        `json:"command"` // that does it
}

// Text is what the filter searches.
func (r CampaignRow) Text() string { return r.Name + " " + r.Team + " " + r.Service }

// effort returns the efforts of the missing rules, added up in the weights of the next steps; nil if none is missing.
func (r CampaignRow) effort() *float64 {
	if len(r.Missing) == 0 {
		return nil
	}
	sum := 0.0
	for _, m := range r.Missing {
		sum += scorecards.Effort(m.Effort).Cost()
	}
	return &sum
}

// Campaigns are all campaigns, and what is wrong with those that are not used.
type Campaigns struct {
	List     []Campaign // running ones first, those that end first before the others
	Problems []string
}

// campaignSet returns the campaigns as they were last read.
func (r *Reader) campaignSet() *campaign.Set {
	if r.deps.Campaigns == nil {
		return &campaign.Set{}
	}
	if set := r.deps.Campaigns(); set != nil {
		return set
	}
	return &campaign.Set{}
}

// Campaigns returns how every campaign stands.
func (r *Reader) Campaigns(ctx context.Context) (Campaigns, error) {
	set := r.campaignSet()
	all := Campaigns{Problems: set.Texts()}
	services, err := r.campaignServices(ctx, set)
	if err != nil {
		return Campaigns{}, err
	}
	for i := range set.Campaigns {
		c, err := r.campaign(ctx, &set.Campaigns[i], services, !r.deps.Now().Before(set.Campaigns[i].Starts))
		if err != nil {
			return Campaigns{}, err
		}
		all.List = append(all.List, c)
	}
	slices.SortStableFunc(all.List, func(a, b Campaign) int {
		return cmp.Or(cmp.Compare(slices.Index(campaign.States, a.State), slices.Index(campaign.States, b.State)),
			a.Ends.Compare(b.Ends), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// campaignServices returns what campaigns select from, by name; nothing without a campaign.
func (r *Reader) campaignServices(ctx context.Context, set *campaign.Set) ([]Service, error) {
	if len(set.Campaigns) == 0 {
		return nil, nil
	}
	services, err := r.Services(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(services.List, services.Others)
	names := make(map[string]string, len(all))
	for i := range all {
		names[all[i].Entity.Ref] = strings.ToLower(all[i].Entity.DisplayName())
	}
	slices.SortFunc(all, func(a, b Service) int {
		return cmp.Or(cmp.Compare(names[a.Entity.Ref], names[b.Entity.Ref]), cmp.Compare(a.Entity.Ref, b.Entity.Ref))
	})
	return all, nil
}

// Campaign returns how a campaign stands. The error is a *NotFoundError if there is none of this id.
func (r *Reader) Campaign(ctx context.Context, id string) (Campaign, error) {
	set := r.campaignSet()
	c, ok := set.Named(id)
	if !ok {
		return Campaign{}, notFound("no campaign has the id %q%s", id, spelling.Hint(id, set.IDs()))
	}
	services, err := r.campaignServices(ctx, set)
	if err != nil {
		return Campaign{}, err
	}
	return r.campaign(ctx, c, services, true)
}

// campaign returns how a campaign stands, with its history if that is asked for.
func (r *Reader) campaign(ctx context.Context, of *campaign.Campaign, services []Service, past bool) (Campaign, error) {
	now := r.deps.Now()
	c := Campaign{Campaign: *of, OwnerIs: displayName(r.deps.Catalog(), of.Owner)}
	c.stand(services, now)
	var history campaign.History
	if past {
		var err error
		if history, err = r.campaignHistory(ctx, of, c.Rows, now); err != nil {
			return Campaign{}, err
		}
	}
	c.Days = history.Days
	for i := range c.Rows {
		row := &c.Rows[i]
		if since, ok := history.Since[row.Service]; ok && since.Verdict == row.Verdict {
			at := since.At
			row.Since, row.SinceFirst = &at, since.First
		}
	}
	total, done, known := c.Total(), c.Now.Done(), true
	if of.Over(now) {
		known = false
		if n := len(c.Days); n > 0 && c.Days[n-1].Known {
			c.AtEnd = &c.Days[n-1]
			total, done, known = atEnd(c.AtEnd)
		}
	}
	c.State = of.StateAt(now, total, done, known)
	c.Forecast = of.NewForecast(c.Days, c.Now.Left(), now)
	c.note(now)
	return c, nil
}

// atEnd returns of how many graded services how many had reached the goal. known is false if all had, and others, which
// may have missed it, had no grade.
func atEnd(d *campaign.Day) (total, done int, known bool) {
	total, done = d.Graded(), d.Done()
	return total, done, d.NotGraded == 0 || done < total
}

// stand fills in the selection by the present grades. services are sorted by name.
func (c *Campaign) stand(services []Service, now time.Time) {
	failing := 0
	c.Now.At = now
	for i := range services {
		s := &services[i]
		j := slices.IndexFunc(s.Reports, func(x scorecards.Report) bool { return x.Scorecard == c.Goal.Scorecard })
		if j < 0 {
			continue
		}
		selected, err := c.Selects(s.Entity, now)
		if err != nil {
			if failing++; failing == 1 {
				c.Notes = append(c.Notes, fmt.Sprintf("The filter fails for %s, which is not selected: %v.", s.Entity.Ref, err))
			}
		}
		if !selected {
			continue
		}
		verdict, missing := c.Stand(&s.Reports[j])
		c.Now.Count(verdict)
		c.ahead.add(c, &s.Reports[j], verdict)
		c.Rows = append(c.Rows, CampaignRow{Service: s.Entity.Ref, Name: s.Entity.DisplayName(), Owner: s.Entity.Owner,
			Team: s.Team, Verdict: verdict, Missing: campaignRules(missing)})
	}
	if failing > 1 {
		c.Notes = append(c.Notes, fmt.Sprintf("It fails for %s more.", words.Plural(failing-1, "service", "services")))
	}
	slices.SortStableFunc(c.Rows, func(a, b CampaignRow) int {
		return cmp.Compare(slices.Index(campaign.Verdicts, a.Verdict), slices.Index(campaign.Verdicts, b.Verdict))
	})
}

func campaignRules(missing []*scorecards.Result) []CampaignRule {
	rules := make([]CampaignRule, 0, len(missing))
	for _, x := range missing {
		rule := CampaignRule{Rule: x.Rule, Title: x.Title, Outcome: x.Outcome, Reason: x.Reason, Fix: x.Fix,
			Effort: x.Effort, Action: []string{}}
		if x.Action != nil {
			rule.Action, rule.Command = list(x.Action.Kind), x.Action.Command
		}
		rules = append(rules, rule)
	}
	fails := func(r CampaignRule) int {
		if r.Outcome == event.Fail {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(rules, func(a, b CampaignRule) int {
		return cmp.Or(cmp.Compare(fails(a), fails(b)),
			cmp.Compare(scorecards.Effort(a.Effort).Cost(), scorecards.Effort(b.Effort).Cost()))
	})
	return rules
}

// campaignHistory returns how the selection stood by the stored grades.
func (r *Reader) campaignHistory(
	ctx context.Context, c *campaign.Campaign, rows []CampaignRow, now time.Time,
) (campaign.History, error) {
	times := c.Times(now)
	if r.deps.OutcomeChanges == nil {
		return campaign.History{}, nil
	}
	key := fmt.Sprintf("campaign %s, %s, %q, %d of %s", c.ID, c.Goal, c.Filter, len(times), c.Starts)
	return cached(ctx, r, key, func(ctx context.Context) (campaign.History, error) {
		var rules, entities []string
		for _, rule := range c.Rules() {
			rules = append(rules, RuleName(c.Goal.Scorecard, rule))
		}
		for _, row := range rows {
			entities = append(entities, row.Service)
		}
		grades, err := r.deps.OutcomeChanges(ctx, withEarlier(rules))
		if err != nil {
			return campaign.History{}, err
		}
		grades = scorecards.Continue(grades, r.cardNames()...)
		slices.SortStableFunc(grades, func(a, b event.Grade) int { return a.EvaluatedAt.Compare(b.EvaluatedAt) })
		return c.BurnDown(entities, grades, times), nil
	})
}

// note adds what the numbers do not show.
func (c *Campaign) note(now time.Time) {
	if c.Total() == 0 {
		c.Notes = append(c.Notes, "The campaign selects no service that its scorecard grades; correct its filter.")
	}
	if from := c.Announced(now); !from.IsZero() {
		c.Notes = append(c.Notes, fmt.Sprintf("The rule is announced and counts from %s. Until then its outcomes are "+
			"computed and not stored, so the burn-down begins on that day.", words.Day(from)))
	}
	if !c.Over(now) {
		c.Notes = append(c.Notes, c.ahead.notes()...)
	}
	unowned := 0
	for i := range c.Rows {
		if c.Rows[i].Owner == "" && !c.Rows[i].Verdict.Done() {
			unowned++
		}
	}
	if unowned > 0 && c.Notify != "" {
		c.Notes = append(c.Notes, words.Plural(unowned, "service that is left has", "services that are left have")+
			" no owner, so nobody is reminded of "+map[bool]string{true: "it", false: "them"}[unowned == 1]+".")
	}
}

// CampaignFilter selects campaigns. Empty fields select all.
type CampaignFilter struct {
	Text  string
	State string
}

// Select returns the campaigns that fit the filter, in their order.
func (c Campaigns) Select(f CampaignFilter) []Campaign {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var fitting []Campaign
	for i := range c.List {
		x := &c.List[i]
		searched := strings.ToLower(strings.Join([]string{x.ID, x.Title, x.Why, x.OwnerIs, x.Goal.String()}, " "))
		if (f.State == "" || f.State == string(x.State)) && strings.Contains(searched, text) {
			fitting = append(fitting, *x)
		}
	}
	return fitting
}

// CampaignColumns are the columns of the list of campaigns.
var CampaignColumns = []sorting.Field[Campaign]{
	text("title", "campaign", func(c Campaign) string { return c.Title }),
	text("state", "state", func(c Campaign) string { return string(c.State) }),
	{Column: sorting.Column{Key: "ends", Label: "ends"}, Value: func(c Campaign) *float64 {
		return sorting.Count(int(c.Ends.Unix()))
	}},
	number("left", "left", func(c Campaign) *float64 { return sorting.Count(c.Now.Left()) }),
	number("done", "reached", func(c Campaign) *float64 {
		if c.Total() == 0 {
			return nil
		}
		return sorting.Value(float64(c.Now.Done()) / float64(c.Total()))
	}),
	number("chance", "chance of being in time", func(c Campaign) *float64 { return c.Forecast.Chance }),
}

// LeftOver is the selection of what has not reached the goal, in filters of the services of a campaign.
const (
	LeftOver = "left"
	AnyState = "all"
)

// CampaignRowFilter selects services of a campaign. Empty fields select all, but for Verdict: what is left.
type CampaignRowFilter struct {
	Text    string
	Verdict string // of campaign.Verdicts; LeftOver, AnyState
	Team    string // display name or ref; NoTeam for services without an owner
}

// Select returns the rows that fit the filter, in their order.
func (c *Campaign) Select(f CampaignRowFilter) []CampaignRow {
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var rows []CampaignRow
	for _, r := range c.Rows {
		verdict := f.Verdict == AnyState || f.Verdict == string(r.Verdict) ||
			(f.Verdict == "" || f.Verdict == LeftOver) && !r.Verdict.Done()
		team := f.Team == "" || f.Team == r.Team || f.Team == r.Owner || f.Team == NoTeam && r.Owner == ""
		if verdict && team && strings.Contains(strings.ToLower(r.Text()), text) {
			rows = append(rows, r)
		}
	}
	return rows
}

// CampaignTeam is an owner of services of a campaign.
type CampaignTeam struct {
	Owner string `json:"owner"` // entity ref; "" for the services without one
	Team  string `json:"team"`  // display name
	Total int    `json:"total"`
	Left  int    `json:"left"`
}

// Teams returns the owners of the selection, those with most left first.
func (c *Campaign) Teams() []CampaignTeam {
	index := map[string]int{}
	var teams []CampaignTeam
	for _, r := range c.Rows {
		i, ok := index[r.Owner]
		if !ok {
			i = len(teams)
			index[r.Owner] = i
			teams = append(teams, CampaignTeam{Owner: r.Owner, Team: r.Team})
		}
		teams[i].Total++
		if !r.Verdict.Done() {
			teams[i].Left++
		}
	}
	slices.SortStableFunc(teams, func(a, b CampaignTeam) int {
		return cmp.Or(cmp.Compare(b.Left, a.Left), cmp.Compare(strings.ToLower(a.Team), strings.ToLower(b.Team)))
	})
	return teams
}

// CampaignRowColumns are the columns of the services of a campaign.
var CampaignRowColumns = []sorting.Field[CampaignRow]{
	text("service", "service", func(r CampaignRow) string { return r.Name }),
	text("team", "owner", func(r CampaignRow) string { return r.Team }),
	text("verdict", "verdict", func(r CampaignRow) string { return string(r.Verdict) }),
	{Column: sorting.Column{Key: "since", Label: "since"}, Value: func(r CampaignRow) *float64 {
		if r.Since == nil {
			return nil
		}
		return sorting.Count(int(r.Since.Unix()))
	}},
	{Column: sorting.Column{Key: "effort", Label: "what is missing, and what to do"}, Value: CampaignRow.effort},
}

// CampaignStanding is how the services of a campaign stand to its goal now.
type CampaignStanding struct {
	ID  string
	End time.Time // first moment after it
	Now campaign.Day
}

// CampaignStandings returns how the campaigns that are not over stand.
func (r *Reader) CampaignStandings(ctx context.Context) ([]CampaignStanding, error) {
	set := r.campaignSet()
	services, err := r.campaignServices(ctx, set)
	if err != nil {
		return nil, err
	}
	now := r.Now()
	var all []CampaignStanding
	for i := range set.Campaigns {
		if c := (Campaign{Campaign: set.Campaigns[i]}); !c.Over(now) {
			c.stand(services, now)
			all = append(all, CampaignStanding{c.ID, c.End(), c.Now})
		}
	}
	return all, nil
}

// OpenCampaign is a running campaign that a service has not reached.
type OpenCampaign struct {
	ID       string           `json:"id"`
	Title    string           `json:"title"`
	Goal     campaign.Goal    `json:"goal"`
	Ends     time.Time        `json:"ends"`
	DaysLeft int              `json:"days_left"` // after the present day
	Verdict  campaign.Verdict `json:"verdict"`
	Missing  []CampaignRule   `json:"missing"`
}

// OpenCampaigns returns the campaigns that run now and whose goal a service has not reached, those that end first
// before the others.
func (r *Reader) OpenCampaigns(s Service) []OpenCampaign {
	now := r.deps.Now()
	var open []OpenCampaign
	set := r.campaignSet()
	for i := range set.Campaigns {
		c := Campaign{Campaign: set.Campaigns[i]}
		if now.Before(c.Starts) || c.Over(now) {
			continue
		}
		if c.stand([]Service{s}, now); len(c.Rows) == 0 || c.Rows[0].Verdict.Done() {
			continue
		}
		open = append(open, OpenCampaign{ID: c.ID, Title: c.Title, Goal: c.Goal, Ends: c.Ends, DaysLeft: c.DaysLeft(now),
			Verdict: c.Rows[0].Verdict, Missing: c.Rows[0].Missing})
	}
	slices.SortStableFunc(open, func(a, b OpenCampaign) int {
		return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.ID, b.ID))
	})
	return open
}
