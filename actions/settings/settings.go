// Package settings plans changes of the settings of a repository at GitHub that rules ask for, and plans to take them
// back. It is pure: what was read goes in, exact requests come out.
//
// A setting has a value, as the request that sets it takes it. A change has the value before and after, so that the
// same code makes the request that applies it and the one that undoes it. Nothing is ever weakened: a change only adds
// what a rule needs, and the rulesets of others are left alone.
package settings

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/setting"
)

// RulesetName is the name of our ruleset of the default branch. Those with other names belong to others.
const RulesetName = "dxctl golden path"

// Keys of settings. That of an environment has its name after the prefix.
const (
	Ruleset       = "ruleset"
	WorkflowToken = "workflow token"
	Security      = "security and analysis"
	Reporting     = "private vulnerability reporting"
	BranchCleanup = "branches after merge"
	environment   = "environment "
)

// null is the value of a ruleset that does not exist.
const null = "null"

// State is what was read of a repository.
type State struct {
	Repository string           // owner/name
	Facts      setting.Settings // as collectors derive them, by which rules are met or not
	// Values are the values of the settings by key, in canonical JSON. One that is not there could not be read.
	Values map[string]json.RawMessage
	// Assumed are the keys of values that were taken from facts, and not read: before such a setting is changed, it is
	// read.
	Assumed   map[string]bool
	RulesetID int64 // of ours; 0: there is none
	Workflows bool  // the repository has workflows
	// Checks ran on each of the last merged pull requests, so that a merge can wait for them.
	Checks        []string
	ChecksUnknown string // why Checks is empty; "": there are none
	Branch        string // the default one
	// Others are the names of the rulesets of the repository by id, ours included.
	Others map[int64]string
	// Unread is why a setting could not be read, by key; that of all environments is [AllEnvironments].
	Unread map[string]string
	// Refused are settings that the host does not offer to the repository, by key, with its reason: the plan of the
	// account has no rulesets for private repositories.
	Refused map[string]string
}

// Change is a change of one setting.
type Change struct {
	Setting string          `json:"setting"` // key
	Rules   []string        `json:"rules"`   // that need it
	Why     string          `json:"why"`
	Before  json.RawMessage `json:"before"` // null: there is none
	After   json.RawMessage `json:"after"`
	// Entities are the services of the repository that need it besides the one that it is planned for.
	Entities []string `json:"entities,omitempty"`
	// RulesetID is that of our ruleset once it was changed; 0: it is another setting, or was not changed yet.
	RulesetID int64 `json:"ruleset_id,omitempty"`
}

// Reviewer can approve deployments to an environment.
type Reviewer struct {
	Type string `json:"type"` // User or Team
	ID   int64  `json:"id"`
	Name string `json:"-"`
}

// Left is what a rule needs and dxctl does not set, and why.
type Left struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

// Want is what is asked for.
type Want struct {
	Rules []string // ids; none: all that a setting decides
	// Skip are rules of which nothing is set, with the reason: they pass, are declined or waived.
	Skip      map[string]string
	Checks    []string   // that a merge waits for; none: those of the state
	Reviewers []Reviewer // of production, unless it has some
}

// Planned is what would be changed.
type Planned struct {
	Changes []Change
	Met     []string // rules whose settings are as they should be already
	Left    []Left
	Unread  []Left // settings that could not be read, so that it is not known whether they can be taken back
	Notes   []string
}

// canonical returns a value such that equal values are equal bytes: keys in order, no spaces.
func canonical(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(null) // no value holds what JSON cannot: they were read from JSON or are texts and numbers
	}
	var again any
	if json.Unmarshal(raw, &again) != nil {
		return json.RawMessage(null)
	}
	raw, _ = json.Marshal(again) //nolint:errchkjson // read from JSON
	return raw
}

// Value returns a value in the form that [State.Values] has.
func Value(v any) json.RawMessage { return canonical(v) }

// IDs are the rules that a setting decides, at least in part, in the order in which they are planned.
func IDs() []string {
	ids := make([]string, len(needs))
	for i, n := range needs {
		ids[i] = n.rule
	}
	return ids
}

// EnvironmentKey is the key of an environment.
func EnvironmentKey(name string) string { return environment + name }

// AllEnvironments is the key in [State.Unread] of the environments, which are read together.
const AllEnvironments = environment

// WhyUnread returns why the value of a setting is not known; "" if it was read, or if there is no such setting.
func (s State) WhyUnread(key string) string {
	if environmentOf(key) != "" {
		key = AllEnvironments
	}
	return s.Unread[key]
}

func (s State) whyUnread(key string) string {
	if reason := s.WhyUnread(key); reason != "" {
		return "it could not be read: " + reason
	}
	return "it could not be read"
}

// gone reports whether what has no value does not exist: environments are listed, and each of them has a value.
func (s State) gone(key string) bool { return environmentOf(key) != "" && s.WhyUnread(key) == "" }

// environmentOf returns the name of the environment of a key; "" for other settings.
func environmentOf(key string) string {
	name, ok := strings.CutPrefix(key, environment)
	if !ok {
		return ""
	}
	return name
}

// Plan returns the changes that make the settings as rules need them. The error names a rule that no setting decides.
func Plan(s State, want Want) (Planned, error) {
	p := &planner{State: s, Want: want}
	for _, id := range want.Rules {
		if !slices.Contains(IDs(), id) {
			return Planned{}, fmt.Errorf("--rule %s: no setting decides this rule; those with a setting are %s", id,
				strings.Join(IDs(), ", "))
		}
	}
	for _, n := range needs {
		if len(want.Rules) > 0 && !slices.Contains(want.Rules, n.rule) {
			continue
		}
		if reason := want.Skip[n.rule]; reason != "" {
			p.left(n.rule, reason)
			continue
		}
		if before := len(p.planned.Left); !n.plan(p, n.rule) && len(p.planned.Left) == before {
			p.planned.Met = append(p.planned.Met, n.rule)
		}
	}
	p.finish()
	return p.planned, nil
}
