package report

import (
	"context"
	"slices"

	"github.com/dxctl/dxctl/catalog/identifier"
)

// CampaignOwner returns an owner as CampaignRowFilter takes it. named is a display name, a ref such as group:payments,
// or its name alone, of any owner or group of the catalog. For one that nobody knows, the owner is "", and known has
// what can be written.
func (r *Reader) CampaignOwner(ctx context.Context, named string) (owner string, known []string, err error) {
	refs, err := r.TeamRefs(ctx)
	if err != nil {
		return "", nil, err
	}
	known = append(slices.Clone(refs), NoTeam)
	for _, ref := range refs {
		known = append(known, displayName(r.Catalog(), ref))
	}
	known = Distinct(known)
	if named == NoTeam {
		return NoTeam, known, nil
	}
	if ref, err := identifier.ParseRef(named, "group", "default"); err == nil && slices.Contains(refs, ref.String()) {
		return ref.String(), known, nil
	}
	if slices.Contains(known, named) { // a ref as it is written, or a display name, which two owners may have
		return named, known, nil
	}
	return "", known, nil
}
