package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
)

// FactSource is the source of the facts that the catalog gives.
const FactSource = "catalog"

// Facts returns what the descriptors say of every service, as ServiceFacts does.
func (c *Catalog) Facts(now time.Time) []event.Fact {
	var facts []event.Fact
	for _, e := range c.entities {
		if e.IsService() {
			facts = append(facts, c.ServiceFacts(e, now)...)
		}
	}
	return facts
}

// ServiceFacts returns what the descriptor of a service says. What it does not hold is known to be absent: such a fact
// is false or "", not unknown. Only the tier, and the number of people who own the service, may be unknown. The names
// are the same for every service.
func (c *Catalog) ServiceFacts(e descriptor.Entity, now time.Time) []event.Fact {
	_, ownerExists := c.byRef[e.Owner]
	slug, _ := e.Repository()
	values := []struct {
		name  string
		value any
	}{
		{"catalog.has_owner", e.Owner != ""},
		{"catalog.owner_exists", ownerExists},
		{"catalog.owner", e.Owner},
		{"catalog.has_description", e.Description != ""},
		{"catalog.has_system", e.System != ""},
		{"catalog.system", e.System},
		{"catalog.lifecycle", e.Lifecycle},
		{"catalog.type", e.Type},
		{"catalog.tags", notNil(e.Tags)},
		{"catalog.dependencies", float64(len(e.DependsOn))},
		{"catalog.has_repository", slug != "" || e.Annotations[sourceLocationAnnotation] != ""},
		{"catalog.has_docs", e.Annotations["backstage.io/techdocs-ref"] != "" || len(DocsLinks(e)) > 0},
		{"catalog.has_runbook", len(RunbookLinks(e)) > 0},
		{
			"catalog.has_on_call",
			e.Annotations["pagerduty.com/service-id"] != "" || e.Annotations["pagerduty.com/integration-key"] != "" ||
				e.Annotations["opsgenie.com/team"] != "",
		},
	}
	facts := make([]event.Fact, 0, len(values)+2)
	for _, v := range values {
		facts = append(facts, fact(e, v.name, v.value, now))
	}
	return append(facts, tier(e, now), c.members(e, now))
}

// tierLabel is the label of a service that has its tier.
const tierLabel = "dxctl.dev/tier"

// tier returns the tier of a service.
func tier(e descriptor.Entity, now time.Time) event.Fact {
	value := strings.TrimSpace(e.Labels[tierLabel])
	f := fact(e, "catalog.tier", value, now)
	if value == "" {
		f.Value, f.Error = nil, "the descriptor has no label "+tierLabel+"; add it under metadata.labels, such as "+
			tierLabel+`: "1"`
	}
	return f
}

// members returns how many people own a service.
func (c *Catalog) members(e descriptor.Entity, now time.Time) event.Fact {
	n, unknown := c.ownerMembers(e, now)
	f := fact(e, "catalog.owner_members", float64(n), now)
	if unknown != "" {
		f.Value, f.Error = nil, unknown
	}
	return f
}

func fact(e descriptor.Entity, name string, value any, now time.Time) event.Fact {
	f := event.Fact{
		Source:     FactSource,
		Entity:     e.Ref,
		Name:       name,
		ObservedAt: now,
		URL:        e.Annotations["backstage.io/view-url"],
	}
	switch value.(type) {
	case bool:
		f.Type = event.BoolFact
	case float64:
		f.Type = event.NumberFact
	case string:
		f.Type = event.StringFact
	case []string:
		f.Type = event.ListFact
	}
	raw, err := json.Marshal(value)
	if err != nil {
		f.Error = fmt.Sprintf("the catalog's value cannot be written as JSON: %v", err)
	}
	f.Value = raw
	return f
}

// RunbookLinks returns the addresses of the links of an entity to runbooks.
func RunbookLinks(e descriptor.Entity) []string { return linksOf(e, "runbook", "playbook") }

// DocsLinks returns the addresses of the links of an entity to documentation.
func DocsLinks(e descriptor.Entity) []string { return linksOf(e, "doc", "readme", "handbook") }

// linksOf returns the addresses of the links whose title or type contains one of the words.
func linksOf(e descriptor.Entity, words ...string) []string {
	var links []string
	for _, l := range e.Links {
		text := strings.ToLower(l.Title + " " + l.Type)
		if l.URL != "" && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) }) {
			links = append(links, l.URL)
		}
	}
	return links
}
