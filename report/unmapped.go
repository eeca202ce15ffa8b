package report

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
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

// MaxUnmapped bounds the scopes that Unmapped returns.
const MaxUnmapped = 200

// UnmappedScopes is how many scopes no service claims, whenever their records are from.
func (r *Reader) UnmappedScopes(ctx context.Context) (int, error) {
	return cached(ctx, r, "unmapped", func(ctx context.Context) (int, error) {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		err := r.deps.Store.Select(ctx, &rows, `
			SELECT uniqExact(service) AS n FROM
			(
				SELECT DISTINCT service FROM deployments UNION ALL SELECT DISTINCT service FROM pipeline_runs
				UNION ALL SELECT DISTINCT service FROM changes UNION ALL SELECT DISTINCT service FROM incidents
			)
			WHERE startsWith(service, 'unmapped:')`, nil)
		if err != nil {
			return 0, fmt.Errorf("count the scopes of no service: %w", err)
		}
		n := 0
		for _, row := range rows {
			n = int(row.N)
		}
		return n, nil
	})
}

// Unmapped returns the scopes that sources report and no service claims, those with the most records first, and whether
// there are more than MaxUnmapped.
func (r *Reader) Unmapped(ctx context.Context) (scopes []UnmappedScope, more bool, err error) {
	err = r.deps.Store.Select(ctx, &scopes, `
		SELECT service, countIf(kind = 'd') AS deployments, countIf(kind = 'r') AS runs, countIf(kind = 'c') AS changes,
			countIf(kind = 'i') AS incidents, max(at) AS last_at
		FROM
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
		)
		GROUP BY service ORDER BY deployments + runs + changes + incidents DESC, service
		LIMIT {limit:UInt32}`, map[string]any{"limit": MaxUnmapped + 1})
	if err != nil {
		return nil, false, fmt.Errorf("listing unmapped records: %w", err)
	}
	if len(scopes) > MaxUnmapped {
		scopes, more = scopes[:MaxUnmapped], true
	}
	services := r.deps.Catalog().Services()
	byName := make(map[string]*descriptor.Entity, len(services)) // of several with one name the first
	for i := range services {
		name := strings.ToLower(services[i].Name)
		if byName[name] == nil {
			byName[name] = &services[i]
		}
	}
	for i := range scopes {
		scopes[i].Likely = byName[scopes[i].name()]
	}
	return scopes, more, nil
}
