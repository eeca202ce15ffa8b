package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Querier runs one query, as [Store.Select] does.
type Querier interface {
	Select(ctx context.Context, dest any, sql string, params map[string]any) error
}

// OfService returns a querier for which the views deployments, pipeline_runs, changes, incidents, facts, entities
// and ledger have only the rows that can say something about one service: those of the service, and the ledger of
// the scopes that its records came from. The same queries then cost in proportion to the service, not to the
// organization. Of the views they have the columns that metrics use; the names of persons are not among them.
// service is a ref.
//
// The rows are those of the scopes that have records of the service when a query first asks for records.
func OfService(ctx context.Context, q Querier, service string) (*ServiceQuerier, error) {
	var bindings []struct {
		Provider string `ch:"provider"`
		Scope    string `ch:"scope"`
		Source   string `ch:"source"`
		Service  string `ch:"service"`
	}
	own := map[string]any{"own": service}
	if err := q.Select(ctx, &bindings, ownBindingsSQL, own); err != nil {
		return nil, fmt.Errorf("reading what is bound to %s: %w", service, err)
	}
	var scopes, refs, shared, given, taken []string
	for _, b := range bindings {
		place := b.Provider + "\n" + b.Scope
		switch {
		case b.Source != "" && b.Service != service:
			taken = append(taken, b.Source+"\n"+place)
			continue
		case b.Source != "":
			given = append(given, b.Source+"\n"+place)
		case b.Service == service:
			shared = append(shared, place)
		default:
			continue
		}
		scopes = append(scopes, b.Scope)
		refs = append(refs, "unmapped:"+b.Provider+"/"+b.Scope)
	}
	maps.Copy(own, map[string]any{
		"own_scopes": scopes, "own_refs": refs, "own_shared": shared, "own_given": given, "own_taken": taken,
	})
	return &ServiceQuerier{q: q, service: service, own: own}, nil
}

const (
	ownBindingsSQL = `SELECT provider, scope, source, service FROM catalog_bindings
WHERE (provider, scope) IN (SELECT provider, scope FROM catalog_bindings WHERE service = {own:String})`

	// ownPlacesSQL finds how the scopes are spelled, with which rows are found by the key of their table, and what changes
	// with each record: the highest seq and the number of rows. The facts that metrics look at have no place.
	ownPlacesSQL = `SELECT source, scope, arrayStringConcat(arraySort(groupArray(of)), ' ') AS state FROM (
    SELECT source, scope, concat('deployments ', toString(max(seq)), '/', toString(count())) AS of
    FROM raw_deployments WHERE service = {own:String} OR lower(scope) IN {own_scopes:Array(String)} GROUP BY source, scope
    UNION ALL
    SELECT source, scope, concat('runs ', toString(max(seq)), '/', toString(count()))
    FROM raw_pipeline_runs WHERE service = {own:String} OR lower(scope) IN {own_scopes:Array(String)} GROUP BY source, scope
    UNION ALL
    SELECT source, scope, concat('changes ', toString(max(seq)), '/', toString(count()))
    FROM raw_changes WHERE service = {own:String} OR lower(scope) IN {own_scopes:Array(String)} GROUP BY source, scope
    UNION ALL
    SELECT source, scope, concat('incidents ', toString(max(seq)), '/', toString(count()))
    FROM raw_incidents WHERE service = {own:String} OR lower(scope) IN {own_scopes:Array(String)} GROUP BY source, scope
    UNION ALL
    SELECT source, scope, concat('ledger ', toString(max(seq)), '/', toString(count()))
    FROM raw_ledger WHERE lower(scope) IN {own_scopes:Array(String)} GROUP BY source, scope
    UNION ALL
    SELECT '', '', concat('facts ', toString(max(seq)), '/', toString(count()))
    FROM fact_history
    WHERE (entity = {own:String} OR entity >= 'unmapped:' AND entity < 'unmapped;' AND lower(entity) IN {own_refs:Array(String)})
        AND fact IN ('repository.default_branch', 'repository.created_at'))
GROUP BY source, scope ORDER BY source, scope`

	ownNear = `source IN {own_sources:Array(String)} AND scope IN {own_places:Array(String)}`
	// ownBound: by the catalog, the scope belongs to the service.
	ownBound = `(concat(source, '\n', provider, '\n', lower(scope)) IN {own_given:Array(String)}
        OR concat(provider, '\n', lower(scope)) IN {own_shared:Array(String)}
            AND concat(source, '\n', provider, '\n', lower(scope)) NOT IN {own_taken:Array(String)})`
	ownRows = ` FINAL WHERE ` + ownNear + ` AND (service = {own:String} OR service = '' AND ` + ownBound + `)`
	ownName = `materialize({own:String}) AS service`
)

// ownBot is whether a bot did what the row has; by is the column of the login.
func ownBot(by string) string {
	return `r.bot OR (r.provider, lower(r.` + by + `)) IN (SELECT provider, login FROM catalog_identities WHERE bot AND provider != '')
        OR lower(r.` + by + `) IN (SELECT login FROM catalog_identities WHERE bot AND provider = '') AS bot`
}

// ownViews are the views of one service. Each has the meaning that the view of its name has in migrations.
var ownViews = []struct {
	name *regexp.Regexp
	sql  string
}{
	{regexp.MustCompile(`\bdeployments\b`), `deployments AS (SELECT ` + ownName + `, r.id AS id, r.attempt AS attempt,
    if(e.environment != '', e.environment, lower(r.environment)) AS environment, r.status AS status,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at, r.sha AS sha,
    r.version AS version, r.baseline AS baseline, r.rollback_of AS rollback_of, r.source AS source, r.scope AS scope, r.url AS url, ` +
		ownBot("actor") + `
FROM (SELECT * FROM raw_deployments` + ownRows + `) AS r
LEFT ANY JOIN catalog_environments AS e ON e.raw = lower(r.environment)
SETTINGS join_use_nulls = 0)`},
	{regexp.MustCompile(`\bpipeline_runs\b`), `pipeline_runs AS (SELECT ` + ownName + `, r.id AS id, r.status AS status,
    r.branch AS branch, r.trigger AS trigger, r.created_at AS created_at, r.started_at AS started_at,
    r.finished_at AS finished_at, r.duration_ms AS duration_ms, r.source AS source, r.scope AS scope, ` + ownBot("actor") + `
FROM (SELECT * FROM raw_pipeline_runs` + ownRows + `) AS r)`},
	{regexp.MustCompile(`\bchanges\b`), `changes AS (SELECT ` + ownName + `, r.id AS id, r.created_at AS created_at,
    r.first_review_at AS first_review_at, r.approved_at AS approved_at, r.merged_at AS merged_at, r.source AS source,
    r.scope AS scope, ` + ownBot("author") + `
FROM (SELECT * FROM raw_changes` + ownRows + `) AS r)`},
	{regexp.MustCompile(`\bincidents\b`), `incidents AS (SELECT ` + ownName + `, id, source, scope FROM raw_incidents` +
		ownRows + `)`},
	{regexp.MustCompile(`\bledger\b`), `ledger AS (SELECT source, scope, kind, window_start, checked_at,
    if(` + ownBound + `, {own:String}, '') AS service FROM raw_ledger FINAL WHERE ` + ownNear + `)`},
	{regexp.MustCompile(`\bentities\b`), `entities AS (SELECT ref AS entity, kind, name, title, type, owner, created_at
FROM catalog_entities WHERE ref = {own:String})`},
	// Refs of scopes begin with "unmapped:", so that the key finds those of all scopes.
	{regexp.MustCompile(`\bfacts\b`), `facts AS (
SELECT {own:String} AS entity, fact, type, value, observed_at, expires_at, error, source, url FROM (
    SELECT *, substring(lower(entity), 10) AS place FROM current_facts FINAL
    WHERE (entity = {own:String} OR entity >= 'unmapped:' AND entity < 'unmapped;' AND lower(entity) IN {own_refs:Array(String)})
) AS f
WHERE {own:String} IN (SELECT ref FROM catalog_entities WHERE ref = {own:String})
    AND (f.entity = {own:String}
        OR concat(source, '\n', replaceOne(place, '/', '\n')) IN {own_given:Array(String)}
        OR replaceOne(place, '/', '\n') IN {own_shared:Array(String)}
            AND concat(source, '\n', replaceOne(place, '/', '\n')) NOT IN {own_taken:Array(String)})
    AND NOT arrayExists(d -> d.2 != source AND (d.1 = fact OR endsWith(d.1, '.') AND startsWith(fact, d.1)),
        (SELECT groupArray((name, toString(source))) FROM catalog_facts))
ORDER BY error = '' AND ifNull(expires_at > now64(3), true) DESC, observed_at DESC, error, source, f.entity, type,
    value, url
LIMIT 1 BY fact)`},
}

// ownSettings leave out what pays only for many rows: threads, and compiling expressions.
const ownSettings = "\nSETTINGS max_threads = 1, compile_expressions = 0, compile_aggregate_expressions = 0, " +
	"compile_sort_description = 0"

// ServiceQuerier puts the views of one service before each query. It may be used by several goroutines.
type ServiceQuerier struct {
	q       Querier
	service string
	own     map[string]any // parameters of the views, except those of located

	mu      sync.Mutex
	located *located // nil: not read yet
}

// located is where the records of a service came from.
type located struct {
	params  map[string]any // own_sources and own_places
	records string         // as Records
}

// Records changes with every record of the service and with every reading of its scopes: the deployments, runs,
// changes, incidents and entries of the ledger, and the facts of which metrics are computed.
func (s *ServiceQuerier) Records(ctx context.Context) (string, error) {
	l, err := s.locate(ctx)
	if err != nil {
		return "", err
	}
	return l.records, nil
}

// locate reads where the records came from, once.
func (s *ServiceQuerier) locate(ctx context.Context) (*located, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.located != nil {
		return s.located, nil
	}
	var places []struct {
		Source string `ch:"source"`
		Scope  string `ch:"scope"`
		State  string `ch:"state"`
	}
	if err := s.q.Select(ctx, &places, ownPlacesSQL, s.own); err != nil {
		return nil, fmt.Errorf("reading where the records of %s came from: %w", s.service, err)
	}
	inSources, inScopes := []string{}, []string{}
	state := sha256.New()
	for _, p := range places {
		fmt.Fprintf(state, "%q %q %q\n", p.Source, p.Scope, p.State)
		if p.Source != "" {
			inSources, inScopes = append(inSources, p.Source), append(inScopes, p.Scope)
		}
	}
	slices.Sort(inSources)
	slices.Sort(inScopes)
	s.located = &located{records: string(state.Sum(nil)), params: map[string]any{
		"own_sources": slices.Compact(inSources), "own_places": slices.Compact(inScopes),
	}}
	return s.located, nil
}

// Select is as of [Store.Select].
func (s *ServiceQuerier) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	all := maps.Clone(s.own)
	maps.Copy(all, params)
	var views []string
	located := false // whether a view asks where the records came from
	for _, v := range ownViews {
		if v.name.MatchString(sql) {
			views = append(views, v.sql)
			located = located || strings.Contains(v.sql, ownNear)
		}
	}
	if located {
		l, err := s.locate(ctx)
		if err != nil {
			return err
		}
		maps.Copy(all, l.params)
	}
	if len(views) > 0 {
		sql = "WITH " + strings.Join(views, ",\n") + "\nSELECT * FROM (\n" + sql + "\n)" + ownSettings
	}
	return s.q.Select(ctx, dest, sql, all)
}
