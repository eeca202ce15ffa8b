package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/store"
)

const unmappedShown = 5

// unmappedQuery lists the same scopes as the page /unmapped, without counting their records.
const unmappedQuery = `SELECT DISTINCT service FROM
(
    SELECT DISTINCT service FROM deployments UNION ALL SELECT DISTINCT service FROM pipeline_runs
    UNION ALL SELECT DISTINCT service FROM changes UNION ALL SELECT DISTINCT service FROM incidents
)
WHERE startsWith(service, 'unmapped:')
ORDER BY service`

// unmappedScopes returns the scopes that have records but belong to no service, as provider/scope. It returns none if
// the schema is not up to date.
func unmappedScopes(ctx context.Context, st *store.Store) ([]string, error) {
	if info, err := st.Info(ctx); err != nil || info.SchemaVersion < info.LatestSchema {
		return nil, err
	}
	var rows []struct {
		Service string `ch:"service"`
	}
	if err := st.Select(ctx, &rows, unmappedQuery, nil); err != nil {
		return nil, fmt.Errorf("listing the unmapped scopes: %w", err)
	}
	scopes := make([]string, len(rows))
	for i, r := range rows {
		scopes[i] = strings.TrimPrefix(r.Service, "unmapped:")
	}
	return scopes, nil
}

// examineCatalog reports the contents of the current catalog and its warnings.
func (f *Findings) examineCatalog(cat *catalog.Catalog, warnings []files.Warning, err error) *catalog.Catalog {
	switch {
	case err != nil:
		f.problem("catalog", err)
	case len(cat.Services()) == 0:
		f.warn("catalog", "no services; list Backstage descriptors under catalog.files in dx.yaml")
	default:
		f.ok("catalog", "%d services, %d people", len(cat.Services()), cat.People().Size())
	}
	if err == nil {
		if text := app.WithoutStart(cat.People()); text != "" {
			f.warn("people", "%s", text)
		}
	}
	for _, w := range app.FirstWarnings(warnings) {
		if w.Lost {
			f.problem("catalog", errors.New(w.String()))
			continue
		}
		f.warn("catalog", "%s", w.String())
	}
	if err != nil {
		return nil
	}
	return cat
}

// warnUnmapped warns about scopes that the current catalog binds to no service.
func (f *Findings) warnUnmapped(cat *catalog.Catalog, scopes []string) {
	var unbound []string
	for _, s := range scopes {
		provider, scope, _ := strings.Cut(s, "/")
		if _, bound := cat.ServiceFor(provider, scope); !bound {
			unbound = append(unbound, s)
		}
	}
	if len(unbound) == 0 {
		return
	}
	more := ""
	if n := len(unbound) - unmappedShown; n > 0 {
		unbound, more = unbound[:unmappedShown], fmt.Sprintf(" and %d more", n)
	}
	f.warn("catalog", "records of %s%s belong to no service; the page /unmapped proposes an annotation for each",
		strings.Join(unbound, ", "), more)
}

// sharedName is a scope of which several sources of one provider each have one of the same name.
type sharedName struct {
	Provider string   `ch:"provider"`
	Scope    string   `ch:"name"` // in lower case
	Sources  []string `ch:"sources"`
}

// A service runs in several clusters under one name; that is no mistake.
const sharedQuery = `SELECT provider, lower(l.scope) AS name, arraySort(groupUniqArray(l.source)) AS sources
FROM ledger AS l
WHERE provider NOT IN ('', 'kubernetes')
GROUP BY provider, name
HAVING length(sources) > 1
ORDER BY provider, name`

// sharedNames returns the scopes of one name that several sources of one provider were asked for.
func sharedNames(ctx context.Context, st *store.Store) ([]sharedName, error) {
	if info, err := st.Info(ctx); err != nil || info.SchemaVersion < info.LatestSchema {
		return nil, err
	}
	var rows []sharedName
	if err := st.Select(ctx, &rows, sharedQuery, nil); err != nil {
		return nil, fmt.Errorf("listing the scopes that several sources have: %w", err)
	}
	return rows, nil
}

// warnShared warns about services that count the records of several sources because no annotation names the source.
func (f *Findings) warnShared(cat *catalog.Catalog, shared []sharedName) {
	named := map[[3]string]bool{}
	for _, b := range cat.Bindings() {
		named[[3]string{b.Provider, b.Scope, b.Source}] = true
	}
	shown := 0
	for _, s := range shared {
		sources := slices.DeleteFunc(
			slices.Clone(s.Sources),
			func(source string) bool { return named[[3]string{s.Provider, s.Scope, source}] },
		)
		ref, bound := cat.ServiceFor(s.Provider, s.Scope)
		if len(sources) < 2 || !bound {
			continue
		}
		if shown++; shown > unmappedShown {
			continue
		}
		f.warn("catalog", "the sources %s each have %s %s, and no annotation of %s names one of them: the service counts "+
			"the records of all; "+
			"add the host, as in backstage.io/source-location: url:https://HOST/%s/",
			strings.Join(sources, ", "), s.Provider, s.Scope, ref, s.Scope)
	}
	if more := shown - unmappedShown; more > 0 {
		f.warn("catalog", "%d more services count the records of several sources with the same scope", more)
	}
}
