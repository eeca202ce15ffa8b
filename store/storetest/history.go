package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store"
)

// FillHistory stores what Append would have stored if services had facts of the types for weeks, until a time: every
// value changed once a week, and was read every day. The services are component:default/s0, s1, …; a source reads 20
// facts of a service together. types are those of the facts. The rows are made in the engine, because millions of them
// take minutes otherwise.
func FillHistory(tb testing.TB, s *store.Store, services, weeks int, facts []string, types []string,
	until time.Time) {
	tb.Helper()
	info, err := s.Info(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	with := fmt.Sprintf(`WITH ['%s'] AS names, ['%s'] AS types, %d AS weeks, %d AS facts, toInt64(%d) AS until
`, strings.Join(facts, "','"), strings.Join(types, "','"), weeks, len(facts), until.UnixMilli())
	for _, sql := range []string{
		`INSERT INTO fact_history (source, source_key, entity, fact, type, value, error, expires_after_ms, valid_from, seq)
` + with + fmt.Sprintf(`SELECT concat('gh-', toString(intDiv(f, 20))) AS source, source, concat('component:default/s', toString(service)),
    names[f + 1], types[f + 1] AS type,
    multiIf(type = 'bool', if((week + f + service) %% 2 = 0, 'true', 'false'),
        type = 'number', toString((week * 7 + f + service) %% 23),
        type = 'string', concat('"v', toString(week), '"'),
        type = 'time',
        concat('"', formatDateTime(fromUnixTimestamp64Milli(at), '%%Y-%%m-%%dT%%H:%%i:%%SZ', 'UTC'), '"'),
        (week + f + service) %% 2 = 0, '[]', concat('["ci.yml:', toString(week), ': a place"]')) AS value,
    '', if(f < 20, 345600000, 0), fromUnixTimestamp64Milli(at), number + 1
FROM (SELECT number, intDiv(number, weeks * facts) AS service, intDiv(number, weeks) %% facts AS f, number %% weeks AS week,
        until - toInt64((weeks - week) * 7 + (f * 13 + service * 17) %% 7) * 86400000 AS at
    FROM numbers(toUInt64(%d * weeks * facts)))`, services),
		`INSERT INTO fact_sets (fact_set, facts, seq)
` + with + `SELECT intDiv(f, 20) + 1, arraySort(groupArray(names[f + 1])), 1 FROM (SELECT number AS f FROM numbers(toUInt64(facts))) GROUP BY intDiv(f, 20)`,
		`INSERT INTO fact_reads (entity, source, fact_set, day, observed_at, expires_after_ms, seq)
` + with + fmt.Sprintf(`SELECT concat('component:default/s', toString(service)), concat('gh-', toString(set)), set + 1, toDate(at), at, if(set = 0, 345600000, 0), 1
FROM (SELECT intDiv(number, weeks * 7 * sets) AS service, number %% sets AS set, intDiv(number, sets) %% (weeks * 7) AS day, intDiv(facts + 19, 20) AS sets,
        fromUnixTimestamp64Milli(until - toInt64(weeks * 7 - day) * 86400000) AS at
    FROM numbers(toUInt64(%d * weeks * 7 * intDiv(facts + 19, 20))))`, services),
	} {
		query := url.Values{"database": {info.Database}, "query": {sql}}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://embedded/?"+query.Encode(), nil)
		if err != nil {
			tb.Fatal(err)
		}
		res, err := Engine(tb).RoundTrip(req)
		if err != nil {
			tb.Fatal(err)
		}
		out, err := io.ReadAll(res.Body)
		err = errors.Join(err, res.Body.Close())
		if err != nil || res.StatusCode != http.StatusOK {
			tb.Fatalf("%s: %d %v %s", sql, res.StatusCode, err, out)
		}
	}
}
