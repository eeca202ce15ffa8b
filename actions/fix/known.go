package fix

import "github.com/dxctl/dxctl/actions/fix/edits"

func knownActions() []edits.Action { return nil }
