package named

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/owners"
)

const noCodeowners = "there is no CODEOWNERS file"

// ownership has the facts of CODEOWNERS and of the descriptors.
var ownership = []entry{
	{Definition{
		Name:        "repository.codeowners.default_owners",
		Type:        event.ListFact,
		Label:       "the owners by default",
		Description: "Owners in CODEOWNERS of a file that no narrower rule names; empty without the file.",
	}, func(r *reader) value {
		return r.ownersOf(func(f *owners.File) []string {
			var all []string
			for _, rule := range f.Rules {
				if everything(rule.Pattern) { // the last one that matches decides, also if it names nobody
					all = rule.Owners
				}
			}
			return all
		})
	}},
	{Definition{
		Name:        "repository.codeowners.owners",
		Type:        event.ListFact,
		Label:       "the owners in CODEOWNERS",
		Description: "Everybody whom CODEOWNERS names; empty without the file.",
	}, func(r *reader) value { return r.ownersOf((*owners.File).Named) }},
	{Definition{
		Name:        "repository.codeowners.invalid_lines",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the invalid lines of CODEOWNERS",
		Description: "Lines of CODEOWNERS that the host passes over, and why; empty without the file.",
	}, func(r *reader) value {
		f, ok := r.Owners.Get()
		if !ok {
			return unknown(r.Owners.Reason)
		}
		var p places
		if f != nil {
			for _, problem := range f.Problems {
				p.add(problem.At, "%s", problem.Reason)
			}
		}
		return p.value("")
	}},
	{Definition{
		Name:        "repository.codeowners.uncovered",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the files without an owner in CODEOWNERS",
		Description: "Files of the service for which no rule of CODEOWNERS names an owner.",
	}, func(r *reader) value {
		return r.coverage(func(c owners.Coverage, p *places) {
			for _, name := range c.Uncovered {
				p.add(fact.Location{Path: name}, "no rule of CODEOWNERS names an owner")
			}
		})
	}},
	{Definition{
		Name:        "repository.codeowners.dead_patterns",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the patterns of CODEOWNERS that match nothing",
		Description: "Rules of CODEOWNERS whose pattern matches no file of the repository.",
	}, func(r *reader) value {
		return r.coverage(func(c owners.Coverage, p *places) {
			for _, rule := range c.Dead {
				p.add(rule.At, "the pattern %s matches no file", rule.Pattern)
			}
		})
	}},
	{Definition{
		Name:        "repository.codeowners.unresolved_owners",
		Type:        event.ListFact,
		Label:       "the owners in CODEOWNERS who do not exist",
		Description: "Owners whom CODEOWNERS names and whom the host or the catalog does not have.",
	}, unresolved},
	{Definition{
		Name:        "repository.descriptor.problems",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the problems of the descriptor",
		Description: "What is wrong with the descriptor of the service, by the rules of Backstage.",
	}, func(r *reader) value {
		var p places
		for _, problem := range r.DescriptorProblems {
			p.add(problem.At, "%s", problem.Reason)
		}
		if len(r.Descriptors)+len(p.all) == 0 {
			if doubt := r.doubt(); doubt != "" {
				return unknown(doubt)
			}
			return unknown("there is no catalog-info.yaml")
		}
		return p.value("")
	}},
}

// everything reports whether a pattern matches every file of a repository; "/*" means the files at the top.
func everything(pattern string) bool {
	switch strings.TrimPrefix(pattern, "/") {
	case "**", "**/*", "**/**":
		return true
	}
	return pattern == "*" || pattern == "/"
}

func (r *reader) ownersOf(list func(*owners.File) []string) value {
	f, ok := r.Owners.Get()
	switch {
	case !ok:
		return unknown(r.Owners.Reason)
	case f == nil:
		return texts(nil, "")
	}
	return texts(list(f), "")
}

func (r *reader) coverage(add func(owners.Coverage, *places)) value {
	c, ok := r.Coverage.Get()
	if !ok {
		return unknown(r.Coverage.Reason)
	}
	var p places
	add(c, &p)
	return p.value("")
}

func unresolved(r *reader) value {
	f, ok := r.Owners.Get()
	switch {
	case !ok:
		return unknown(r.Owners.Reason)
	case f == nil:
		return unknown(noCodeowners)
	}
	var missing []string
	doubt := ""
	for _, owner := range f.Named() {
		exists := fact.Unknown[bool](f.Rules[0].At, "a checkout does not show whether %s exists", owner)
		if r.options.Resolve != nil {
			exists = r.options.Resolve(owner)
		}
		switch {
		case !exists.Known && doubt == "":
			doubt = exists.Reason
		case exists.Known && !exists.Value:
			missing = append(missing, owner)
		}
	}
	slices.Sort(missing)
	return texts(missing, doubt)
}
