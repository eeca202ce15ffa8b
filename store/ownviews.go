package store

import "regexp"

// The views of records, whose tables are named raw_ and the view.
const (
	ownDeployments = "deployments"
	ownRuns        = "pipeline_runs"
	ownChanges     = "changes"
	ownIncidents   = "incidents"
)

const (
	ownNear = `source IN {own_sources:Array(String)} AND scope IN {own_places:Array(String)}`
	// ownBound: by the catalog, the scope belongs to the service.
	ownBound = `concat(source, '\n', provider, '\n', scope) IN {own_bound:Array(String)}`
	ownRows  = ` FINAL WHERE ` + ownNear + ` AND (r.service = {own:String} OR r.service = '' AND ` + ownBound + `)`
	ownName  = `materialize({own:String}) AS service`
)

// ownBot is whether a bot did what the row has; by is the column of the login.
func ownBot(by string) string {
	return `r.bot OR concat(r.provider, '\n', lower(r.` + by + `)) IN {own_bots:Array(String)}
        OR lower(r.` + by + `) IN {own_bots_anywhere:Array(String)} AS bot`
}

// ownView is a view of one service. It has the meaning that the view of its name has in migrations.
type ownView struct {
	name    string
	pattern *regexp.Regexp // finds the name in a query
	sql     string
	records bool // it has the records of the places that they came from
	// columns are those of sql, with their types, for a view without rows: where a service has no records of a kind,
	// most of the work of a query is saved. Empty: the view may always have rows.
	columns string
}

func own(name, sql string) ownView {
	return ownView{name: name, pattern: regexp.MustCompile(`\b` + name + `\b`), sql: sql}
}

func ownRecords(name, columns, sql string) ownView {
	v := own(name, sql)
	v.records, v.columns = true, columns
	return v
}

var ownViews = []ownView{
	ownRecords(ownDeployments, `service String, id String, attempt UInt16, environment String, status LowCardinality(String),
created_at Nullable(DateTime64(3, \'UTC\')), started_at Nullable(DateTime64(3, \'UTC\')),
finished_at Nullable(DateTime64(3, \'UTC\')), sha String, version String, baseline Bool, rollback_of String,
source LowCardinality(String), scope String, url String, bot Bool`,
		`SELECT `+ownName+`, r.id AS id, r.attempt AS attempt,
    transform(lower(toString(r.environment)), {own_raw:Array(String)}, {own_environments:Array(String)},
        lower(toString(r.environment))) AS environment, r.status AS status,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at, r.sha AS sha,
    r.version AS version, r.baseline AS baseline, r.rollback_of AS rollback_of, r.source AS source, r.scope AS scope, r.url AS url, `+
			ownBot("actor")+`
FROM raw_deployments AS r`+ownRows),
	ownRecords(ownRuns, `service String, id String, status LowCardinality(String), branch String,
trigger LowCardinality(String), created_at Nullable(DateTime64(3, \'UTC\')),
started_at Nullable(DateTime64(3, \'UTC\')), finished_at Nullable(DateTime64(3, \'UTC\')),
duration_ms Nullable(UInt64), source LowCardinality(String), scope String, bot Bool`,
		`SELECT `+ownName+`, r.id AS id, r.status AS status, r.branch AS branch, r.trigger AS trigger,
    r.created_at AS created_at, r.started_at AS started_at, r.finished_at AS finished_at, r.duration_ms AS duration_ms,
    r.source AS source, r.scope AS scope, `+ownBot("actor")+`
FROM raw_pipeline_runs AS r`+ownRows),
	ownRecords(ownChanges, `service String, id String, created_at Nullable(DateTime64(3, \'UTC\')),
first_review_at Nullable(DateTime64(3, \'UTC\')), approved_at Nullable(DateTime64(3, \'UTC\')),
merged_at Nullable(DateTime64(3, \'UTC\')), source LowCardinality(String), scope String, bot Bool`,
		`SELECT `+ownName+`, r.id AS id, r.created_at AS created_at, r.first_review_at AS first_review_at,
    r.approved_at AS approved_at, r.merged_at AS merged_at, r.source AS source, r.scope AS scope, `+ownBot("author")+`
FROM raw_changes AS r`+ownRows),
	ownRecords(ownIncidents, `service String, id String, source LowCardinality(String), scope String`,
		`SELECT `+ownName+`, r.id AS id, r.source AS source, r.scope AS scope FROM raw_incidents AS r`+ownRows),
	ownRecords("ledger", "", `SELECT source, scope, kind, window_start, checked_at, if(`+ownBound+`, {own:String}, '') AS service
FROM raw_ledger FINAL WHERE `+ownNear),
	own("entities", `SELECT ref AS entity, kind, name, title, type, owner, created_at
FROM catalog_entities WHERE ref = {own:String}`),
	// Refs of scopes begin with "unmapped:", so that the key finds those of all scopes.
	own("facts", `SELECT {own:String} AS entity, fact, type, value, observed_at, expires_at, error, source, url
FROM current_facts AS f FINAL
WHERE {own_described:Bool}
    AND (f.entity = {own:String}
        OR f.entity >= 'unmapped:' AND f.entity < 'unmapped;' AND lower(f.entity) IN {own_refs:Array(String)}
            AND (concat(source, '\n', lower(f.entity)) IN {own_given:Array(String)}
                OR lower(f.entity) IN {own_shared:Array(String)}
                    AND concat(source, '\n', lower(f.entity)) NOT IN {own_taken:Array(String)}))
    AND NOT arrayExists((name, given) -> given != source
        AND (name = fact OR endsWith(name, '.') AND startsWith(fact, name)),
        {own_fact_names:Array(String)}, {own_fact_sources:Array(String)})
ORDER BY error = '' AND ifNull(expires_at > now64(3), true) DESC, observed_at DESC, error, source, f.entity, type,
    value, url
LIMIT 1 BY fact`),
}

// ownSettings leave out what pays only for many rows: threads, and compiling expressions.
const ownSettings = "\nSETTINGS max_threads = 1, compile_expressions = 0, compile_aggregate_expressions = 0, " +
	"compile_sort_description = 0"
