package facts

import (
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/setting"
)

// ofRepository returns the definitions of named facts of a repository, which a source gives.
func ofRepository(definitions []named.Definition, source string) []Definition {
	all := make([]Definition, len(definitions))
	for i, d := range definitions {
		all[i] = Definition{
			Name:        d.Name,
			Type:        d.Type,
			Places:      d.Places,
			Unit:        d.Unit,
			Label:       d.Label,
			True:        d.True,
			False:       d.False,
			Source:      source,
			Description: d.Description,
		}
	}
	return all
}

// settingFacts are the settings of a repository at its host, which no checkout shows.
func settingFacts() []Definition { return ofRepository(setting.Definitions(), fromGit) }
