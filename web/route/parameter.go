package route

import (
	"strings"

	"github.com/dxctl/dxctl/metrics"
)

// Parameter describes a parameter of the query. A request whose value is not one of Values is refused.
type Parameter struct {
	Name        string
	Description string
	Values      []string // the only ones that are possible; nil: any text that the handler takes
	Default     string   // what stands for one that is not given; "" if nothing does
	Required    bool
	Number      bool // a whole number from 1 to Most
	Most        int
}

var yesNo = []string{"true", "false"}

// parameters are those that mean the same in every list. A route may describe its own with [Route.With].
var parameters = named([]Parameter{
	{Name: "sort", Description: "column by which the list is sorted; unknown values are last"},
	{Name: "dir", Description: "direction; without it, numbers and times are sorted from the largest, texts from the " +
		"first letter", Values: []string{"asc", "desc"}},
	{Name: "page", Description: "page of the list; a page past the end is empty", Number: true, Most: maxPages,
		Default: "1"},
	{Name: "per_page", Description: "entries of the document", Number: true, Most: APIListSize, Default: "1000"},
	{Name: "q", Description: "text that an entry contains"},
	{Name: "service", Description: "name or ref of a service"},
	{Name: "team", Description: "display name, name or ref of a team; of services, none selects those without an owner"},
	{Name: "system", Description: "display name, name or ref of a system"},
	{Name: "lifecycle", Description: "lifecycle of the service, such as production"},
	{Name: "level", Description: "level by the first scorecard, in lower case; none for none"},
	{Name: "rule", Description: "rule as scorecard/rule"},
	{Name: "outcome", Description: "outcome of the rule, or of any rule without one"},
	{Name: "depends_on", Description: "name or ref of an entity that the service needs"},
	{Name: "environment", Description: "environment of the deployment"},
	{Name: "person", Description: "id of a person"},
	{Name: "source", Description: "name of a source of the configuration"},
	{Name: "scope", Description: "scope of the source, such as a repository"},
	{Name: "id", Description: "id of the record at its source"},
	{Name: "status", Description: "status of the record; several are separated by commas"},
	{Name: "bots", Description: "false leaves out the records of bots", Values: yesNo},
	{Name: "delivered", Description: "true selects deployments that the metrics count", Values: yesNo, Default: "false"},
	{Name: "without", Description: "finished records without a duration, or CI jobs without a time in the queue",
		Values: []string{"duration", "queue"}},
	{Name: "from", Description: "date or time in RFC 3339 (UTC) from which on records count"},
	{Name: "to", Description: "date or time in RFC 3339 (UTC) before which records count"},
	{Name: "kind", Description: "kind of records; several are separated by commas"},
	{Name: "gaps", Description: "true selects what lacks records", Values: yesNo, Default: "false"},
	{Name: "windows", Description: "true lists each time window", Values: yesNo, Default: "false"},
	{Name: "provider", Description: "provider of the scope, such as github"},
	{Name: "state", Description: "state of the entry"},
	{Name: "of", Description: "whose first deployments", Default: string(metrics.Engineers),
		Values: []string{string(metrics.Engineers), string(metrics.Services)}},
	{Name: "cohort", Description: "how cohorts are formed", Default: string(metrics.Quarter),
		Values: texts(Groupings)},
	{Name: "only", Description: "label of a cohort"},
	{Name: "bucket", Description: "span of a bucket", Default: string(metrics.Week), Values: texts(Buckets)},
	{Name: "as_of", Description: "a date, whose end in UTC is meant, or a time in RFC 3339: by the facts known then"},
	{Name: "prefix", Description: "beginning of the names of facts; several are separated by commas"},
	{Name: "scorecard", Description: "name of a scorecard"},
	{Name: "entity", Description: "ref of an entity"},
	{Name: "ids", Description: "ids; also written ids[] or ids[0]"},
})

func named(list []Parameter) map[string]Parameter {
	all := make(map[string]Parameter, len(list))
	for _, p := range list {
		all[p.Name] = p
	}
	return all
}

func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// With returns the route with its own descriptions of some of its parameters.
func (r Route) With(own ...Parameter) Route {
	all := map[string]Parameter{}
	for name, p := range r.own {
		all[name] = p
	}
	for _, p := range own {
		all[p.Name] = p
	}
	r.own = all
	return r
}

// Described returns the parameters of the query with their descriptions, in their order. One that nothing describes has
// a name only.
func (r Route) Described() []Parameter {
	list := make([]Parameter, 0, len(r.Parameters))
	for _, name := range r.Parameters {
		p := r.parameter(name)
		p.Name = name
		list = append(list, p)
	}
	return list
}

func (r Route) parameter(name string) Parameter {
	if p, ok := r.own[name]; ok {
		return p
	}
	return parameters[name]
}

// Places returns the names of the parts of the path that vary.
func (r Route) Places() []string {
	var names []string
	for part := range strings.SplitSeq(r.Path, "/") {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			names = append(names, name)
		}
	}
	return names
}
