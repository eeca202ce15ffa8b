package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// Descriptors returns the descriptors that sources have and that are not gone, ordered by source, scope and location.
func (s *Store) Descriptors(ctx context.Context, sources []string) ([]event.Descriptor, error) {
	found, err := selectRows[rows.Descriptor](ctx, s, `raw_descriptors FINAL
WHERE document != '' AND source IN {sources:Array(String)} ORDER BY source, scope, location`,
		map[string]any{"sources": sources})
	if err != nil {
		return nil, fmt.Errorf("reading the descriptors of %d sources: %w", len(sources), err)
	}
	descriptors := make([]event.Descriptor, len(found))
	for i, r := range found {
		descriptors[i] = r.Event()
	}
	return descriptors, nil
}

// DescriptorRevisions returns the revisions of the descriptors of a scope that are not gone, by location.
func (s *Store) DescriptorRevisions(ctx context.Context, source, scope string) (map[string]string, error) {
	var found []struct {
		Location string `ch:"location"`
		Revision string `ch:"revision"`
	}
	const sql = "SELECT location, revision FROM raw_descriptors FINAL WHERE " + ofScope + " AND document != ''"
	if err := s.Select(ctx, &found, sql, map[string]any{"source": source, "scope": scope}); err != nil {
		return nil, fmt.Errorf("looking up the descriptors of %s: %w", scope, err)
	}
	revisions := make(map[string]string, len(found))
	for _, r := range found {
		revisions[r.Location] = r.Revision
	}
	return revisions, nil
}

// UnlistedDescriptors returns the descriptors of a source, without their documents, that are not gone and whose scope
// is not among the listed ones, and how many descriptors the source has in all scopes.
func (s *Store) UnlistedDescriptors(ctx context.Context, source string, listed []string,
) (unlisted []event.Descriptor, stored int, err error) {
	var found []struct {
		Provider string `ch:"provider"`
		Scope    string `ch:"scope"`
		Location string `ch:"location"`
		URL      string `ch:"url"`
		Stored   uint64 `ch:"stored"`
	}
	const sql = `SELECT provider, scope, location, url, stored FROM
(
    SELECT provider, scope, location, url, count() OVER () AS stored
    FROM raw_descriptors FINAL WHERE source = {source:String} AND document != ''
)
WHERE NOT has({listed:Array(String)}, scope)`
	if err := s.Select(ctx, &found, sql, map[string]any{"source": source, "listed": listed}); err != nil {
		return nil, 0, fmt.Errorf("looking up the descriptors that %s no longer lists: %w", source, err)
	}
	for _, r := range found {
		unlisted = append(unlisted, event.Descriptor{
			Source: source, Provider: r.Provider, Scope: r.Scope, Location: r.Location, URL: r.URL,
		})
		stored = int(r.Stored)
	}
	return unlisted, stored, nil
}

// Logins returns every login that stored events name, with what it did, ordered by provider and login.
func (s *Store) Logins(ctx context.Context) ([]event.Login, error) {
	var found []struct {
		Provider string    `ch:"provider"`
		Name     string    `ch:"login"`
		Bot      bool      `ch:"bot"`
		Changes  uint64    `ch:"changes"`
		Runs     uint64    `ch:"runs"`
		Deploys  uint64    `ch:"deploys"`
		LastAt   time.Time `ch:"last_at"`
	}
	const sql = `SELECT provider, lower(account) AS login, max(machine) AS bot,
    sum(is_change) AS changes, sum(is_run) AS runs, sum(is_deploy) AS deploys,
    max(ifNull(at, toDateTime64(0, 3, 'UTC'))) AS last_at
FROM
(
    SELECT provider, author AS account, bot AS machine, coalesce(merged_at, created_at) AS at,
        1 AS is_change, 0 AS is_run, 0 AS is_deploy FROM raw_changes FINAL
    UNION ALL
    SELECT provider, actor AS account, bot AS machine, created_at AS at, 0, 1, 0 FROM raw_pipeline_runs FINAL
    UNION ALL
    SELECT provider, actor AS account, bot AS machine, created_at AS at, 0, 0, 1 FROM raw_deployments FINAL
)
WHERE account != ''
GROUP BY provider, login
ORDER BY provider, login`
	if err := s.Select(ctx, &found, sql, nil); err != nil {
		return nil, fmt.Errorf("reading the logins of the stored events: %w", err)
	}
	logins := make([]event.Login, len(found))
	for i, r := range found {
		logins[i] = event.Login(r)
	}
	return logins, nil
}

// CatalogDefinitions returns the definitions, as JSON, of the entities that the catalog last read from these files,
// from files below these directories, or from what Locations in them name; ordered by entity ref.
func (s *Store) CatalogDefinitions(ctx context.Context, files []string) ([]string, error) {
	var found []struct {
		Definition string `ch:"definition"`
	}
	const sql = `SELECT definition FROM catalog_entities
WHERE arrayExists(f -> startsWith(location, concat(f, ':')) OR startsWith(location, concat(f, '/')), {files:Array(String)})
   OR hasAny(JSONExtract(definition, 'via', 'Array(String)'), {files:Array(String)})
ORDER BY ref`
	if err := s.Select(ctx, &found, sql, map[string]any{"files": files}); err != nil {
		return nil, fmt.Errorf("reading the stored entities of %d files: %w", len(files), err)
	}
	definitions := make([]string, len(found))
	for i, r := range found {
		definitions[i] = r.Definition
	}
	return definitions, nil
}

// CatalogPeople reads the memberships that the catalog last read from these files, or from files below these
// directories, into dest: a pointer to a slice of the structs that were given to Replace. Those of a person follow each
// other, oldest first.
func (s *Store) CatalogPeople(ctx context.Context, files []string, dest any) error {
	err := s.selectInto(ctx, dest, `catalog_people
WHERE arrayExists(f -> startsWith(source, concat(f, ':')) OR startsWith(source, concat(f, '/')), {files:Array(String)})
ORDER BY person, started_on, team`, map[string]any{"files": files})
	if err != nil {
		return fmt.Errorf("reading the stored people of %d files: %w", len(files), err)
	}
	return nil
}

// CatalogIdentities reads the logins of the catalog into dest, as CatalogPeople does.
func (s *Store) CatalogIdentities(ctx context.Context, dest any) error {
	if err := s.selectInto(ctx, dest, "catalog_identities ORDER BY provider, login", nil); err != nil {
		return fmt.Errorf("reading the stored logins: %w", err)
	}
	return nil
}
