package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// descriptor is a document of a Backstage catalog, in the order in which people write it.
type descriptor struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       spec     `yaml:"spec"`
}

type metadata struct {
	Name        string            `yaml:"name"`
	Title       string            `yaml:"title,omitempty"`
	Description string            `yaml:"description,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
	Tags        []string          `yaml:"tags,omitempty,flow"`
	Links       []link            `yaml:"links,omitempty"`
}

type link struct {
	URL   string `yaml:"url"`
	Title string `yaml:"title"`
	Type  string `yaml:"type,omitempty"`
}

type spec struct {
	Type         string            `yaml:"type,omitempty"`
	Lifecycle    string            `yaml:"lifecycle,omitempty"`
	Owner        string            `yaml:"owner,omitempty"`
	System       string            `yaml:"system,omitempty"`
	DependsOn    []string          `yaml:"dependsOn,omitempty"`
	ProvidesAPIs []string          `yaml:"providesApis,omitempty"`
	Definition   string            `yaml:"definition,omitempty"`
	Profile      map[string]string `yaml:"profile,omitempty"`
	Parent       string            `yaml:"parent,omitempty"`
	Children     *[]string         `yaml:"children,omitempty,flow"`
	MemberOf     []string          `yaml:"memberOf,omitempty,flow"`
}

// catalogFiles returns the Backstage descriptors of the organization by file name.
func (o *Organization) catalogFiles() map[string][]byte {
	return map[string][]byte{
		"services.yaml":     document("Services: one Component each, and the library that they share.", o.components()),
		"systems.yaml":      document("Systems, and the resources and interfaces in them.", systems()),
		"organization.yaml": document("Teams and the people who are in them today.", o.groups()),
	}
}

// document writes descriptors as one file. Marshalling these plain structs cannot fail; an error would show in the
// file.
func document(about string, all []descriptor) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n# %s\n", Note, about)
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	for _, d := range all {
		d.APIVersion = "backstage.io/v1alpha1"
		if err := encoder.Encode(d); err != nil {
			fmt.Fprintf(&b, "# %v\n", err)
		}
	}
	if err := encoder.Close(); err != nil {
		fmt.Fprintf(&b, "# %v\n", err)
	}
	return b.Bytes()
}

func (o *Organization) components() []descriptor {
	var all []descriptor
	for _, s := range services {
		d := descriptor{Kind: "Component", Metadata: metadata{
			Name:        s.name,
			Title:       s.title,
			Description: s.description + " (synthetic)",
			Labels:      s.labels(),
			Annotations: o.annotations(s),
			Tags:        o.tags(s),
		}, Spec: spec{Type: s.kind, Lifecycle: s.lifecycle, Owner: s.team, System: s.system, DependsOn: s.dependsOn}}
		if s.runbook {
			d.Metadata.Links = []link{{"https://handbook." + domain + "/runbooks/" + s.name, "Runbook", "runbook"}}
		}
		if s.name == "payment-service" {
			d.Spec.ProvidesAPIs = []string{"payments-api"}
		}
		if s.lifecycle == "experimental" {
			d.Spec.System, d.Metadata.Description = "", "" // nobody got round to it
		}
		all = append(all, d)
	}
	return append(all, descriptor{Kind: "Component", Metadata: metadata{
		Name: "money", Title: "Money", Description: "The library for amounts, currencies and rounding (synthetic)",
	}, Spec: spec{Type: "library", Lifecycle: "production", Owner: "ledger", System: "money-movement"}})
}

// labels has the tier: 1 moves money or signs people in. An experiment has none.
func (s service) labels() map[string]string {
	switch {
	case s.lifecycle == "experimental":
		return nil
	case slices.Contains([]string{"payments", "payouts", "identity", "messaging", "ledger", "checkout"}, s.team):
		return map[string]string{"dxctl.dev/tier": "1"}
	}
	return map[string]string{"dxctl.dev/tier": "2"}
}

// annotations say where the service is built and deployed. A service that moved keeps its old tool in addition to the
// new one, so that its history stays its own.
func (o *Organization) annotations(s service) map[string]string {
	a := map[string]string{"github.com/project-slug": s.slug()}
	switch s.tool {
	case jenkins:
		a["jenkins.io/job-full-name"] = jobName(s)
	case circleci:
		a["circleci.com/project-slug"] = "github/" + s.slug()
	}
	if s.onCall {
		a["pagerduty.com/service-id"] = pagerID(s)
	}
	if s.golden(o.Today, o.cal) {
		a["backstage.io/techdocs-ref"] = "dir:."
	}
	return a
}

func (o *Organization) tags(s service) []string {
	if s.golden(o.Today, o.cal) {
		return []string{"golden-path"}
	}
	return []string{string(s.tool)}
}

func systems() []descriptor {
	var all []descriptor
	for _, s := range []struct{ name, title, description, owner string }{
		{"money-movement", "Money movement", "Everything that moves money.", "payments"},
		{"checkout", "Checkout", "What a payer sees.", "checkout"},
		{"identity-and-risk", "Identity and risk", "Who somebody is and whether to trust a payment.", "identity"},
		{"insights", "Insights", "What merchants get to know.", "data"},
	} {
		all = append(
			all,
			descriptor{
				Kind:     "System",
				Metadata: metadata{Name: s.name, Title: s.title, Description: s.description},
				Spec:     spec{Owner: s.owner},
			},
		)
	}
	for _, r := range []struct{ name, of, owner, system string }{
		{"payments-db", "database", "payments", "money-movement"}, {"ledger-db", "database", "ledger", "money-movement"},
		{"users-db", "database", "identity", "identity-and-risk"},
		{"events-bus", "message-broker", "platform", "money-movement"},
	} {
		all = append(
			all,
			descriptor{
				Kind:     "Resource",
				Metadata: metadata{Name: r.name},
				Spec:     spec{Type: r.of, Owner: r.owner, System: r.system},
			},
		)
	}
	return append(
		all,
		descriptor{
			Kind:     "API",
			Metadata: metadata{Name: "payments-api", Description: "The merchants' payments interface (synthetic)"},
			Spec: spec{
				Type: "openapi", Lifecycle: "production", Owner: "payments", System: "money-movement",
				Definition: "openapi: 3.1.0\ninfo: {title: Payments, version: 1.0.0}\npaths: {}\n",
			},
		},
	)
}

func (o *Organization) groups() []descriptor {
	var names []string
	for _, t := range teams {
		names = append(names, t.name)
	}
	none := []string{}
	all := []descriptor{
		{Kind: "Group", Metadata: metadata{Name: "engineering", Title: "Engineering at " + Name, Description: Note},
			Spec: spec{Type: "department", Children: &names}},
	}
	for _, t := range teams {
		all = append(all, descriptor{
			Kind:     "Group",
			Metadata: metadata{Name: t.name, Title: t.title},
			Spec: spec{
				Type:     "team",
				Parent:   "engineering",
				Children: &none,
				Profile:  map[string]string{"displayName": t.title},
			},
		})
	}
	for _, p := range o.people {
		if p.left.IsZero() && p.started.Before(o.Today) {
			all = append(all, descriptor{Kind: "User", Metadata: metadata{Name: p.id},
				Spec: spec{Profile: map[string]string{"displayName": p.name}, MemberOf: []string{p.team}}})
		}
	}
	return all
}

// peopleCSV returns the people of the organization, a row for each time in a team, and its bot accounts.
func (o *Organization) peopleCSV() []byte {
	rows := [][]string{{"person", "name", "team", "start_date", "left_date", "logins", "email", "bot"}}
	for _, p := range o.people {
		logins := "github:" + p.login + " circleci:" + p.login + " " + p.account
		row := func(team string, from, to time.Time) {
			rows = append(rows, []string{p.id, p.name, team, date(from), date(to), logins, p.email(), ""})
		}
		started := p.started
		if p.noStart {
			started = time.Time{}
		}
		if p.formerly == "" {
			row(p.team, started, p.left)
			continue
		}
		row(p.formerly, started, p.moved)
		row(p.team, p.moved, p.left)
	}
	for _, bot := range []string{updater, serviceAccounts[actions], serviceAccounts[jenkins], serviceAccounts[circleci]} {
		name := strings.TrimSuffix(bot, "[bot]")
		rows = append(rows, []string{name, name, "", "", "", bot, "", "yes"})
	}
	slices.SortStableFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil { // a buffer takes everything
		return nil
	}
	return b.Bytes()
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
