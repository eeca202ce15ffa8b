package records

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/sorting"
)

// Filter is what a list is narrowed by. Empty fields do not narrow.
type Filter struct {
	Service, Team, Environment, Person, ID, Text string
	Source, Scope                                string
	Statuses                                     []string
	From, To                                     time.Time // half open, by Row.At
	PeopleOnly                                   bool      // without bot accounts
	Delivered                                    bool      // deployments: only those that metrics count
	Without                                      string    // duration or queue: only what ended and lacks it
}

// Counts are how many records fit a filter, and of how many of those that have ended a time is not known.
type Counts struct {
	N          uint64 `ch:"n"`
	NoDuration uint64 `ch:"no_duration"` // 0 for kinds that have none
	NoQueue    uint64 `ch:"no_queue"`    // 0 for kinds that are not queued
}

// List returns the records that fit, in the order. Records with equal values are in a fixed order, the latest first.
func List(
	ctx context.Context, q metrics.Querier, k Kind, f Filter, o sorting.Order, limit, offset int,
) ([]Record, error) {
	sql, params := k.where(f)
	params["limit"] = limit
	params["offset"] = offset
	return k.read(ctx, q, "SELECT "+strings.Join(k.Columns(), ", ")+sql+sorting.SQL(k.Listed(), o, tie)+
		" LIMIT {limit:UInt32} OFFSET {offset:UInt32}", params)
}

// Latest is the order of lists that nobody has sorted: the latest first, records without any time last.
var Latest = sorting.Order{By: "time", Descending: true}

// tie is the order of records with equal values.
const tie = "listed_at DESC NULLS LAST, source, scope, id, listed_attempt, listed_environment, listed_name"

// Listed returns the columns that lists show of the kind.
func (k Kind) Listed() []sorting.Expression {
	text := func(key, label, sql string) sorting.Expression {
		return sorting.Expression{Column: sorting.Column{Key: key, Label: label}, SQL: "nullIf(lowerUTF8(" + sql + "), '')"}
	}
	number := func(key, label, sql string) sorting.Expression {
		return sorting.Expression{Column: sorting.Column{Key: key, Label: label, Number: true}, SQL: sql}
	}
	columns := []sorting.Expression{text("name", k.NameLabel, "listed_name"), text("service", "service", "service")}
	if k.Environments {
		columns = append(columns, text("environment", "environment", "listed_environment"))
	}
	columns = append(columns, text("status", "status", "listed_status"))
	switch {
	case k.Queued:
		columns = append(columns, number("queue", "in the queue", "listed_queue"))
	case k.listed.actor != "":
		columns = append(columns, text("who", "who", "listed_who"))
	}
	if k.Timed {
		columns = append(columns, number("took", "took", "listed_took"))
	}
	return append(columns, number("time", k.TimeLabel, "listed_at"))
}

// span is the SQL of the time between two columns in milliseconds; NULL where one is unknown, or the clock ran
// backwards.
func span(from, to string) string {
	return fmt.Sprintf("if(%[2]s >= %[1]s, toInt64(dateDiff('millisecond', %[1]s, %[2]s)), NULL)", from, to)
}

// Count counts the records that fit.
func Count(ctx context.Context, q metrics.Querier, k Kind, f Filter) (Counts, error) {
	sql, params := k.where(f)
	var rows []Counts
	err := q.Select(ctx, &rows,
		"SELECT count() AS n, countIf(listed_no_duration) AS no_duration, countIf(listed_no_queue) AS no_queue"+sql, params)
	if err != nil {
		return Counts{}, fmt.Errorf("counting %s: %w", k.Name, err)
	}
	if len(rows) == 0 {
		return Counts{}, nil
	}
	return rows[0], nil
}

// Recorded reports whether any record of the kind has the value in what the filter of this name compares: service,
// environment, person, source or scope.
func Recorded(ctx context.Context, q metrics.Querier, k Kind, name, value string) (bool, error) {
	column := map[string]string{
		"service": "service", "environment": "listed_environment", "person": "listed_person", "source": "source",
		"scope": "scope",
	}[name]
	if column == "" {
		return false, nil
	}
	var rows []struct {
		N uint8 `ch:"n"`
	}
	sql := "SELECT 1 AS n FROM (" + k.from() + ") AS listed WHERE " + column + " = {value:String} LIMIT 1"
	if err := q.Select(ctx, &rows, sql, map[string]any{"value": value}); err != nil {
		return false, fmt.Errorf("looking for %s %q: %w", name, value, err)
	}
	return len(rows) > 0, nil
}

// from selects the view with the expressions that filters and the order go by, under names of their own.
func (k Kind) from() string {
	l := k.listed
	text := func(expression string) string {
		if expression == "" {
			return "''"
		}
		return expression
	}
	flag := func(expression string) string {
		if expression == "" {
			return "false"
		}
		return expression
	}
	noDuration, noQueue, attempt, took, queue := "", "", "0", "NULL", "NULL"
	if k.Timed {
		took = span(l.started, l.finished)
		noDuration = fmt.Sprintf("%s IN ('succeeded', 'failed', 'cancelled', 'resolved') AND NOT ifNull(%s >= %s, false)",
			l.status, l.finished, l.started)
		if l.duration != "" {
			noDuration += " AND NOT ifNull(" + l.duration + " > 0, false)"
			took = fmt.Sprintf("ifNull(nullIf(toInt64(%s), 0), %s)", l.duration, took)
		}
	}
	if k.Queued {
		queue = span("created_at", "started_at")
		noQueue = l.status + " IN ('succeeded', 'failed', 'cancelled') AND NOT ifNull(started_at >= created_at, false)"
	}
	for _, c := range k.columns {
		if c.name == "attempt" {
			attempt = c.name
		}
	}
	return fmt.Sprintf(`SELECT *, %s AS listed_at, %s AS listed_name, %s AS listed_status, %s AS listed_environment,
			%s AS listed_person, if(listed_person != '', listed_person, %s) AS listed_who, %s AS listed_bot,
			%s AS listed_attempt, %s AS listed_no_duration, %s AS listed_no_queue, %s AS listed_took, %s AS listed_queue,
			concat(listed_name, ' ', id, ' ', %s, ' ', %s, ' ', listed_person, ' ', service) AS listed_text
		FROM %s`, l.at, l.name, l.status, text(l.env), text(l.person), text(l.actor), flag(l.bot), attempt,
		flag(noDuration), flag(noQueue), took, queue, text(l.sha), text(l.actor), cmp.Or(k.view, k.Name))
}

func (k Kind) where(f Filter) (string, map[string]any) {
	from := k.from()
	if f.Delivered {
		from += k.deliveredClauses
	}
	sql := " FROM (" + from + `) AS listed WHERE ({service:String} = '' OR service = {service:String})
		AND ({team:String} = '' OR service IN (SELECT entity FROM entities WHERE owner = {team:String}))
		AND ({environment:String} = '' OR listed_environment = {environment:String})
		AND ({person:String} = '' OR listed_person = {person:String})
		AND ({id:String} = '' OR id = {id:String})
		AND ({source:String} = '' OR source = {source:String})
		AND ({scope:String} = '' OR scope = {scope:String})
		AND ({text:String} = '' OR positionCaseInsensitiveUTF8(listed_text, {text:String}) > 0)
		AND (empty({statuses:Array(String)}) OR has({statuses:Array(String)}, listed_status))
		AND ({people:UInt8} = 0 OR NOT listed_bot)
		AND ({without:String} != 'duration' OR listed_no_duration)
		AND ({without:String} != 'queue' OR listed_no_queue)
		AND ({has_from:UInt8} = 0 OR listed_at >= {from:DateTime64(3, 'UTC')})
		AND ({has_to:UInt8} = 0 OR listed_at < {to:DateTime64(3, 'UTC')})`
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
		"source": f.Source, "scope": f.Scope, "without": f.Without, "statuses": statuses, "people": flag(f.PeopleOnly),
		"has_from": flag(!f.From.IsZero()), "from": bound(f.From), "has_to": flag(!f.To.IsZero()), "to": bound(f.To),
	}
}
