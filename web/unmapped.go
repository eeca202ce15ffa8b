package web

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// unmappedRow is a scope of a provider that no entity of the catalog claims.
type unmappedRow struct {
	Service     string     `ch:"service"`
	Deployments uint64     `ch:"deployments"`
	Runs        uint64     `ch:"runs"`
	Changes     uint64     `ch:"changes"`
	LastAt      *time.Time `ch:"last_at"`
}

// annotations are the keys by which a descriptor claims a scope of a provider.
var annotations = map[string]string{
	"github": "github.com/project-slug", "gitlab": "gitlab.com/project-slug", "jenkins": "jenkins.io/job-full-name",
	"circleci": "circleci.com/project-slug", "argocd": "argocd/app-name", "pagerduty": "pagerduty.com/service-id",
}

// Provider is the kind of the source.
func (r unmappedRow) Provider() string {
	p, _, _ := strings.Cut(strings.TrimPrefix(r.Service, "unmapped:"), "/")
	return p
}

// Scope is what of the source.
func (r unmappedRow) Scope() string {
	_, s, _ := strings.Cut(strings.TrimPrefix(r.Service, "unmapped:"), "/")
	return s
}

// Descriptor is a Backstage descriptor that would claim the scope. Values are quoted, because scopes come from outside.
func (r unmappedRow) Descriptor() string {
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
	if name == "" {
		name = "my-service"
	}
	key := annotations[r.Provider()]
	if key == "" {
		key = r.Provider() + "/scope"
	}
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
`, name, key, r.Scope())
}

type unmappedView struct {
	layout
	Rows []unmappedRow
	More bool
}

const unmappedLimit = 200

// unmapped lists what sources tell of and no service claims.
func (a *app) unmapped(c *fiber.Ctx) error {
	ctx, cancel := requestContext(c)
	defer cancel()
	view := unmappedView{layout: a.layout("Records of no service", "/ledger")}
	err := a.deps.Store.Select(ctx, &view.Rows, `
		SELECT service, countIf(kind = 'd') AS deployments, countIf(kind = 'r') AS runs, countIf(kind = 'c') AS changes, max(at) AS last_at
		FROM
		(
			SELECT service, 'd' AS kind, coalesce(finished_at, started_at, created_at) AS at FROM deployments WHERE startsWith(service, 'unmapped:')
			UNION ALL
			SELECT service, 'r' AS kind, coalesce(finished_at, started_at, created_at) AS at FROM pipeline_runs WHERE startsWith(service, 'unmapped:')
			UNION ALL
			SELECT service, 'c' AS kind, coalesce(merged_at, closed_at, created_at) AS at FROM changes WHERE startsWith(service, 'unmapped:')
		)
		GROUP BY service ORDER BY deployments + runs + changes DESC, service LIMIT {limit:UInt32}`, map[string]any{"limit": unmappedLimit + 1})
	if err != nil {
		return fmt.Errorf("list records of no service: %w", err)
	}
	if len(view.Rows) > unmappedLimit {
		view.Rows, view.More = view.Rows[:unmappedLimit], true
	}
	return a.render(c, fiber.StatusOK, "unmapped", view)
}
