package named

import (
	"encoding/json"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
)

// waivers has the facts of the waivers in the repository.
var waivers = []entry{
	{Definition{
		Name:        "repository.waivers",
		Type:        event.ListFact,
		Label:       "the waivers in the repository",
		Description: "Waivers of " + waiver.RepositoryFile + " for the service, each as JSON; empty without the file.",
	}, func(r *reader) value {
		var texts []string
		for _, w := range r.Waivers.Waivers {
			if text, err := json.Marshal(w); err == nil && w.In(r.Dir) {
				texts = append(texts, string(text))
			}
		}
		return elements(texts, r.doubt(r.Waivers.Problems))
	}},
	{Definition{
		Name:        "repository.waivers_invalid",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the invalid waivers in the repository",
		Description: "What is wrong with waivers of " + waiver.RepositoryFile + ", which are left out.",
	}, func(r *reader) value {
		var p places
		for _, problem := range r.Waivers.Problems {
			p.add(problem.At, "%s", problem.Reason)
		}
		return p.value(r.doubt())
	}},
}

// elements is [texts] of JSON objects, without the text that says how many there are more.
func elements(all []string, doubt string) value {
	v := texts(all, doubt)
	if list, ok := v.of.([]string); ok && len(list) > 0 && list[len(list)-1][0] != '{' {
		v.of = list[:len(list)-1]
	}
	return v
}
