package settings

import (
	"github.com/google/go-github/v60/github"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/setting"
)

// record is what is used of the repository's record. A field that GitHub shows to administrators only is nil for
// others.
type record struct {
	Public              bool  `json:"public"`
	DeleteBranchOnMerge *bool `json:"delete_branch_on_merge,omitempty"`
	SecretScanning      *bool `json:"secret_scanning,omitempty"`
	PushProtection      *bool `json:"push_protection,omitempty"`
}

// workflowPermissions is what workflows may do unless they declare it.
type workflowPermissions struct {
	Default string `json:"default_workflow_permissions"` // read or write
}

func recordOf(r github.Repository) record {
	all := record{
		// An internal repository is private, too.
		Public:              r.GetVisibility() == "public" || r.Visibility == nil && r.Private != nil && !*r.Private,
		DeleteBranchOnMerge: r.DeleteBranchOnMerge,
	}
	if a := r.SecurityAndAnalysis; a != nil {
		enabled := func(status string) *bool {
			on := status == "enabled"
			return &on
		}
		all.SecretScanning = enabled(a.SecretScanning.GetStatus())
		all.PushProtection = enabled(a.SecretScanningPushProtection.GetStatus())
	}
	return all
}

// valueOf returns a setting that an answer has if it is known.
func valueOf[V, T any](p part[V], of func(V) T) fact.Value[T] {
	switch {
	case p.Known:
		return setting.Known(of(p.Value))
	case p.Reason != "":
		return setting.Unknown[T](p.Reason)
	}
	return setting.Unknown[T]("it was not asked for")
}

// shownTo returns a setting in the repository's record that GitHub shows to administrators.
func (c *collector) shownTo(s state, of func(record) *bool) fact.Value[bool] {
	if !s.Record.Known {
		return setting.Unknown[bool](s.Record.Reason)
	}
	if v := of(s.Record.Value); v != nil {
		return setting.Known(*v)
	}
	return setting.Unknown[bool]("GET /repos/" + c.Scope + " does not show it to the token; give it " + administration)
}
