package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/spelling"
)

// Filter is what a list of records is narrowed by, with the words of the request for forms and links.
type Filter struct {
	records.Filter
	FromText, ToText, StatusText string
}

// RecordParameters are the parameters of a filter. Two of them are of deployments only, and one of kinds with a
// duration.
var RecordParameters = []string{"service", "team", "environment", "person", "source", "scope", "id", "q", "status",
	"bots", "delivered", "without", "from", "to"}

// parametersOf are those that lists of this kind take.
func parametersOf(k records.Kind) []string {
	return slices.DeleteFunc(slices.Clone(RecordParameters), func(p string) bool {
		return !k.Environments && (p == "environment" || p == "delivered") || !k.Timed && p == "without"
	})
}

// spans are the times of a record of this kind that may be missing.
func spans(k records.Kind) []string {
	if k.Queued {
		return []string{"duration", "queue"}
	}
	return []string{"duration"}
}

// ParseFilter reads a filter from a request. A value that no record and no configuration knows is an error: an empty
// list would say that nothing happened.
func ParseFilter(ctx context.Context, reader *report.Reader, r Request, kind records.Kind) (Filter, error) {
	var f Filter
	f.Service = r.Query("service", "")
	f.Team = r.Query("team", "")
	f.Environment = r.Query("environment", "")
	f.Person = strings.ToLower(r.Query("person", ""))
	f.Source = r.Query("source", "")
	f.Scope = r.Query("scope", "")
	f.ID = r.Query("id", "")
	f.Text = strings.TrimSpace(r.Query("q", ""))
	f.Without = r.Query("without", "")
	f.PeopleOnly = r.Query("bots", "") == "false"
	f.Delivered = r.Query("delivered", "") == "true"
	f.FromText = r.Query("from", "")
	f.ToText = r.Query("to", "")
	f.StatusText = r.Query("status", "")
	for name := range r.query {
		if slices.Contains(RecordParameters, name) && !slices.Contains(parametersOf(kind), name) {
			of := "deployments"
			if name == "without" {
				of = "what has a duration"
			}
			return f, BadRequest("%s is a parameter of %s, and not of %s; leave it out", name, of, words.Inside(kind.Title))
		}
	}
	for _, name := range []string{"bots", "delivered"} {
		if err := OneOf(name, r.Query(name, "false"), "true", "false"); err != nil {
			return f, err
		}
	}
	if f.Without != "" {
		if err := OneOf("without", f.Without, spans(kind)...); err != nil {
			return f, err
		}
	}
	if f.StatusText != "" {
		f.Statuses = strings.Split(f.StatusText, ",")
		for _, s := range f.Statuses {
			if err := OneOf("status", s, kind.Statuses...); err != nil {
				return f, err
			}
		}
	}
	window, err := WindowOf(r)
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
	return f, checkKnown(ctx, reader, kind, f.Filter)
}

// entityRef makes a ref of a name as people write it.
func entityRef(name, value, kind string) (string, error) {
	if value == "" || strings.Contains(value, ":") {
		return value, nil
	}
	ref, err := identifier.ParseRef(value, kind, "")
	if err != nil {
		return "", BadRequest("%s: %s", name, err)
	}
	return ref.String(), nil
}

// knownValues says which values a parameter can have. The catalog, the configuration and the ledger are asked first,
// and the records themselves only for a value that these do not name.
type knownValues struct {
	name, value string
	recorded    bool // the records may have it, too
	words       func(context.Context) ([]string, error)
}

// checkKnown returns an error for a value of the filter that nothing knows.
func checkKnown(ctx context.Context, reader *report.Reader, kind records.Kind, f records.Filter) error {
	for _, k := range []knownValues{
		{"service", f.Service, true, reader.ServiceRefs},
		{"team", f.Team, false, reader.TeamRefs},
		{"environment", f.Environment, true, reader.EnvironmentNames},
		{"person", f.Person, true, reader.PersonIDs},
		{"source", f.Source, true, reader.SourceNames},
		{"scope", f.Scope, true, reader.ScopeNames},
	} {
		err := Known(ctx, k.name, k.value, k.words)
		var unknown *fiber.Error
		if k.recorded && errors.As(err, &unknown) {
			found, lookupErr := reader.Recorded(ctx, kind, k.name, k.value)
			if lookupErr != nil {
				return lookupErr
			}
			if found {
				continue
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Known returns an error unless value is empty or one of the words.
func Known(ctx context.Context, name, value string, words func(context.Context) ([]string, error)) error {
	if value == "" {
		return nil
	}
	known, err := words(ctx)
	if err != nil || slices.Contains(known, value) {
		return err
	}
	return BadRequest("no %s is called %q%s", name, value, spelling.Hint(value, known))
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
			return time.Time{}, BadRequest("%s=%q is out of range; write a date of the years %d to %d",
				name, s, firstYear, lastYear)
		}
		return t, nil
	}
	return time.Time{}, BadRequest("%s=%q is not a time; write 2026-11-22 or 2026-11-22T10:00:00Z (UTC)", name, s)
}

// Records reads the kind of records that the path names and the filter of the query.
func (r Request) Records(ctx context.Context, reader *report.Reader) (records.Kind, Filter, error) {
	name := r.Param("kind")
	kind, ok := records.Lookup(name)
	if !ok {
		var names []string
		for _, k := range records.Kinds() {
			names = append(names, k.Name)
		}
		return kind, Filter{}, fiber.NewError(fiber.StatusNotFound,
			fmt.Sprintf("there are no events of the kind %q; there are %s", name, strings.Join(names, ", ")))
	}
	filter, err := ParseFilter(ctx, reader, r, kind)
	return kind, filter, err
}

// ServiceRef is the ref of the service, or of the entity of another kind, that the path names.
func (r Request) ServiceRef() string {
	return strings.ToLower(cmp.Or(r.Param("entitykind"), "component") + ":" + r.Param("namespace") + "/" + r.Param("name"))
}
