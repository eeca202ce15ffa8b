package named

import (
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/content"
	"github.com/dxctl/dxctl/repository/fact"
)

var contents = []entry{
	{Definition{
		Name:   "repository.content.binaries",
		Type:   event.ListFact,
		Places: true,
		Label:  "the binaries in the repository",
		Description: "Programs, libraries, bytecode and archives that are committed; media, test data and the wrappers of " +
			"Gradle and Maven are none.",
	}, func(r *reader) value {
		var p places
		for _, b := range r.Content.Binaries {
			switch b.Kind {
			case content.Executable:
				p.add(fact.Location{Path: b.Path}, "an executable program or library")
			case content.Bytecode:
				p.add(fact.Location{Path: b.Path}, "bytecode")
			case content.Archive:
				p.add(fact.Location{Path: b.Path}, "an archive")
			}
		}
		return p.value(r.scanned())
	}},
	{Definition{
		Name:        "repository.content.secrets",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the texts that look like secrets",
		Description: "Texts that have the form of a well-known kind of secret; the texts themselves are not kept.",
	}, func(r *reader) value {
		var p places
		for _, s := range r.Content.Secrets {
			p.add(s.At, "it has the form of a secret: %s", s.Form)
		}
		return p.value(r.scanned())
	}},
	{Definition{
		Name:        "repository.language",
		Type:        event.StringFact,
		Label:       "the main language",
		Description: "The programming language of most of the code; empty if there is none.",
	}, func(r *reader) value {
		main, ok := r.Language.Main.Get()
		if !ok {
			return unknown(r.Language.Main.Reason)
		}
		return known(main)
	}},
	{Definition{
		Name:        "repository.frameworks",
		Type:        event.ListFact,
		Label:       "the frameworks",
		Description: "Frameworks that the manifests name; only common ones are recognized.",
	}, func(r *reader) value {
		var names []string
		for _, f := range r.Language.Frameworks {
			names = append(names, f.Name)
		}
		return texts(names, r.doubt())
	}},
}

// scanned returns why not every file was looked into; "" if every file was.
func (r *reader) scanned() string {
	if doubt := r.doubt(); doubt != "" {
		return doubt
	}
	return r.Content.Complete.Reason
}
