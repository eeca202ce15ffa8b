package web

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// eventRow is one event in the shape that all kinds share. Columns that a kind does not have are empty.
type eventRow struct {
	At          *time.Time `ch:"at" json:"at"` // the time that lists and windows go by; see eventKind
	Service     string     `ch:"service" json:"service"`
	ID          string     `ch:"id" json:"id"`
	Attempt     uint16     `ch:"attempt" json:"attempt,omitempty"`
	Name        string     `ch:"name" json:"name"`
	Environment string     `ch:"environment" json:"environment,omitempty"`
	Branch      string     `ch:"branch" json:"branch,omitempty"`
	Status      string     `ch:"status" json:"status"`
	StatusRaw   string     `ch:"status_raw" json:"status_raw,omitempty"`
	SHA         string     `ch:"sha" json:"sha,omitempty"`
	Actor       string     `ch:"actor" json:"actor,omitempty"`
	Person      string     `ch:"person" json:"person,omitempty"`
	Bot         bool       `ch:"bot" json:"bot"`
	CreatedAt   *time.Time `ch:"created_at" json:"created_at"`
	StartedAt   *time.Time `ch:"started_at" json:"started_at"`
	FinishedAt  *time.Time `ch:"finished_at" json:"finished_at"`
	DurationMS  *uint64    `ch:"duration_ms" json:"duration_ms,omitempty"` // of CI runs: the source's own
	Source      string     `ch:"source" json:"source"`
	Scope       string     `ch:"scope" json:"scope"`
	URL         string     `ch:"url" json:"url"`
}

// Minutes is how long it took: the source's own duration, else the time from start to finish. It is nil when neither is
// known, or the clock ran backwards.
func (e eventRow) Minutes() *float64 {
	if e.DurationMS != nil && *e.DurationMS > 0 {
		m := (time.Duration(*e.DurationMS) * time.Millisecond).Minutes()
		return &m
	}
	if e.StartedAt == nil || e.FinishedAt == nil || e.FinishedAt.Before(*e.StartedAt) {
		return nil
	}
	m := e.FinishedAt.Sub(*e.StartedAt).Minutes()
	return &m
}

// Queue is the time from creation to start, or nil when one of them is not known or the clock ran backwards.
func (e eventRow) Queue() *float64 {
	if e.CreatedAt == nil || e.StartedAt == nil || e.StartedAt.Before(*e.CreatedAt) {
		return nil
	}
	m := e.StartedAt.Sub(*e.CreatedAt).Minutes()
	return &m
}

// Who is the person, or the login at the source.
func (e eventRow) Who() string {
	if e.Person != "" {
		return e.Person
	}
	return e.Actor
}

// eventKind is a public view, mapped to the columns of eventRow.
type eventKind struct {
	Name, Title, One string
	NameLabel        string // what Name holds
	TimeLabel        string // what At is
	Statuses         []string
	Environments     bool
	Timed            bool // it has a duration: duration_ms, else that from started_at to finished_at
	Queued           bool // created_at and started_at are its time in the queue; it is nobody's
	sql              string
}

var eventKinds = []eventKind{
	{
		Name: "deployments", Title: "Deployments", One: "deployment", NameLabel: "version", TimeLabel: "finished", Environments: true, Timed: true,
		Statuses: []string{"succeeded", "failed", "running", "queued", "waiting", "cancelled", "skipped"},
		sql: `SELECT coalesce(finished_at, started_at, created_at) AS at, service, id, attempt, if(version != '', version, ref) AS name,
			environment, ref AS branch, status, status_raw, sha, actor, person, bot, created_at, started_at, finished_at, NULL::Nullable(UInt64) AS duration_ms, source, scope, url FROM deployments`,
	},
	{
		Name: "pipeline_runs", Title: "CI runs", One: "run", NameLabel: "pipeline", TimeLabel: "finished", Timed: true,
		Statuses: []string{"succeeded", "failed", "running", "queued", "waiting", "cancelled", "skipped"},
		sql: `SELECT coalesce(finished_at, started_at, created_at) AS at, service, id, attempt, pipeline AS name, '' AS environment, branch,
			status, status_raw, sha, actor, person, bot, created_at, started_at, finished_at, duration_ms, source, scope, url FROM pipeline_runs`,
	},
	{
		Name: "changes", Title: "Changes", One: "change", NameLabel: "title", TimeLabel: "merged, closed or opened",
		Statuses: []string{"merged", "open", "closed"},
		sql: `SELECT coalesce(merged_at, closed_at, created_at) AS at, service, id, toUInt16(0) AS attempt,
			if(title != '', title, concat('#', toString(number))) AS name, '' AS environment, repository AS branch,
			multiIf(merged_at IS NOT NULL, 'merged', closed_at IS NOT NULL, 'closed', 'open') AS status, '' AS status_raw,
			if(merge_sha != '', merge_sha, head_sha) AS sha, author AS actor, person, bot, created_at, first_review_at AS started_at,
			coalesce(merged_at, closed_at) AS finished_at, NULL::Nullable(UInt64) AS duration_ms, source, scope, url FROM changes`,
	},
	{
		Name: "incidents", Title: "Incidents", One: "incident", NameLabel: "severity", TimeLabel: "opened", Timed: true,
		Statuses: []string{"open", "resolved"},
		sql: `SELECT opened_at AS at, service, id, toUInt16(0) AS attempt, severity AS name, '' AS environment, '' AS branch,
			if(resolved_at IS NULL, 'open', 'resolved') AS status, '' AS status_raw, '' AS sha, '' AS actor, '' AS person, false AS bot,
			opened_at AS created_at, opened_at AS started_at, resolved_at AS finished_at, NULL::Nullable(UInt64) AS duration_ms, source, scope, url FROM incidents`,
	},
	{
		Name: "pipeline_jobs", Title: "CI jobs", One: "job", NameLabel: "job", TimeLabel: "finished", Timed: true, Queued: true,
		Statuses: []string{"succeeded", "failed", "running", "queued", "waiting", "cancelled", "skipped"},
		sql: `SELECT coalesce(finished_at, started_at, created_at) AS at, service, id, attempt, name, '' AS environment, runner AS branch,
			status, status_raw, '' AS sha, '' AS actor, '' AS person, false AS bot, created_at, started_at, finished_at, NULL::Nullable(UInt64) AS duration_ms, source, scope, url FROM pipeline_jobs`,
	},
}

// delivered keeps of the deployments exactly those that the deployment metrics count: see the query of deployment_frequency.
const delivered = ` WHERE status = 'succeeded' AND NOT baseline AND rollback_of = ''
	ORDER BY at, attempt LIMIT 1 BY service, environment, source, scope, id`

// What has ended, and of which it is not known how long it took, or how long it waited in the queue.
const (
	noDuration = `(status IN ('succeeded', 'failed', 'cancelled', 'resolved')
		AND NOT ifNull(duration_ms > 0, false) AND NOT ifNull(finished_at >= started_at, false))`
	noQueue = `(status IN ('succeeded', 'failed', 'cancelled') AND NOT ifNull(started_at >= created_at, false))`
)

func kindOf(name string) (eventKind, error) {
	var names []string
	for _, k := range eventKinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return eventKind{}, fiber.NewError(fiber.StatusNotFound, fmt.Sprintf("there are no events of the kind %q; there are %s", name, strings.Join(names, ", ")))
}

func (k eventKind) where(f eventFilter) (string, map[string]any) {
	from := k.sql
	if f.Delivered && k.Name == "deployments" {
		from += delivered
	}
	sql := " FROM (" + from + `) AS listed WHERE ({service:String} = '' OR service = {service:String})
		AND ({team:String} = '' OR service IN (SELECT entity FROM entities WHERE owner = {team:String}))
		AND ({environment:String} = '' OR environment = {environment:String})
		AND ({person:String} = '' OR person = {person:String})
		AND ({id:String} = '' OR id = {id:String})
		AND ({source:String} = '' OR source = {source:String})
		AND ({scope:String} = '' OR scope = {scope:String})
		AND ({text:String} = '' OR positionCaseInsensitiveUTF8(concat(name, ' ', id, ' ', sha, ' ', actor, ' ', person, ' ', service), {text:String}) > 0)
		AND (empty({statuses:Array(String)}) OR has({statuses:Array(String)}, status))
		AND ({people:UInt8} = 0 OR NOT bot)
		AND ({without:String} != 'duration' OR ` + noDuration + `)
		AND ({without:String} != 'queue' OR ` + noQueue + `)
		AND ({has_from:UInt8} = 0 OR at >= {from:DateTime64(3, 'UTC')})
		AND ({has_to:UInt8} = 0 OR at < {to:DateTime64(3, 'UTC')})`
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	bound := func(t time.Time) time.Time {
		if t.IsZero() {
			return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // not compared: has_from or has_to is 0
		}
		return t
	}
	statuses := f.Statuses
	if statuses == nil {
		statuses = []string{}
	}
	return sql, map[string]any{
		"service": f.Service, "team": f.Team, "environment": f.Environment, "person": f.Person, "id": f.ID, "text": f.Text,
		"source": f.Source, "scope": f.Scope, "without": f.Without,
		"statuses": statuses, "people": flag(f.PeopleOnly),
		"has_from": flag(!f.From.IsZero()), "from": bound(f.From), "has_to": flag(!f.To.IsZero()), "to": bound(f.To),
	}
}

// listEvents returns the events that fit, the latest first, events without any time last.
func (a *app) listEvents(ctx context.Context, k eventKind, f eventFilter, limit, offset int) ([]eventRow, error) {
	sql, params := k.where(f)
	params["limit"], params["offset"] = limit, offset
	var rows []eventRow
	err := a.deps.Store.Select(ctx, &rows, "SELECT *"+sql+
		" ORDER BY at DESC NULLS LAST, source, scope, id, attempt, environment, name LIMIT {limit:UInt32} OFFSET {offset:UInt32}", params)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", k.Name, err)
	}
	return rows, nil
}

// eventCounts are how many events fit a filter, and of how many of those that have ended a time is not known.
type eventCounts struct {
	N          uint64 `ch:"n"`
	NoDuration uint64 `ch:"no_duration"` // 0 for kinds that have none
	NoQueue    uint64 `ch:"no_queue"`    // 0 for kinds that are not queued
}

// countEvents counts the events that fit.
func (a *app) countEvents(ctx context.Context, k eventKind, f eventFilter) (eventCounts, error) {
	sql, params := k.where(f)
	params["timed"], params["queued"] = k.Timed, k.Queued
	var rows []eventCounts
	err := a.deps.Store.Select(ctx, &rows, `SELECT count() AS n, countIf({timed:Bool} AND `+noDuration+`) AS no_duration,
		countIf({queued:Bool} AND `+noQueue+`) AS no_queue`+sql, params)
	if err != nil {
		return eventCounts{}, fmt.Errorf("count %s: %w", k.Name, err)
	}
	if len(rows) == 0 {
		return eventCounts{}, nil
	}
	return rows[0], nil
}
