package report

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards"
)

// SurveyDone is what was done about a question since its survey closed, by one of the rules that address it.
type SurveyDone struct {
	Item string     `json:"item"`
	Text string     `json:"text"`
	Rule LinkedRule `json:"rule"`
	Then RuleShare  `json:"then"` // when the survey closed
	Now  RuleShare  `json:"now"`  // at the end of what is looked at
	// Began and Ended are the services that came to pass, and that no longer pass.
	Began []string `json:"began"` // refs
	Ended []string `json:"ended"`
	// Fixes are by `dxctl fix` for the rule, in services that failed it when the survey closed.
	Fixes []DoneFix `json:"fixes"`
	// Merged is how many of Fixes are pull requests that were merged.
	Merged int `json:"merged"`
}

// DoneFix is a pull request of `dxctl fix`.
type DoneFix struct {
	Service string    `json:"service"` // ref
	URL     string    `json:"url"`
	At      time.Time `json:"at"`
	State   string    `json:"state"` // open, merged, reverted, closed; "" if it is not known
}

// DoneSince is what was done about the questions of a survey since it closed.
type DoneSince struct {
	Until time.Time // its end: the first day of the next published survey, or the present
	// NotKnown says in a sentence why it is not known which services passed when the survey closed; "" if it is.
	NotKnown string
	All      []SurveyDone
}

// SurveyDone returns what was done about the questions of a published survey: that part of [Reader.SurveyFollowUp]
// which needs no numbers of services. question is the key of the only question that is asked for; "": all.
func (r *Reader) SurveyDone(ctx context.Context, s Survey, question string) (DoneSince, error) {
	// What was done changes with the present; a minute is fine enough.
	key := fmt.Sprint("survey done ", s.ID, s.Version, r.deps.Now().Truncate(time.Minute).Unix(), question)
	return cached(ctx, r, key, func(ctx context.Context) (DoneSince, error) {
		rules := r.rulesOf(s)
		var names []string
		for item, linked := range rules {
			if question != "" && item != question {
				delete(rules, item)
				continue
			}
			for _, rule := range linked {
				names = append(names, RuleName(rule.Scorecard, rule.Rule))
			}
		}
		slices.Sort(names)
		o, err := r.surveyOutcomes(ctx, s, slices.Compact(names))
		if err != nil {
			return DoneSince{}, err
		}
		if len(names) == 0 {
			return DoneSince{Until: o.until, All: []SurveyDone{}}, nil
		}
		return r.surveyDone(ctx, s, rules, o)
	})
}

// surveyDone compares the outcomes of the linked rules when a survey closed with those when the next one opened, or of
// the present.
func (r *Reader) surveyDone(
	ctx context.Context, s Survey, rules map[string][]LinkedRule, o surveyOutcomes,
) (DoneSince, error) {
	done := DoneSince{Until: o.until, All: []SurveyDone{}}
	then, now := o.then, o.last
	if len(then) == 0 {
		done.NotKnown = "No grade of any service is stored that is as old as the last day of this survey."
		if !o.first.IsZero() {
			done.NotKnown = fmt.Sprintf("Services were graded first on %s, after the last day of this survey, so it is not "+
				"known which of them passed then.", words.Day(o.first))
		}
	}
	fixes, err := r.fixes(ctx, s.Closes, o.until)
	if err != nil {
		return DoneSince{}, err
	}
	refs := r.serviceRefs()
	for _, item := range s.Items {
		for _, rule := range rules[item.Key] {
			name := scorecards.RuleName{Scorecard: rule.Scorecard, Rule: rule.Rule}
			d := SurveyDone{Item: item.Key, Text: item.Text, Rule: rule, Then: then.share(refs, name),
				Now: now.share(refs, name), Began: []string{}, Ended: []string{}, Fixes: []DoneFix{}}
			for _, ref := range refs {
				was, is := then.share([]string{ref}, name), now.share([]string{ref}, name)
				switch {
				case was.Of == 0 || is.Of == 0: // nothing is known of one of them
				case was.Pass < is.Pass:
					d.Began = append(d.Began, ref)
				case was.Pass > is.Pass:
					d.Ended = append(d.Ended, ref)
				}
				if was.Of > was.Pass {
					d.Fixes = append(d.Fixes, fixes.of(ref, rule)...)
				}
			}
			for _, fix := range d.Fixes {
				if fix.State == event.MergedChange {
					d.Merged++
				}
			}
			done.All = append(done.All, d)
		}
	}
	return done, nil
}

// serviceRefs returns the refs of all services.
func (r *Reader) serviceRefs() []string {
	services := r.deps.Catalog().Services()
	refs := make([]string, len(services))
	for i, e := range services {
		refs[i] = e.Ref
	}
	return refs
}

// doneUntil is until when something was done about a survey: the next one opened. If the two overlap there is no time
// between them.
func doneUntil(s, next Survey) time.Time {
	if next.Opens.Before(s.Closes) {
		return s.Closes
	}
	return next.Opens
}

// serviceFix is a pull request with the rules that it is for, as a run names them: "ci-fast" or "delivery/ci-fast".
type serviceFix struct {
	DoneFix
	rules []string
}

type serviceFixes map[string][]serviceFix // by service

// of returns the pull requests for a rule of a service. A run that names no rule is credited to none.
func (f serviceFixes) of(service string, rule LinkedRule) (all []DoneFix) {
	for _, fix := range f[service] {
		if slices.Contains(fix.rules, rule.Rule) || slices.Contains(fix.rules, RuleName(rule.Scorecard, rule.Rule)) {
			all = append(all, fix.DoneFix)
		}
	}
	return all
}

// fixes returns the pull requests of `dxctl fix` that were opened in a time, by service.
func (r *Reader) fixes(ctx context.Context, from, to time.Time) (serviceFixes, error) {
	var rows []struct {
		Entity string    `ch:"entity"`
		URL    string    `ch:"url"`
		At     time.Time `ch:"at"`
		Rules  []string  `ch:"rules"`
		State  string    `ch:"state"`
	}
	// What became of a pull request is known from the change, and from the run if the change was not collected. Only the
	// run tells that it was taken back.
	err := r.deps.Store.Select(ctx, &rows, `SELECT run.entity AS entity, run.url AS url, run.at AS at, run.rules AS rules,
    multiIf(run.outcome = 'reverted', 'reverted', change.state != '', change.state,
        transform(run.outcome, ['opened', 'updated', 'unchanged', 'merged', 'declined', 'undone'],
            ['open', 'open', 'open', 'merged', 'closed', 'closed'], '')) AS state
FROM
(
    SELECT entity, url, min(started_at) AS at, groupUniqArrayArray(rules) AS rules,
        argMax(outcome, started_at) AS outcome
    FROM action_runs
    WHERE kind = 'fix' AND status = 'succeeded' AND url != '' AND started_at >= {from:DateTime64(3, 'UTC')}
        AND started_at < {to:DateTime64(3, 'UTC')}
    GROUP BY entity, url
) AS run
LEFT JOIN
(
    SELECT url, any(status) AS state FROM changes
    WHERE url IN (SELECT url FROM action_runs WHERE kind = 'fix' AND url != '')
    GROUP BY url
) AS change
    ON change.url = run.url
ORDER BY entity, at, url`, map[string]any{"from": from.UTC(), "to": to.UTC()})
	if err != nil {
		return nil, fmt.Errorf("reading the pull requests of fixes: %w", err)
	}
	all := serviceFixes{}
	for _, row := range rows {
		all[row.Entity] = append(all[row.Entity],
			serviceFix{DoneFix{row.Entity, row.URL, row.At.UTC(), row.State}, row.Rules})
	}
	return all, nil
}
