package store

import (
	"context"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store/rows"
)

// repositoryServices selects the services of a repository: those that its scope or a directory of it is bound to, and
// what its own records are called while it is bound to none.
const repositoryServices = `(service IN (SELECT service FROM catalog_bindings WHERE provider = {provider:String} AND scope = {repository:String})
    OR service IN (SELECT service FROM catalog_paths WHERE provider = {provider:String} AND scope = {repository:String})
    OR lower(service) = concat('unmapped:', {provider:String}, '/', {repository:String}))`

// RepositoryDeployments returns the successful deployments, by any source, of the services that a repository of a
// provider, or a directory of it, belongs to: in order of time, with service and environment as the public views name
// them. Deployments without any time are left out. Provider, status_raw, ref, version, actor and trigger are not set.
func (s *Store) RepositoryDeployments(ctx context.Context, provider, repository string) ([]event.Deployment, error) {
	var found []struct {
		Service     string     `ch:"service"`
		Environment string     `ch:"environment"`
		Key         string     `ch:"environment_key"`
		Source      string     `ch:"source"`
		Scope       string     `ch:"scope"`
		ID          string     `ch:"id"`
		Attempt     uint16     `ch:"attempt"`
		SHA         string     `ch:"sha"`
		CreatedAt   *time.Time `ch:"created_at"`
		StartedAt   *time.Time `ch:"started_at"`
		FinishedAt  *time.Time `ch:"finished_at"`
		Baseline    bool       `ch:"baseline"`
		RollbackOf  string     `ch:"rollback_of"`
		URL         string     `ch:"url"`
	}
	const sql = `SELECT service, environment, environment_key, source, scope, id, attempt, sha, created_at, started_at, finished_at,
    baseline, rollback_of, url
FROM deployments
WHERE status = 'succeeded' AND coalesce(started_at, created_at, finished_at) IS NOT NULL AND ` + repositoryServices + `
ORDER BY coalesce(started_at, created_at, finished_at), source, scope, id, attempt, environment_key`
	if err := s.Select(ctx, &found, sql, ofRepository(provider, repository)); err != nil {
		return nil, fmt.Errorf("looking up the deployments of %s: %w", repository, err)
	}
	deployments := make([]event.Deployment, len(found))
	for i, r := range found {
		deployments[i] = event.Deployment{
			Origin:  event.Origin{Source: r.Source, Scope: r.Scope, ID: r.ID, URL: r.URL, Service: r.Service},
			Attempt: r.Attempt, Environment: r.Environment, EnvironmentKey: r.Key, Status: event.Succeeded, SHA: r.SHA,
			CreatedAt: rows.Known(r.CreatedAt), StartedAt: rows.Known(r.StartedAt), FinishedAt: rows.Known(r.FinishedAt),
			Baseline: r.Baseline, RollbackOf: r.RollbackOf,
		}
	}
	return deployments, nil
}

// RepositoryServices returns the directories of repositories of a provider that services are bound to, by repository in
// lower case and service, and sorted; the directory is "" where the whole repository is bound.
func (s *Store) RepositoryServices(ctx context.Context, provider string, repositories []string,
) (map[string]map[string][]string, error) {
	var found []struct {
		Scope   string `ch:"scope"`
		Path    string `ch:"path"`
		Service string `ch:"service"`
	}
	const sql = `SELECT scope, path, service FROM
(
    SELECT scope, '' AS path, service FROM catalog_bindings WHERE provider = {provider:String} AND scope IN {scopes:Array(String)}
    UNION ALL
    SELECT scope, path, service FROM catalog_paths WHERE provider = {provider:String} AND scope IN {scopes:Array(String)}
)
ORDER BY scope, service, path`
	scopes := make([]string, len(repositories))
	for i, name := range repositories {
		scopes[i] = event.Lower(name)
	}
	if err := s.Select(ctx, &found, sql, map[string]any{"provider": provider, "scopes": scopes}); err != nil {
		return nil, fmt.Errorf("looking up the services of %d repositories: %w", len(repositories), err)
	}
	services := map[string]map[string][]string{}
	for _, r := range found {
		if services[r.Scope] == nil {
			services[r.Scope] = map[string][]string{}
		}
		services[r.Scope][r.Service] = append(services[r.Scope][r.Service], r.Path)
	}
	return services, nil
}

func ofRepository(provider, repository string) map[string]any {
	return map[string]any{"provider": provider, "repository": event.Lower(repository)}
}

// Comparisons returns what is stored of the deployed commits of a scope, by deployment: comparison and basis, without
// the commits.
func (s *Store) Comparisons(ctx context.Context, source, scope string,
) (map[event.DeploymentKey]event.DeployedCommits, error) {
	var found []struct {
		Source      string `ch:"deployment_source"`
		Scope       string `ch:"deployment_scope"`
		Environment string `ch:"deployment_environment"`
		ID          string `ch:"id"`
		Attempt     uint16 `ch:"attempt"`
		Comparison  string `ch:"comparison"`
		Basis       string `ch:"basis"`
	}
	const sql = `SELECT deployment_source, deployment_scope, deployment_environment, id, attempt, comparison, basis
FROM raw_deployed_commits FINAL WHERE ` + ofScope
	if err := s.Select(ctx, &found, sql, map[string]any{"source": source, "scope": scope}); err != nil {
		return nil, fmt.Errorf("looking up the compared deployments of %s: %w", scope, err)
	}
	compared := make(map[event.DeploymentKey]event.DeployedCommits, len(found))
	for _, r := range found {
		key := event.DeploymentKey{Source: r.Source, Scope: r.Scope, ID: r.ID, Attempt: r.Attempt, Environment: r.Environment}
		compared[key] = event.DeployedCommits{Deployment: key, Comparison: event.Comparison(r.Comparison), Basis: r.Basis}
	}
	return compared, nil
}
