package settings

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/setting"
)

// environment is what is used of an environment.
type environment struct {
	Name      string `json:"name"`
	Reviewers int    `json:"reviewers,omitempty"`
	// SelfReviewPrevented is nil if the server does not report it.
	SelfReviewPrevented *bool `json:"self_review_prevented,omitempty"`
	Branches            bool  `json:"branches,omitempty"` // only certain branches may be deployed
}

// environmentPage is a page of environments. The type of go-github is not used: it refuses the whole answer because of
// one reviewer of a type that it does not have.
type environmentPage struct {
	Environments []struct {
		Name            string          `json:"name"`
		BranchPolicy    json.RawMessage `json:"deployment_branch_policy"` // null: every branch
		ProtectionRules []struct {
			Type              string            `json:"type"`
			PreventSelfReview *bool             `json:"prevent_self_review"`
			Reviewers         []json.RawMessage `json:"reviewers"`
		} `json:"protection_rules"`
	} `json:"environments"`
}

func environmentsOf(page environmentPage) []environment {
	all := make([]environment, 0, len(page.Environments))
	for _, e := range page.Environments {
		one := environment{Name: e.Name, Branches: len(e.BranchPolicy) > 0 && string(e.BranchPolicy) != "null"}
		for _, r := range e.ProtectionRules {
			if r.Type == "required_reviewers" {
				one.Reviewers, one.SelfReviewPrevented = len(r.Reviewers), r.PreventSelfReview
			}
		}
		all = append(all, one)
	}
	return all
}

// productionOf returns what protects the production environments, and their names.
func (c *collector) productionOf(p part[[]environment]) (setting.Production, fact.Value[[]string]) {
	if !p.Known {
		reason := reasonOf(p, "it was not asked for")
		return setting.UnknownProduction(reason), setting.Unknown[[]string](reason)
	}
	names := []string{}
	var of *setting.Production
	for _, e := range p.Value {
		if !slices.Contains(c.production, strings.ToLower(e.Name)) {
			continue
		}
		names = append(names, e.Name)
		one := setting.Production{
			Protected:           setting.Known(e.Reviewers > 0 || e.Branches),
			SelfReviewPrevented: setting.Known(false),
			Reviewers:           setting.Known(e.Reviewers),
		}
		switch {
		case e.Reviewers > 0 && e.SelfReviewPrevented == nil:
			one.SelfReviewPrevented = setting.Unknown[bool]("the server does not report who may approve a deployment")
		case e.Reviewers > 0:
			one.SelfReviewPrevented = setting.Known(*e.SelfReviewPrevented)
		}
		if of == nil {
			of = &one
		} else {
			*of = of.Weakest(one)
		}
	}
	slices.Sort(names)
	switch {
	case of != nil:
		return *of, setting.Known(names)
	case p.More:
		const reason = "the repository has more than 100 environments"
		return setting.UnknownProduction(reason), setting.Unknown[[]string](reason)
	}
	reason := fmt.Sprintf("the repository has no environment named %s (environments.production of dx.yaml)",
		strings.Join(c.production, ", "))
	return setting.UnknownProduction(reason), setting.Known(names)
}
