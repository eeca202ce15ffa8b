package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The values that filters can have, as the catalog, the configuration and the ledger know them.

// ServiceRefs are the refs of all entities.
func (r *Reader) ServiceRefs(context.Context) ([]string, error) {
	var refs []string
	for _, e := range r.deps.Catalog().Entities() {
		refs = append(refs, e.Ref)
	}
	return refs, nil
}

// TeamRefs are the owners of entities and the groups.
func (r *Reader) TeamRefs(context.Context) ([]string, error) {
	var refs []string
	for _, e := range r.deps.Catalog().Entities() {
		if strings.HasPrefix(e.Ref, "group:") {
			refs = append(refs, e.Ref)
		}
		refs = append(refs, e.Owner)
	}
	return Distinct(refs), nil
}

// PersonIDs are the ids of all people.
func (r *Reader) PersonIDs(context.Context) ([]string, error) {
	var ids []string
	for _, p := range r.deps.Catalog().People().All() {
		ids = append(ids, p.ID)
	}
	return ids, nil
}

// EnvironmentNames are the environments of deployments and of the configuration.
func (r *Reader) EnvironmentNames(ctx context.Context) ([]string, error) {
	names, err := r.Environments(ctx)
	return Distinct(slices.Concat(names, r.deps.Environments)), err
}

// SourceNames are the sources of the ledger and of the configuration.
func (r *Reader) SourceNames(ctx context.Context) ([]string, error) {
	names, err := r.ledgerNames(ctx, "source")
	return Distinct(slices.Concat(names, r.deps.Sources)), err
}

// ScopeNames are the scopes of the ledger.
func (r *Reader) ScopeNames(ctx context.Context) ([]string, error) {
	return r.ledgerNames(ctx, "scope")
}

// Environments are the environments of deployments, those with the most first, at most 50.
func (r *Reader) Environments(ctx context.Context) ([]string, error) {
	return cached(ctx, r, "environments", func(ctx context.Context) ([]string, error) {
		var rows []struct {
			Environment string `ch:"environment"`
		}
		err := r.deps.Store.Select(ctx, &rows, `SELECT environment FROM deployments WHERE environment != ''
			GROUP BY environment ORDER BY count() DESC, environment LIMIT 50`, nil)
		if err != nil {
			return nil, fmt.Errorf("listing the environments: %w", err)
		}
		names := make([]string, len(rows))
		for i, row := range rows {
			names[i] = row.Environment
		}
		return names, nil
	})
}

// Distinct sorts the values and drops the empty and the repeated ones. It changes values.
func Distinct(values []string) []string {
	slices.Sort(values)
	return slices.DeleteFunc(slices.Compact(values), func(s string) bool { return s == "" })
}
