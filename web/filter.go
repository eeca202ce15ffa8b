package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/spelling"
)

// eventFilter is what a list is narrowed by. Empty fields do not narrow.
type eventFilter struct {
	Service, Team, Environment, Person, ID, Text string
	Source, Scope                                string
	Statuses                                     []string
	From, To                                     time.Time // half open
	PeopleOnly                                   bool      // without machine accounts
	Delivered                                    bool      // deployments: only those that metrics count
	Without                                      string    // duration or queue: only what has ended and of which that is not known
	FromText, ToText, StatusText                 string    // as asked, for forms and links
}

// eventParameters are the parameters of a filter. Two of them are of deployments only, and one of kinds with a duration.
var eventParameters = []string{"service", "team", "environment", "person", "source", "scope", "id", "q", "status", "bots", "counted", "without", "from", "to"}

// parameters are those that lists of this kind take.
func (k eventKind) parameters() []string {
	return slices.DeleteFunc(slices.Clone(eventParameters), func(p string) bool {
		return !k.Environments && (p == "environment" || p == "counted") || !k.Timed && p == "without"
	})
}

// spans are the times of a record of this kind that may be missing.
func (k eventKind) spans() []string {
	if k.Queued {
		return []string{"duration", "queue"}
	}
	return []string{"duration"}
}

// parseFilter reads a filter from a request. A value that no record and no configuration knows is an error: an empty list
// would say that nothing happened.
func (a *app) parseFilter(ctx context.Context, r request, kind eventKind) (eventFilter, error) {
	f := eventFilter{
		Service: r.Query("service", ""), Team: r.Query("team", ""), Environment: r.Query("environment", ""), Person: strings.ToLower(r.Query("person", "")),
		Source: r.Query("source", ""), Scope: r.Query("scope", ""), ID: r.Query("id", ""), Text: strings.TrimSpace(r.Query("q", "")),
		Without:    r.Query("without", ""),
		PeopleOnly: r.Query("bots", "") == "no", Delivered: r.Query("counted", "") == "yes",
		FromText: r.Query("from", ""), ToText: r.Query("to", ""), StatusText: r.Query("status", ""),
	}
	for name := range r.query {
		if slices.Contains(eventParameters, name) && !slices.Contains(kind.parameters(), name) {
			of := "deployments"
			if name == "without" {
				of = "what has a duration"
			}
			return f, badRequest("%s is a parameter of %s, and not of %s; leave it out", name, of, insideSentence(kind.Title))
		}
	}
	for _, name := range []string{"bots", "counted"} {
		if err := oneOf(name, r.Query(name, "no"), "yes", "no"); err != nil {
			return f, err
		}
	}
	if f.Without != "" {
		if err := oneOf("without", f.Without, kind.spans()...); err != nil {
			return f, err
		}
	}
	if f.StatusText != "" {
		f.Statuses = strings.Split(f.StatusText, ",")
		for _, s := range f.Statuses {
			if err := oneOf("status", s, kind.Statuses...); err != nil {
				return f, err
			}
		}
	}
	window, err := windowOf(r)
	if err != nil {
		return f, err
	}
	f.From, f.To = window.From, window.To
	if f.Service, err = entityRef("service", f.Service, "component"); err != nil {
		return f, err
	}
	if f.Team, err = entityRef("team", f.Team, "group"); err != nil {
		return f, err
	}
	return f, a.checkKnown(ctx, kind, f)
}

// entityRef makes a ref of a name as people write it.
func entityRef(name, value, kind string) (string, error) {
	if value == "" || strings.Contains(value, ":") {
		return value, nil
	}
	ref, err := catalog.ParseRef(value, kind, "")
	if err != nil {
		return "", badRequest("%s: %s", name, err)
	}
	return ref.String(), nil
}

// knownValues says which values a parameter can have. The catalog, the configuration and the ledger are asked first, and the
// records themselves only for a value that these do not name.
type knownValues struct {
	name, value string
	column      string // of the listed records
	words       func(context.Context) ([]string, error)
}

// checkKnown returns an error for a value of the filter that nothing knows.
func (a *app) checkKnown(ctx context.Context, kind eventKind, f eventFilter) error {
	for _, k := range []knownValues{
		{"service", f.Service, "service", a.serviceRefs},
		{"team", f.Team, "", a.teamRefs},
		{"environment", f.Environment, "environment", a.environmentNames},
		{"person", f.Person, "person", a.personIDs},
		{"source", f.Source, "source", a.sourceNames},
		{"scope", f.Scope, "scope", a.scopeNames},
	} {
		if k.value == "" {
			continue
		}
		words, err := k.words(ctx)
		if err != nil {
			return err
		}
		if slices.Contains(words, k.value) {
			continue
		}
		found := false
		if k.column != "" {
			if found, err = a.recorded(ctx, kind, k.column, k.value); err != nil {
				return err
			}
		}
		if !found {
			return badRequest("no %s is called %q%s", k.name, k.value, spelling.Hint(k.value, words))
		}
	}
	return nil
}

// recorded reports whether any record of the kind has the value in the column, which is a name of ours.
func (a *app) recorded(ctx context.Context, kind eventKind, column, value string) (bool, error) {
	return kept(ctx, a.figures, fmt.Sprintf("recorded %s %s %q", kind.Name, column, value), func(ctx context.Context) (bool, error) {
		var rows []struct {
			N uint8 `ch:"n"`
		}
		err := a.deps.Store.Select(ctx, &rows, "SELECT 1 AS n FROM ("+kind.sql+") AS listed WHERE "+column+" = {value:String} LIMIT 1",
			map[string]any{"value": value})
		if err != nil {
			return false, fmt.Errorf("looking for %s %q: %w", column, value, err)
		}
		return len(rows) > 0, nil
	})
}

func (a *app) serviceRefs(context.Context) ([]string, error) {
	var refs []string
	for _, e := range a.deps.Catalog().Entities() {
		refs = append(refs, e.Ref)
	}
	return refs, nil
}

// teamRefs are the owners of entities and the groups.
func (a *app) teamRefs(context.Context) ([]string, error) {
	var refs []string
	for _, e := range a.deps.Catalog().Entities() {
		if strings.HasPrefix(e.Ref, "group:") {
			refs = append(refs, e.Ref)
		}
		refs = append(refs, e.Owner)
	}
	return distinct(refs), nil
}

func (a *app) personIDs(context.Context) ([]string, error) {
	var ids []string
	for _, p := range a.deps.Catalog().People() {
		ids = append(ids, p.ID)
	}
	return ids, nil
}

func (a *app) environmentNames(ctx context.Context) ([]string, error) {
	names, err := a.environments(ctx)
	return distinct(slices.Concat(names, a.deps.Environments)), err
}

func (a *app) sourceNames(ctx context.Context) ([]string, error) {
	return a.ledgerNames(ctx, a.deps.Sources, func(r ledgerRow) string { return r.Source })
}

func (a *app) scopeNames(ctx context.Context) ([]string, error) {
	return a.ledgerNames(ctx, nil, func(r ledgerRow) string { return r.Scope })
}

func (a *app) ledgerNames(ctx context.Context, names []string, name func(ledgerRow) string) ([]string, error) {
	rows, err := a.ledgerRows(ctx)
	if err != nil {
		return nil, err
	}
	names = slices.Clone(names)
	for _, r := range rows {
		names = append(names, name(r))
	}
	return distinct(names), nil
}

// The dates that can be asked for: the store computes with times of these years.
const (
	firstYear = 1900
	lastYear  = 2261
)

// parseInstant reads a date or an instant; "" is the zero time.
func parseInstant(name, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() < firstYear || t.Year() > lastYear {
			return time.Time{}, badRequest("%s=%q is out of range; write a date of the years %d to %d", name, s, firstYear, lastYear)
		}
		return t, nil
	}
	return time.Time{}, badRequest("%s=%q is not a time; write 2026-11-22 or 2026-11-22T10:00:00Z (UTC)", name, s)
}
