// Package settings collects the settings of a repository that no file shows: rulesets and branch protection, the
// permissions of workflows, the scanning for secrets, the protection of production environments.
//
// Settings change without a commit, so they have a schedule of their own: once a day, by conditional requests. A token
// that may not read a setting makes that setting unknown, with the permission that is missing as the reason; it does
// not fail the collect.
package settings

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/setting"
)

const (
	// streamName is the name of the checkpoint.
	streamName = "settings"
	// askAgain is how long settings count; retry is how long those count of which GitHub failed to show some.
	askAgain = 24 * time.Hour
	retry    = time.Hour
	// maxRulesets bounds the rulesets that are asked who can bypass them.
	maxRulesets = 5
)

// state is the checkpoint. It contains what the answers said, so that an answer of "not modified" renews it.
type state struct {
	AskedAt      time.Time               `json:"asked_at,omitzero"`
	Branch       string                  `json:"branch,omitempty"`
	Record       part[record]            `json:"record,omitzero"`
	Rules        part[[]rule]            `json:"rules,omitzero"`
	Rulesets     map[int64]part[ruleset] `json:"rulesets,omitempty"`
	Classic      part[classic]           `json:"classic,omitzero"`
	Workflows    part[bool]              `json:"workflows,omitzero"` // the token can only read by default
	Reporting    part[bool]              `json:"reporting,omitzero"` // private vulnerability reporting is on
	Environments part[[]environment]     `json:"environments,omitzero"`
	Merges       part[merges]            `json:"merges,omitzero"`
	Kept         servicefacts.Kept       `json:"kept,omitzero"`
}

// part is the answer to one request, as far as it is used.
type part[V any] struct {
	ETag   string `json:"etag,omitempty"`
	Known  bool   `json:"known,omitempty"`
	Value  V      `json:"value,omitzero"`
	More   bool   `json:"more,omitempty"`   // the listing has further pages, which are not read
	Reason string `json:"reason,omitempty"` // why it is unknown; "" if Known
}

// collector is one collect of a repository.
type collector struct {
	*stream.Repository
	production []string             // names of environments, in lower case
	failed     map[string]rest.Held // requests at which GitHub failed
	only       *Parts               // that are asked for; nil: all
	answers    map[string]json.RawMessage
}

func newCollector(r *stream.Repository, production []string) *collector {
	c := &collector{Repository: r, failed: map[string]rest.Held{}}
	for _, name := range production {
		c.production = append(c.production, strings.ToLower(name))
	}
	return c
}

// Collect reads the settings if they are due, and stores them as facts. production are the names that environments for
// production have. The error is a [rest.SkippedError] if GitHub fails to show some.
func Collect(ctx context.Context, r *stream.Repository, production []string) error {
	c := newCollector(r, production)
	var s state
	if _, err := r.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	asked := false
	if due := r.Now().Sub(s.AskedAt).Abs() >= askAgain; due || s.Branch != r.DefaultBranch || r.Writer.Reread() {
		if err := c.ask(ctx, &s); err != nil {
			return err
		}
		if s.AskedAt = c.Now().UTC(); len(c.failed) > 0 {
			s.AskedAt = s.AskedAt.Add(retry - askAgain)
		}
		asked = true
	}
	facts, settings := map[string][]event.Fact{}, c.settings(s).Facts()
	for _, subject := range r.Subjects {
		facts[subject.Entity] = settings
	}
	of := event.Fact{Source: r.Source, URL: r.URL}
	gone := fmt.Sprintf("the catalog no longer binds it to %s of %s", r.Scope, r.Source)
	stored, err := s.Kept.Store(ctx, r.Writer, r.Now(), of, facts, gone)
	if err != nil {
		return err
	}
	if asked || stored {
		if err := r.Writer.Save(ctx, streamName, s); err != nil {
			return err
		}
	}
	if len(c.failed) > 0 {
		return &rest.SkippedError{What: "setting", Objects: c.failed}
	}
	return nil
}

// Retract stores that the settings of a repository that the source no longer lists are unknown.
func Retract(ctx context.Context, r *stream.Repository) error {
	var s state
	if _, err := r.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	of := event.Fact{Source: r.Source, URL: r.URL}
	gone := fmt.Sprintf("%s no longer lists %s", r.Source, r.Scope)
	if err := s.Kept.Retract(ctx, r.Writer, r.Now(), of, gone); err != nil {
		return err
	}
	return r.Writer.Save(ctx, streamName, state{})
}

// ask sends the requests: at most 7, those for rulesets and pages not counted.
func (c *collector) ask(ctx context.Context, s *state) error {
	if s.Branch != c.DefaultBranch {
		*s = state{Branch: c.DefaultBranch, Kept: s.Kept}
	}
	branch := url.PathEscape(c.DefaultBranch)
	parts := Parts{Record: true, Branch: true, Workflows: true, Reporting: true, Environments: true}
	if c.only != nil {
		parts = *c.only
	}
	var err error
	step := func(asked bool, do func() error) {
		if err == nil && asked {
			err = do()
		}
	}
	step(parts.Record, func() (err error) {
		s.Record, err = get(ctx, c, "", "the repository", "Metadata: read", s.Record, recordOf)
		return err
	})
	if c.DefaultBranch != "" {
		step(parts.Branch, func() (err error) {
			s.Rules, err = get(ctx, c, "/rules/branches/"+branch+"?per_page=100", "rulesets", "Metadata: read", s.Rules,
				func(rules []rule) []rule { return rules })
			return err
		})
		step(parts.Branch, func() error { return c.rulesets(ctx, s) })
		step(parts.Branch, func() (err error) {
			s.Classic, err = get(ctx, c, "/branches/"+branch+"/protection", "the protection of branch "+c.DefaultBranch,
				administration, s.Classic, classicOf)
			return err
		})
	}
	step(parts.Workflows, func() (err error) {
		s.Workflows, err = get(ctx, c, "/actions/permissions/workflow", "the permissions of workflows", administration,
			s.Workflows, func(p workflowPermissions) bool { return p.Default == "read" })
		return err
	})
	if s.Record.Known && s.Record.Value.Public {
		step(parts.Reporting, func() (err error) {
			s.Reporting, err = get(ctx, c, "/private-vulnerability-reporting", "private vulnerability reporting", administration,
				s.Reporting, func(r struct{ Enabled bool }) bool { return r.Enabled })
			return err
		})
	} else {
		s.Reporting = part[bool]{Known: s.Record.Known, Reason: s.Record.Reason} // it exists for public repositories only
	}
	step(parts.Environments, func() (err error) {
		s.Environments, err = get(ctx, c, environmentsPath, "environments", "Actions: read", s.Environments,
			environmentsOf)
		return err
	})
	step(parts.Branch || parts.Record, func() error { return c.merges(ctx, s) })
	return err
}

// administration is the permission that most settings take, for tokens of either kind.
const administration = "Administration: read (a classic token: the scope repo, of an administrator)"

// get requests a path below the repository. what and right are for the reason: what is shown there, and the permission
// that it takes.
func get[T, V any](
	ctx context.Context,
	c *collector,
	path, what, right string,
	before part[V],
	convert func(T) V,
) (part[V], error) {
	var into T
	got, err := c.answer(ctx, path, before.ETag, &into)
	shown, _, _ := strings.Cut("/repos/"+c.Scope+path, "?")
	switch code := client.Status(err); {
	case err == nil && got.NotModified:
		return before, nil
	case err == nil:
		return part[V]{ETag: got.ETag, Known: true, Value: convert(into), More: got.Next > 0}, nil
	case code == http.StatusNotFound && strings.Contains(err.Error(), "Branch not protected"),
		code == http.StatusForbidden && strings.Contains(err.Error(), "Upgrade to "): // the owner's plan has no such setting
		return part[V]{Known: true}, nil
	case code == http.StatusForbidden, code == http.StatusNotFound:
		reason := fmt.Sprintf("the token may not read %s (GET %s: %d); give it %s", what, shown, code, right)
		return part[V]{Reason: reason}, nil
	case rest.Faulty(err), code != 0:
		c.failed[shown] = rest.Held{Failures: 1, Error: err.Error()}
		if before.Known {
			return before, nil // its earlier content still holds
		}
		return part[V]{Reason: fmt.Sprintf("GitHub fails to show %s: %v", what, err)}, nil
	}
	return before, err
}

// rulesets asks who can bypass the rulesets of which rules apply to the default branch.
func (c *collector) rulesets(ctx context.Context, s *state) error {
	before := s.Rulesets
	s.Rulesets = map[int64]part[ruleset]{}
	for _, r := range s.Rules.Value {
		if _, known := s.Rulesets[r.RulesetID]; known || r.RulesetID == 0 || len(s.Rulesets) >= maxRulesets {
			continue
		}
		path := fmt.Sprintf("/rulesets/%d?includes_parents=true", r.RulesetID)
		what := fmt.Sprintf("ruleset %d", r.RulesetID)
		got, err := get(ctx, c, path, what, "Metadata: read", before[r.RulesetID], func(r ruleset) ruleset { return r })
		if err != nil {
			return err
		}
		s.Rulesets[r.RulesetID] = got
	}
	return nil
}

// settings returns what the answers said.
func (c *collector) settings(s state) setting.Settings {
	all := setting.UnknownSettings(c.Source + " gave no answer")
	all.Branch = c.protection(s)
	all.Production, all.ProductionEnvironments = c.productionOf(s.Environments)
	all.WorkflowTokenReadOnly = valueOf(s.Workflows, func(v bool) bool { return v })
	all.Security.PrivateVulnerabilityReporting = valueOf(s.Reporting, func(v bool) bool { return v })
	all.Public = valueOf(s.Record, func(r record) bool { return r.Public })
	all.DeleteBranchOnMerge = c.shownTo(s, func(r record) *bool { return r.DeleteBranchOnMerge })
	if m := s.Merges; !all.DeleteBranchOnMerge.Known && m.Known && m.Value.DeleteBranch != nil {
		all.DeleteBranchOnMerge = setting.Known(*m.Value.DeleteBranch)
	}
	all.Security.SecretScanning = c.shownTo(s, func(r record) *bool { return r.SecretScanning })
	all.Security.PushProtection = c.shownTo(s, func(r record) *bool { return r.PushProtection })
	all.RequiredChecksWithoutRuns = withoutRuns(all.Branch.RequiredChecks, s.Merges)
	slices.Sort(all.Branch.BypassActors.Value)
	return all
}
