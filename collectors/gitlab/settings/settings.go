// Package settings collects the settings of a GitLab project that no file shows: protected branches, approvals, the
// protection of production environments.
//
// They have a schedule of their own: once a day, by conditional requests. A setting that the token may not read, or
// that the plan of the group does not have, is unknown with the reason; so is one that GitLab does not have at all.
package settings

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/servicefacts"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/setting"
)

const (
	// streamName is the name of the checkpoint.
	streamName = "settings"
	// askAgain is how long settings count; retry is how long those count of which GitLab failed to show some.
	askAgain = 24 * time.Hour
	retry    = time.Hour
)

// Project is a project during one collect.
type Project struct {
	*listing.Project
	Path          string // of the API: projects/<id>
	DefaultBranch string // empty: it has no commit
	Subjects      []servicefacts.Subject
	Production    []string // names of environments
}

// state is the checkpoint. It contains what the answers said, so that an answer of "not modified" renews it.
type state struct {
	AskedAt      time.Time               `json:"asked_at,omitzero"`
	Branch       string                  `json:"branch,omitempty"`
	Record       part[record]            `json:"record,omitzero"`
	Branches     part[[]protectedBranch] `json:"branches,omitzero"`
	Approvals    part[approvals]         `json:"approvals,omitzero"`
	Rules        part[[]approvalRule]    `json:"rules,omitzero"`
	Environments part[[]environment]     `json:"environments,omitzero"`
	Protected    part[[]environment]     `json:"protected,omitzero"`
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

// record is what is used of the project. A field is nil if GitLab does not show it.
type record struct {
	Visibility        string `json:"visibility,omitempty"`
	RemoveBranch      *bool  `json:"remove_source_branch_after_merge,omitempty"`
	PipelineRequired  *bool  `json:"only_allow_merge_if_pipeline_succeeds,omitempty"`
	JobTokenPushes    *bool  `json:"ci_push_repository_for_job_token_allowed,omitempty"`
	PushProtection    *bool  `json:"secret_push_protection_enabled,omitempty"`
	OldPushProtection *bool  `json:"pre_receive_secret_detection_enabled,omitempty"` // its name before 17.11
	SelfApproval      *bool  `json:"allow_pipeline_trigger_approve_deployment,omitempty"`
}

// collector is one collect of a project.
type collector struct {
	Project
	failed map[string]rest.Held // requests at which GitLab failed
}

// Collect reads the settings if they are due, and stores them as facts. The error is a [rest.SkippedError] if GitLab
// fails to show some.
func Collect(ctx context.Context, p Project) error {
	c := &collector{Project: p, failed: map[string]rest.Held{}}
	var s state
	if _, err := p.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	asked := false
	if due := p.Now().Sub(s.AskedAt).Abs() >= askAgain; due || s.Branch != p.DefaultBranch || p.Writer.Reread() {
		if err := c.ask(ctx, &s); err != nil {
			return err
		}
		asked = true
	}
	facts, settings := map[string][]event.Fact{}, c.settings(s).Facts()
	for _, subject := range p.Subjects {
		facts[subject.Entity] = settings
	}
	of := event.Fact{Source: p.Source(), URL: p.WebURL}
	gone := fmt.Sprintf("the catalog no longer binds it to %s of %s", p.Name, p.Source())
	stored, err := s.Kept.Store(ctx, p.Writer, p.Now(), of, facts, gone)
	if err != nil {
		return err
	}
	if asked || stored {
		if err := p.Writer.Save(ctx, streamName, s); err != nil {
			return err
		}
	}
	if len(c.failed) > 0 {
		return &rest.SkippedError{What: "setting", Objects: c.failed}
	}
	return nil
}

// Retract stores that the settings of a project that the source no longer lists are unknown.
func Retract(ctx context.Context, p Project) error {
	var s state
	if _, err := p.Writer.Load(ctx, streamName, &s); err != nil {
		return err
	}
	gone := fmt.Sprintf("%s no longer lists %s", p.Source(), p.Name)
	if err := s.Kept.Retract(ctx, p.Writer, p.Now(), event.Fact{Source: p.Source(), URL: p.WebURL}, gone); err != nil {
		return err
	}
	return p.Writer.Save(ctx, streamName, state{})
}

// ask sends the requests: 6.
func (c *collector) ask(ctx context.Context, s *state) error {
	if s.Branch != c.DefaultBranch {
		*s = state{Branch: c.DefaultBranch, Kept: s.Kept}
	}
	const maintainer = "the token needs the role Maintainer in the project"
	const premium = maintainer + ", and the group a plan that has it (Premium)"
	var err error
	step := func(do func() error) {
		if err == nil {
			err = do()
		}
	}
	step(func() (err error) {
		s.Record, err = get(ctx, c, "", "the project", "the token needs the scope read_api", s.Record)
		return err
	})
	step(func() (err error) {
		s.Branches, err = get(ctx, c, "/protected_branches?per_page=100", "protected branches", maintainer, s.Branches)
		return err
	})
	step(func() (err error) {
		s.Approvals, err = get(ctx, c, "/approvals", "the settings of approvals", premium, s.Approvals)
		return err
	})
	step(func() (err error) {
		s.Rules, err = get(ctx, c, "/approval_rules?per_page=100", "approval rules", premium, s.Rules)
		return err
	})
	step(func() (err error) {
		s.Environments, err = get(ctx, c, "/environments?states=available&per_page=100", "environments",
			"the token needs the role Reporter in the project", s.Environments)
		return err
	})
	step(func() (err error) {
		s.Protected, err = get(ctx, c, "/protected_environments?per_page=100", "protected environments", premium, s.Protected)
		return err
	})
	if err != nil {
		return err
	}
	if s.AskedAt = c.Now().UTC(); len(c.failed) > 0 {
		s.AskedAt = s.AskedAt.Add(retry - askAgain)
	}
	return nil
}

// get requests a path below the project. what and need are for the reason: what is shown there, and what it takes.
func get[V any](ctx context.Context, c *collector, path, what, need string, before part[V]) (part[V], error) {
	var into V
	got, err := c.Read(ctx, c.Path+path, before.ETag, &into)
	shown, _, _ := strings.Cut("/"+c.Path+path, "?")
	switch {
	case err == nil && got.NotModified:
		return before, nil
	case err == nil:
		return part[V]{ETag: got.ETag, Known: true, Value: into, More: got.Next != ""}, nil
	case rest.HasStatus(err, http.StatusForbidden, http.StatusNotFound):
		status := http.StatusNotFound
		if rest.HasStatus(err, http.StatusForbidden) {
			status = http.StatusForbidden
		}
		return part[V]{Reason: fmt.Sprintf("GitLab does not show %s (GET %s: %d); %s", what, shown, status, need)}, nil
	case rest.Unusable(err):
		c.failed[shown] = rest.Held{Failures: 1, Error: err.Error()}
		if before.Known {
			return before, nil // its earlier content still holds
		}
		return part[V]{Reason: fmt.Sprintf("GitLab fails to show %s: %v", what, err)}, nil
	}
	return before, err
}

// settings returns what the answers said.
func (c *collector) settings(s state) setting.Settings {
	all := setting.UnknownSettings("GitLab has no such setting")
	all.Branch = c.protection(s)
	all.Production, all.ProductionEnvironments = c.productionOf(s)
	all.Security.SecretScanning = setting.Unknown[bool]("GitLab has no setting for it: a job of the pipeline scans for " +
		"secrets")
	all.Security.PrivateVulnerabilityReporting = setting.Unknown[bool]("GitLab has no private vulnerability reporting; " +
		"its confidential issues are not a setting")
	const plan = "GitLab does not show it; the group needs a plan that has it (Ultimate)"
	all.Security.PushProtection = shown(s, plan, func(r record) *bool {
		if r.PushProtection != nil {
			return r.PushProtection
		}
		return r.OldPushProtection
	})
	all.WorkflowTokenReadOnly = shown(s, "this version of GitLab does not show what the job token may do",
		func(r record) *bool { return not(r.JobTokenPushes) })
	all.DeleteBranchOnMerge = shown(s, "GitLab does not show it", func(r record) *bool { return r.RemoveBranch })
	all.Public = shown(s, "GitLab does not show the visibility", func(r record) *bool {
		if r.Visibility == "" {
			return nil
		}
		public := r.Visibility == "public"
		return &public
	})
	// A pipeline that is required is a check that every merge request has: without one it is not merged.
	all.RequiredChecksWithoutRuns = setting.Known([]string{})
	if !all.Branch.RequiredChecks.Known {
		all.RequiredChecksWithoutRuns = setting.Unknown[[]string](all.Branch.RequiredChecks.Reason)
	}
	return all
}

func not(v *bool) *bool {
	if v == nil {
		return nil
	}
	opposite := !*v
	return &opposite
}

// shown returns a setting of the project's record. otherwise is why the record may lack it.
func shown(s state, otherwise string, of func(record) *bool) fact.Value[bool] {
	if !s.Record.Known {
		return setting.Unknown[bool](s.Record.Reason)
	}
	if v := of(s.Record.Value); v != nil {
		return setting.Known(*v)
	}
	return setting.Unknown[bool](otherwise)
}
