package fix

import (
	_ "embed" // known.txt
	"strings"
	"sync"

	"github.com/dxctl/dxctl/actions/fix/edits"
)

//go:embed known.txt
var known string

// knownActions returns the commits of releases of common actions, which come after those of the golden path: a
// repository uses older versions than the templates do, and a patch does not upgrade.
var knownActions = sync.OnceValue(func() []edits.Action {
	var all []edits.Action
	for line := range strings.Lines(known) {
		if fields := strings.Fields(line); len(fields) == 3 && !strings.HasPrefix(line, "#") {
			all = append(all, edits.Action{Name: fields[0], Tag: fields[1], Commit: fields[2], Listed: true})
		}
	}
	return all
})
