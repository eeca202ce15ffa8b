package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dxctl/dxctl/event"
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
	var found []struct {
		Bindings  [][]string `ch:"bindings"`
		Withheld  [][]string `ch:"withheld"`
		Described bool       `ch:"described"`
	}
	own := map[string]any{"own": service}
	if err := q.Select(ctx, &found, ownCatalogSQL, own); err != nil {
		return nil, fmt.Errorf("reading what is bound to %s: %w", service, err)
	}
	s := &ServiceQuerier{q: q, service: service, own: own}
	s.bind(found[0].Bindings)
	names, sources := []string{}, []string{}
	for _, f := range found[0].Withheld {
		names, sources = append(names, f[0]), append(sources, f[1])
	}
	maps.Copy(own, map[string]any{
		"own_described": found[0].Described, "own_fact_names": names, "own_fact_sources": sources,
	})
	return s, nil
}

// Again returns a querier for the same service over q that looks anew where its records came from. What the catalog
// says of the service is as the first one read it.
func (s *ServiceQuerier) Again(q Querier) *ServiceQuerier {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &ServiceQuerier{
		q: q, service: s.service, own: s.own, shared: s.shared, given: s.given, taken: s.taken, names: s.names,
	}
}

// What the queries of one service cost is nearly all their analysis: it grows with the text, not with the rows. So the
// small tables of the catalog are read first, and the views get values instead of joins.
const (
	ownCatalogSQL = `SELECT
    (SELECT groupArray([toString(provider), scope, toString(source), service]) FROM catalog_bindings
        WHERE (provider, scope) IN (SELECT provider, scope FROM catalog_bindings WHERE service = {own:String}))
        AS bindings,
    (SELECT groupArray([name, toString(source)]) FROM catalog_facts) AS withheld,
    {own:String} IN (SELECT ref FROM catalog_entities WHERE ref = {own:String}) AS described` + ownSettings

	ownNamesSQL = `SELECT
    (SELECT groupArray([toString(raw), toString(environment)]) FROM catalog_environments WHERE environment != '')
        AS environments,
    (SELECT groupArray([toString(provider), login]) FROM catalog_identities WHERE bot) AS bots` + ownSettings
)

// ownPlacesSQL finds how the scopes are spelled, with which rows are found by the key of their table, and what changes
// with each record: the highest seq and the number of rows. The facts that metrics look at have no place.
var ownPlacesSQL = func() string {
	var parts []string
	for _, kind := range []string{ownDeployments, ownRuns, ownChanges, ownIncidents} {
		parts = append(parts, `SELECT '`+kind+`' AS kind, source, provider, scope, max(seq) AS last, count() AS n
FROM raw_`+kind+` WHERE service = {own:String} OR lower(scope) IN {own_scopes:Array(String)} GROUP BY source, provider, scope`)
	}
	return strings.Join(append(parts, `SELECT 'ledger' AS kind, source, provider, scope, max(seq) AS last, count() AS n
FROM raw_ledger WHERE lower(scope) IN {own_scopes:Array(String)} GROUP BY source, provider, scope`,
		`SELECT 'facts' AS kind, '' AS source, '' AS provider, '' AS scope, max(seq) AS last, count() AS n FROM fact_history
WHERE (entity = {own:String} OR entity >= 'unmapped:' AND entity < 'unmapped;' AND lower(entity) IN {own_refs:Array(String)})
    AND fact IN ('repository.default_branch', 'repository.created_at')`), "\nUNION ALL\n") + ownSettings
}()

// ServiceQuerier puts the views of one service before each query. It may be used by several goroutines.
type ServiceQuerier struct {
	q       Querier
	service string
	own     map[string]any // parameters of the views, except those of located and named
	// The scopes that the catalog binds to the service, as placeOf: to it whatever the source; to it for one source; and
	// those of the first that are bound to another service for one source.
	shared, given, taken map[string]bool

	mu      sync.Mutex
	located *located       // nil: not read yet
	names   map[string]any // parameters of the views of records; nil: not read yet
}

// located is where the records of a service came from.
type located struct {
	params  map[string]any  // own_sources, own_places and own_bound
	records string          // as Records
	kinds   map[string]bool // of which there are records
}

// placeOf names a scope, of whatever source or of one. provider and scope are as the catalog has them.
func placeOf(source, provider, scope string) string {
	if source == "" {
		return provider + "\n" + scope
	}
	return source + "\n" + provider + "\n" + scope
}

// bind notes which scopes are those of the service. A binding has provider, scope, source and service.
func (s *ServiceQuerier) bind(bindings [][]string) {
	s.shared, s.given, s.taken = map[string]bool{}, map[string]bool{}, map[string]bool{}
	scopes, refs := []string{}, []string{}
	ofAny, ofOne, ofOther := []string{}, []string{}, []string{}
	for _, b := range bindings {
		provider, scope, source, service := b[0], b[1], b[2], b[3]
		ref := "unmapped:" + provider + "/" + scope
		switch {
		case source != "" && service != s.service:
			s.taken[placeOf(source, provider, scope)] = true
			ofOther = append(ofOther, source+"\n"+ref)
			continue
		case source != "":
			s.given[placeOf(source, provider, scope)] = true
			ofOne = append(ofOne, source+"\n"+ref)
		case service == s.service:
			s.shared[placeOf("", provider, scope)] = true
			ofAny = append(ofAny, ref)
		default:
			continue
		}
		scopes, refs = append(scopes, scope), append(refs, ref)
	}
	maps.Copy(s.own, map[string]any{
		"own_scopes": scopes, "own_refs": refs, "own_shared": ofAny, "own_given": ofOne, "own_taken": ofOther,
	})
}

// bound reports whether, by the catalog, a scope belongs to the service.
func (s *ServiceQuerier) bound(source, provider, scope string) bool {
	place := placeOf(source, provider, event.Lower(scope))
	return s.given[place] || s.shared[placeOf("", provider, event.Lower(scope))] && !s.taken[place]
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
		Kind     string `ch:"kind"`
		Source   string `ch:"source"`
		Provider string `ch:"provider"`
		Scope    string `ch:"scope"`
		Last     uint64 `ch:"last"`
		N        uint64 `ch:"n"`
	}
	if err := s.q.Select(ctx, &places, ownPlacesSQL, s.own); err != nil {
		return nil, fmt.Errorf("reading where the records of %s came from: %w", s.service, err)
	}
	inSources, inScopes, bound := []string{}, []string{}, []string{}
	l := &located{kinds: map[string]bool{}}
	var states []string
	for _, p := range places {
		states = append(states, fmt.Sprintf("%q %q %q %q %d/%d", p.Kind, p.Source, p.Provider, p.Scope, p.Last, p.N))
		if p.Kind == "facts" {
			continue
		}
		l.kinds[p.Kind] = true
		inSources, inScopes = append(inSources, p.Source), append(inScopes, p.Scope)
		if s.bound(p.Source, p.Provider, p.Scope) {
			bound = append(bound, placeOf(p.Source, p.Provider, p.Scope))
		}
	}
	slices.Sort(states)
	state := sha256.Sum256([]byte(strings.Join(states, "\n")))
	l.records = string(state[:])
	l.params = map[string]any{
		"own_sources": distinct(inSources), "own_places": distinct(inScopes), "own_bound": distinct(bound),
	}
	s.located = l
	return l, nil
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// named reads which environments have names of their own and who is a bot, once.
func (s *ServiceQuerier) named(ctx context.Context) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names != nil {
		return s.names, nil
	}
	var found []struct {
		Environments [][]string `ch:"environments"`
		Bots         [][]string `ch:"bots"`
	}
	if err := s.q.Select(ctx, &found, ownNamesSQL, nil); err != nil {
		return nil, fmt.Errorf("reading the names of environments and bots: %w", err)
	}
	raw, environments := []string{}, []string{}
	for _, e := range found[0].Environments {
		raw, environments = append(raw, e[0]), append(environments, e[1])
	}
	logins, anywhere := []string{}, []string{}
	for _, b := range found[0].Bots {
		if provider, login := b[0], b[1]; provider != "" {
			logins = append(logins, provider+"\n"+login)
		} else {
			anywhere = append(anywhere, login)
		}
	}
	s.names = map[string]any{
		"own_raw": raw, "own_environments": environments, "own_bots": logins, "own_bots_anywhere": anywhere,
	}
	return s.names, nil
}

// Select is as of [Store.Select].
func (s *ServiceQuerier) Select(ctx context.Context, dest any, sql string, params map[string]any) error {
	all := maps.Clone(s.own)
	maps.Copy(all, params)
	var views []string
	for _, v := range ownViews {
		if !v.pattern.MatchString(sql) {
			continue
		}
		if !v.records {
			views = append(views, v.name+" AS ("+v.sql+")")
			continue
		}
		l, err := s.locate(ctx)
		if err != nil {
			return err
		}
		if v.columns != "" && !l.kinds[v.name] {
			views = append(views, v.name+" AS (SELECT * FROM null('"+v.columns+"'))")
			continue
		}
		maps.Copy(all, l.params)
		if v.columns != "" {
			names, err := s.named(ctx)
			if err != nil {
				return err
			}
			maps.Copy(all, names)
		}
		views = append(views, v.name+" AS ("+v.sql+")")
	}
	if len(views) > 0 {
		sql = "WITH " + strings.Join(views, ",\n") + "\nSELECT * FROM (\n" + sql + "\n)" + ownSettings
	}
	return s.q.Select(ctx, dest, sql, all)
}
