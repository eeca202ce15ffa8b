package settings

import (
	"encoding/json"
	"fmt"
)

// maxReviewers is how many people and teams can review the deployments to an environment of GitHub.
const maxReviewers = 6

// environmentBody is the body of the request that sets an environment. GitHub resets what it leaves out.
type environmentBody struct {
	WaitTimer         int             `json:"wait_timer"` // minutes
	PreventSelfReview bool            `json:"prevent_self_review"`
	Reviewers         []Reviewer      `json:"reviewers"`
	Branches          json.RawMessage `json:"deployment_branch_policy"` // null: every branch
	// AdminsBypass is whether administrators can bypass the protection. It is no part of the request: GitHub's API resets
	// it to true.
	AdminsBypass bool `json:"can_admins_bypass"`
}

// EnvironmentValue returns the name and the value of an environment from GitHub's answer.
func EnvironmentValue(answer json.RawMessage) (name string, value json.RawMessage, err error) {
	var e struct {
		Name         string          `json:"name"`
		Branches     json.RawMessage `json:"deployment_branch_policy"`
		AdminsBypass *bool           `json:"can_admins_bypass"` // older servers do not have it
		Rules        []struct {
			Type              string `json:"type"`
			WaitTimer         int    `json:"wait_timer"`
			PreventSelfReview bool   `json:"prevent_self_review"`
			Reviewers         []struct {
				Type     string `json:"type"`
				Reviewer struct {
					ID int64 `json:"id"`
				} `json:"reviewer"`
			} `json:"reviewers"`
		} `json:"protection_rules"`
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		return "", nil, fmt.Errorf("reading an environment: %w", err)
	}
	body := environmentBody{
		Reviewers: []Reviewer{}, Branches: e.Branches, AdminsBypass: e.AdminsBypass == nil || *e.AdminsBypass,
	}
	if len(body.Branches) == 0 {
		body.Branches = json.RawMessage(null)
	}
	for _, r := range e.Rules {
		switch r.Type {
		case "wait_timer":
			body.WaitTimer = r.WaitTimer
		case "required_reviewers":
			body.PreventSelfReview = r.PreventSelfReview
			for _, reviewer := range r.Reviewers {
				body.Reviewers = append(body.Reviewers, Reviewer{Type: reviewer.Type, ID: reviewer.Reviewer.ID})
			}
		}
	}
	return e.Name, canonical(body), nil
}

// protectProduction lets somebody else approve deployments to each production environment.
func (p *planner) protectProduction(rule string) bool {
	if !p.Facts.ProductionEnvironments.Known {
		p.left(rule, p.Facts.ProductionEnvironments.Reason)
		return true
	}
	changed := false
	for _, name := range p.Facts.ProductionEnvironments.Value {
		key := EnvironmentKey(name)
		if !p.readable(rule, key) {
			changed = true
			continue
		}
		var body environmentBody
		if err := json.Unmarshal(p.Values[key], &body); err != nil {
			p.left(rule, fmt.Sprintf("the environment %s is not what GitHub documents: %v", name, err))
			continue
		}
		if len(body.Reviewers) > 0 && body.PreventSelfReview {
			continue
		}
		changed = true
		if !body.AdminsBypass {
			p.left(rule, "administrators cannot bypass the protection of "+name+", which GitHub's API would allow again; set "+
				"its reviewers by hand, under Settings > Environments")
			continue
		}
		if len(body.Reviewers) == 0 {
			if body.Reviewers = p.Reviewers; len(p.Reviewers) == 0 {
				p.left(rule, "it is not known who approves deployments to "+name+"; name a team or a person with --reviewer "+
					"OWNER/TEAM or --reviewer LOGIN")
				continue
			}
		}
		if len(body.Reviewers) > maxReviewers {
			p.left(rule, fmt.Sprintf("an environment has at most %d reviewers, and %d are named", maxReviewers,
				len(body.Reviewers)))
			continue
		}
		body.PreventSelfReview = true
		p.planned.Changes = append(p.planned.Changes, Change{
			Setting: key, Rules: []string{rule}, Before: p.Values[key], After: canonical(body),
			Why: "let somebody else approve deployments to " + name,
		})
	}
	return changed
}
