// Package records lists the records of the public views: a document per kind, with the views' own column names,
// filtered and counted the same way for the pages, the API and the CSV files.
package records

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/dxctl/dxctl/metrics"
)

// Record is a document of one of the kinds.
type Record interface {
	// Row returns what lists show of the record.
	Row() Row
}

// Row is what lists show of a record of any kind. What a kind does not have is empty.
type Row struct {
	At          *time.Time // the time that lists and windows go by; nil: not known
	Service     string
	ID          string
	Attempt     uint16
	Name        string
	Environment string
	Status      string
	StatusRaw   string // the source's own word
	SHA         string
	Actor       string
	Person      string
	Bot         bool
	Minutes     *float64 // how long it took; nil: not known, or the clock ran backwards
	Queue       *float64 // minutes from creation to start; nil as above
	URL         string
}

// Who is the person, or the login at the source.
func (r Row) Who() string {
	if r.Person != "" {
		return r.Person
	}
	return r.Actor
}

// Commit is the short name of the record's commit, or "" when its name contains it.
func (r Row) Commit() string {
	short := r.SHA[:min(len(r.SHA), 9)]
	if strings.Contains(r.Name, short) {
		return ""
	}
	return short
}

// Kind is a kind of record: one public view.
type Kind struct {
	Name             string // of the view
	Title, One       string // in the plural, as a title; in the singular
	NameLabel        string // what Row.Name holds
	TimeLabel        string // what Row.At is
	Statuses         []string
	Environments     bool   // it has an environment
	Timed            bool   // it has a duration
	Queued           bool   // created_at and started_at are its time in the queue; it has no actor
	view             string // what is selected from; "": the view of the name
	columns          []column
	listed           listed
	read             func(ctx context.Context, q metrics.Querier, sql string, params map[string]any) ([]Record, error)
	deliveredClauses string // keeps what the metrics count
}

// listed are the expressions over the view that lists and filters go by.
type listed struct {
	at, name, status             string
	actor, person, bot, sha, env string
	started, finished, duration  string // "" where the kind has none
}

// column is a column of a view and the field of the document that holds it.
type column struct {
	name   string // in JSON and CSV
	field  int
	number bool
}

var (
	runStatuses = []string{"succeeded", "failed", "running", "queued", "waiting", "cancelled", "skipped"}
	ended       = "coalesce(finished_at, started_at, created_at)"
)

// Deployments, and the other kinds below, are the views that can be listed.
var (
	Deployments = kind[Deployment](Kind{
		Name: "deployments", Title: "Deployments", One: "deployment", NameLabel: "version", TimeLabel: "finished",
		Statuses: runStatuses, Environments: true, Timed: true,
		listed: listed{at: ended, name: "if(version != '', version, ref)", status: "status", actor: "actor",
			person: "person", bot: "bot", sha: "sha", env: "environment", started: "started_at", finished: "finished_at"},
		// Exactly those that the deployment metrics count: see the query of deployment_frequency.
		deliveredClauses: ` WHERE status = 'succeeded' AND NOT baseline AND rollback_of = ''
			ORDER BY listed_at, attempt LIMIT 1 BY service, environment, source, scope, id`,
	})
	PipelineRuns = kind[PipelineRun](Kind{
		Name: "pipeline_runs", Title: "CI runs", One: "run", NameLabel: "pipeline", TimeLabel: "finished",
		Statuses: runStatuses, Timed: true,
		listed: listed{at: ended, name: "pipeline", status: "status", actor: "actor", person: "person", bot: "bot",
			sha: "sha", started: "started_at", finished: "finished_at", duration: "duration_ms"},
	})
	Changes = kind[Change](Kind{
		Name: "changes", Title: "Changes", One: "change", NameLabel: "title", TimeLabel: "merged, closed or opened",
		Statuses: []string{"merged", "open", "closed"},
		listed: listed{at: "coalesce(merged_at, closed_at, created_at)",
			name:   "if(title != '', title, concat('#', toString(number)))",
			status: "status",
			actor:  "author", person: "person", bot: "bot", sha: "if(merge_sha != '', merge_sha, head_sha)"},
	})
	Incidents = kind[Incident](Kind{
		Name: "incidents", Title: "Incidents", One: "incident", NameLabel: "severity", TimeLabel: "opened", Timed: true,
		Statuses: []string{"open", "resolved"},
		listed: listed{at: "opened_at", name: "severity", status: "status",
			started: "opened_at", finished: "resolved_at"},
	})
	PipelineJobs = kind[PipelineJob](Kind{
		Name: "pipeline_jobs", Title: "CI jobs", One: "job", NameLabel: "job", TimeLabel: "finished", Statuses: runStatuses,
		Timed: true, Queued: true,
		listed: listed{at: ended, name: "name", status: "status", started: "started_at", finished: "finished_at"},
	})
	ActionRuns = kind[ActionRun](Kind{
		Name: "action_runs", Title: "Action runs", One: "run of an action", NameLabel: "action", TimeLabel: "finished",
		Statuses: runStatuses, Timed: true,
		view: "(SELECT *, entity AS service, '' AS scope FROM action_runs) AS action_runs",
		listed: listed{at: "coalesce(finished_at, started_at)", name: "kind", status: "status", actor: "actor",
			started: "started_at", finished: "finished_at"},
	})
)

// Kinds are all kinds, in the order in which pages offer them.
func Kinds() []Kind {
	return []Kind{Deployments, PipelineRuns, Changes, Incidents, PipelineJobs, ActionRuns}
}

// Lookup returns the kind of a view's name.
func Lookup(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// kind completes a kind with the columns of its document.
func kind[T Record](k Kind) Kind {
	doc := reflect.TypeFor[T]()
	for i := range doc.NumField() {
		f := doc.Field(i)
		k.columns = append(k.columns, column{name: f.Tag.Get("json"), field: i, number: isNumber(f.Type)})
	}
	k.read = func(ctx context.Context, q metrics.Querier, sql string, params map[string]any) ([]Record, error) {
		var docs []T
		if err := q.Select(ctx, &docs, sql, params); err != nil {
			return nil, fmt.Errorf("listing %s: %w", k.Name, err)
		}
		list := make([]Record, len(docs))
		for i, d := range docs {
			list[i] = d
		}
		return list, nil
	}
	return k
}

func isNumber(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64
}

// Columns are the names of the documents' fields, in the order of the CSV files.
func (k Kind) Columns() []string {
	names := make([]string, len(k.columns))
	for i, c := range k.columns {
		names[i] = c.name
	}
	return names
}
