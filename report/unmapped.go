package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/report/sorting"
)

// UnmappedScope is a scope of a provider that no entity of the catalog claims.
type UnmappedScope struct {
	Service     string     `ch:"service"`
	Deployments uint64     `ch:"deployments"`
	Runs        uint64     `ch:"runs"`
	Changes     uint64     `ch:"changes"`
	Incidents   uint64     `ch:"incidents"`
	LastAt      *time.Time `ch:"last_at"`

	Likely *descriptor.Entity `ch:"-"` // the service that goes by the scope's name; nil: none does
}

// annotations are the keys by which a descriptor claims a scope of a provider.
var annotations = map[string]string{
	"github": "github.com/project-slug", "gitlab": "gitlab.com/project-slug", "jenkins": "jenkins.io/job-full-name",
	"circleci": "circleci.com/project-slug", "argocd": "argocd/app-name", "pagerduty": "pagerduty.com/service-id",
	"opsgenie": "opsgenie.com/service-id", "kubernetes": "backstage.io/kubernetes-id",
}

// Providers are the providers whose scopes a descriptor can claim.
func Providers() []string { return slices.Sorted(maps.Keys(annotations)) }

// Provider is the kind of the source.
func (r UnmappedScope) Provider() string {
	p, _, _ := strings.Cut(strings.TrimPrefix(r.Service, unmappedPrefix), "/")
	return p
}

// Scope is what of the source; where a sender gave the address of a repository, the repository's path.
func (r UnmappedScope) Scope() string {
	_, s, _ := strings.Cut(strings.TrimPrefix(r.Service, unmappedPrefix), "/")
	return identifier.RepositoryName(s)
}

// Descriptor is a Backstage descriptor that would claim the scope. Values are quoted, because scopes come from outside.
func (r UnmappedScope) Descriptor() string {
	return fmt.Sprintf(`apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: %s
  annotations:
    %s: %q
spec:
  type: service
  lifecycle: production
  owner: my-team
`, r.name(), r.annotation(), r.Scope())
}

// Annotation is the line that claims the scope in a descriptor that there is already.
func (r UnmappedScope) Annotation() string { return fmt.Sprintf("%s: %q", r.annotation(), r.Scope()) }

func (r UnmappedScope) annotation() string {
	return cmp.Or(annotations[r.Provider()], r.Provider()+"/scope")
}

// name is what a service of the scope would be called in a catalog.
func (r UnmappedScope) name() string {
	name := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			return c
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		}
		return '-'
	}, path.Base(r.Scope()))
	name = strings.Trim(name, "-_.")
	if len(name) > 63 {
		name = strings.Trim(name[:63], "-_.")
	}
	return cmp.Or(name, "my-service")
}

const unmappedPrefix = "unmapped:"

// UnmappedFilter selects scopes that no service claims. Empty fields select all.
type UnmappedFilter struct {
	Provider string // github, jenkins
	Text     string // part of the scope, in any case
}

// UnmappedColumns are the columns by which unmapped scopes can be sorted.
var UnmappedColumns = []sorting.Expression{
	{Column: sorting.Column{Key: "records", Label: "most records", Number: true},
		SQL: "deployments + runs + changes + incidents"},
	{Column: sorting.Column{Key: "last", Label: "latest record", Number: true}, SQL: "last_at"},
	{Column: sorting.Column{Key: "scope", Label: "name"}, SQL: "lowerUTF8(service)"},
}

// MostRecords is the order of unmapped scopes that nobody has sorted.
var MostRecords = sorting.Order{By: "records", Descending: true}

// The records of scopes that no service claims.
const unmappedRecords = `
	(
		SELECT service, 'd' AS kind, coalesce(finished_at, started_at, created_at) AS at
		FROM deployments WHERE startsWith(service, 'unmapped:')
		UNION ALL
		SELECT service, 'r' AS kind, coalesce(finished_at, started_at, created_at) AS at
		FROM pipeline_runs WHERE startsWith(service, 'unmapped:')
		UNION ALL
		SELECT service, 'c' AS kind, coalesce(merged_at, closed_at, created_at) AS at
		FROM changes WHERE startsWith(service, 'unmapped:')
		UNION ALL
		SELECT service, 'i' AS kind, coalesce(resolved_at, opened_at) AS at
		FROM incidents WHERE startsWith(service, 'unmapped:')
	)`

// UnmappedProvider is a provider and how many of its scopes no service claims.
type UnmappedProvider struct {
	Provider string
	Scopes   int
}

// UnmappedProviders returns the providers of unmapped scopes by name, whenever their records are from.
func (r *Reader) UnmappedProviders(ctx context.Context) ([]UnmappedProvider, error) {
	return cached(ctx, r, "unmapped", func(ctx context.Context) ([]UnmappedProvider, error) {
		var rows []struct {
			Provider string `ch:"provider"`
			N        uint64 `ch:"n"`
		}
		err := r.deps.Store.Select(ctx, &rows, `
			SELECT splitByChar('/', substring(service, length('unmapped:') + 1))[1] AS provider, uniqExact(service) AS n
			FROM
			(
				SELECT DISTINCT service FROM deployments UNION ALL SELECT DISTINCT service FROM pipeline_runs
				UNION ALL SELECT DISTINCT service FROM changes UNION ALL SELECT DISTINCT service FROM incidents
			)
			WHERE startsWith(service, 'unmapped:') GROUP BY provider ORDER BY provider`, nil)
		if err != nil {
			return nil, fmt.Errorf("counting the unmapped scopes: %w", err)
		}
		providers := make([]UnmappedProvider, len(rows))
		for i, row := range rows {
			providers[i] = UnmappedProvider{row.Provider, int(row.N)}
		}
		return providers, nil
	})
}

// UnmappedScopes is how many scopes no service claims, whenever their records are from.
func (r *Reader) UnmappedScopes(ctx context.Context) (int, error) {
	providers, err := r.UnmappedProviders(ctx)
	n := 0
	for _, p := range providers {
		n += p.Scopes
	}
	return n, err
}

// Unmapped returns a page of the scopes that sources report and no service claims, and how many fit the filter.
func (r *Reader) Unmapped(
	ctx context.Context, f UnmappedFilter, o sorting.Order, p Page,
) (scopes []UnmappedScope, total int, err error) {
	const fits = ` WHERE ({provider:String} = '' OR startsWith(service, concat('unmapped:', {provider:String}, '/')))
		AND ({text:String} = '' OR positionCaseInsensitiveUTF8(service, {text:String}) > 0)`
	params := map[string]any{"provider": f.Provider, "text": strings.TrimSpace(f.Text), "limit": p.Size,
		"offset": (p.Number - 1) * p.Size}
	var counts []struct {
		N uint64 `ch:"n"`
	}
	err = r.deps.Store.Select(ctx, &counts, "SELECT uniqExact(service) AS n FROM "+unmappedRecords+fits, params)
	if err != nil {
		return nil, 0, fmt.Errorf("counting unmapped scopes: %w", err)
	}
	err = r.deps.Store.Select(ctx, &scopes, `
		SELECT service, countIf(kind = 'd') AS deployments, countIf(kind = 'r') AS runs, countIf(kind = 'c') AS changes,
			countIf(kind = 'i') AS incidents, max(at) AS last_at
		FROM `+unmappedRecords+fits+" GROUP BY service"+sorting.SQL(UnmappedColumns, o, "service")+
		" LIMIT {limit:UInt32} OFFSET {offset:UInt64}", params)
	if err != nil {
		return nil, 0, fmt.Errorf("listing unmapped records: %w", err)
	}
	for _, c := range counts {
		total = int(c.N)
	}
	r.findLikely(scopes)
	return scopes, total, nil
}

// findLikely sets the services that go by the names of the scopes; of several with one name the first.
func (r *Reader) findLikely(scopes []UnmappedScope) {
	services := r.deps.Catalog().Services()
	byName := make(map[string]*descriptor.Entity, len(services))
	for i := range services {
		name := strings.ToLower(services[i].Name)
		if byName[name] == nil {
			byName[name] = &services[i]
		}
	}
	for i := range scopes {
		scopes[i].Likely = byName[scopes[i].name()]
	}
}
