package server_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/web/route"
)

// list is a page with a list: the address, and the list in the API.
type list struct {
	path, api, rows string // rows is the field of the document that has the entries
	// The list grows with the scorecards, not with the organization: TestManyScorecards walks through its pages.
	ofScorecards bool
	// The list grows by one each quarter: it has one page.
	ofQuarters bool
	perPage    int // the most entries that a document can have; 0: 170 or more
}

// everyList is every list that grows with the organization.
var everyList = []list{
	{path: "/services", api: "/api/v1/services", rows: "services"},
	{path: "/entities", api: "/api/v1/entities", rows: "entities"},
	{path: "/services/default/payment-service/facts"},
	{path: "/teams", api: "/api/v1/teams", rows: "teams"},
	{path: "/waivers", api: "/api/v1/waivers", rows: "waivers"},
	{path: "/scorecards", api: "/api/v1/scorecards", rows: "scorecards", ofScorecards: true},
	{path: "/scorecards/test-path", api: "/api/v1/scorecards/test-path", rows: "rule_list", ofScorecards: true},
	{path: "/scorecards/test-path/services", api: "/api/v1/scorecards/test-path/services", rows: "services"},
	{path: "/scorecards/test-path/teams", api: "/api/v1/scorecards/test-path/teams", rows: "teams"},
	{path: "/scorecards/test-path/rules/readme", api: "/api/v1/scorecards/test-path/rules/readme", rows: "services"},
	{path: "/campaigns", api: "/api/v1/campaigns", rows: "campaigns"},
	{path: "/campaigns/silver?verdict=all", api: "/api/v1/campaigns/silver?verdict=all", rows: "rows"},
	{path: "/batches", api: "/api/v1/batches", rows: "batches"},
	{path: "/batches/b0", api: "/api/v1/batches/b0", rows: "runs"},
	{path: "/fixes", api: "/api/v1/fixes", rows: "fixes"},
	{path: "/golden-paths", api: "/api/v1/metrics/golden-path-adoption", rows: "subjects"},
	{path: "/time-to-first-deploy?cohort=team"},
	{path: "/time-to-first-deploy/subjects", api: "/api/v1/metrics/time-to-first-deploy", rows: "subjects"},
	{path: "/time-to-first-deploy/subjects?of=services", api: "/api/v1/metrics/time-to-first-deploy?of=services", rows: "subjects"},
	{path: "/events/deployments", api: "/api/v1/events/deployments", rows: "events"},
	{path: "/events/pipeline_runs", api: "/api/v1/events/pipeline_runs", rows: "events"},
	{path: "/events/pipeline_jobs", api: "/api/v1/events/pipeline_jobs", rows: "events"},
	{path: "/events/changes", api: "/api/v1/events/changes", rows: "events"},
	{path: "/ledger", api: "/api/v1/ledger", rows: "ledger"},
	{path: "/unmapped", api: "/api/v1/unmapped", rows: "unmapped"},
	{path: "/surveys", api: "/api/v1/surveys", rows: "surveys", ofQuarters: true},
	{path: "/surveys/2026-Q3?by=team", api: "/api/v1/surveys/2026-Q3?by=team", rows: "rows", perPage: route.APISurveySize},
}

var (
	sortHead  = regexp.MustCompile(`<th scope="col"[^>]* aria-sort="([a-z]+)"><a class="sort" href="([^"]*)">([^<]*)</a>`)
	pageCount = regexp.MustCompile(`([0-9]+) to ([0-9]+) of ([0-9]+)</span>`)
	nextPage  = regexp.MustCompile(`rel="next" href="([^"]*)"`)
	listRow   = regexp.MustCompile(`(?s)<tr>\s*<th scope="row".*?</tr>|<section class="card" aria-labelledby="u[0-9]+">.*?</section>`)
	cardOf    = regexp.MustCompile(`aria-labelledby="u[0-9]+"|id="[ud][0-9]+"|data-copy="d[0-9]+"`)
)

func add(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}

// rowsOf are the rows of the list of a page, without what tells only their places apart.
func rowsOf(page string) []string {
	rows := listRow.FindAllString(page, -1)
	for i := range rows {
		rows[i] = cardOf.ReplaceAllString(rows[i], "")
	}
	return rows
}

// TestListsAreSortedByEveryColumn follows the heads of every list in both directions.
func TestListsAreSortedByEveryColumn(t *testing.T) {
	f := sharedFixture(t)
	for _, l := range everyList {
		page := f.page(t, l.path)
		heads := sortHead.FindAllStringSubmatch(page, -1)
		if columns := strings.Count(page, `<th scope="col"`); len(heads) < 4 && l.path != "/unmapped" || columns-len(heads) > 8 {
			t.Errorf("%s: %d of %d columns are sorted by", l.path, len(heads), columns)
		}
		for _, head := range heads {
			first := html.UnescapeString(head[2])
			again := f.page(t, first)
			var turned string
			for _, h := range sortHead.FindAllStringSubmatch(again, -1) {
				if h[3] == head[3] {
					turned = html.UnescapeString(h[2])
					if h[1] == "none" {
						t.Errorf("%s: the column %s does not say how it is sorted", first, h[3])
					}
				} else if h[1] != "none" {
					t.Errorf("%s: sorted by %s, too", first, h[3])
				}
			}
			if turned == first {
				t.Errorf("%s: the head sorts the same way again", first)
			}
			up, down := rowsOf(again), rowsOf(f.page(t, turned))
			slices.Sort(up)
			slices.Sort(down)
			if len(up) <= route.PageSize && len(up) != len(down) || len(up) == 0 {
				t.Errorf("%s: %d rows, and %d the other way", first, len(up), len(down))
			}
			if l.api != "" {
				query := turned[strings.Index(turned, "?")+1:]
				if status, _, body := f.get(t, l.api[:len(l.api)-len(tail(l.api))]+"?"+query); status != http.StatusOK {
					t.Errorf("the API does not sort by %s: %s", query, body)
				}
			}
		}
	}
}

// tail is the query of an address, with its question mark.
func tail(path string) string {
	if i := strings.Index(path, "?"); i >= 0 {
		return path[i:]
	}
	return ""
}

// TestEventsAreSortedByTheStore checks orders that SQL makes: unknown values are last in both directions.
func TestEventsAreSortedByTheStore(t *testing.T) {
	f := sharedFixture(t)
	for _, tt := range []struct{ path, field, first, last string }{
		{"pipeline_runs?sort=status&dir=asc", "status", "failed", "succeeded"},
		{"pipeline_runs?sort=status", "status", "failed", "succeeded"},
		{"pipeline_runs?sort=status&dir=desc", "status", "succeeded", "failed"},
		{"pipeline_jobs?sort=queue&dir=asc", "name", "test 0", "test 1"}, // of test 1 it is unknown
		{"pipeline_jobs?sort=queue&dir=desc", "name", "test 0", "test 1"},
		{"changes?sort=name", "title", "Change 0", "Change 9"},
		{"changes?sort=time&dir=asc", "title", "Change 11", "Change 0"},
		{"deployments?sort=service", "service", "component:default/payment-service", "unmapped:github/myorg/stranger"},
		{"deployments?sort=who&dir=desc", "actor", "zoe", "ada"},
	} {
		var doc struct{ Events []map[string]any }
		if err := json.Unmarshal([]byte(f.page(t, "/api/v1/events/"+tt.path)), &doc); err != nil {
			t.Fatal(err)
		}
		first, last := doc.Events[0][tt.field], doc.Events[len(doc.Events)-1][tt.field]
		if first != tt.first || last != tt.last {
			t.Errorf("%s: from %v to %v, want from %s to %s", tt.path, first, last, tt.first, tt.last)
		}
	}
	// the CSV file has the filter and the order of the list
	rows := strings.Split(strings.TrimSpace(f.page(t, "/events/changes.csv?q=Change+1&sort=name&dir=desc")), "\r\n")
	if len(rows) == 1 {
		rows = strings.Split(rows[0], "\n")
	}
	if len(rows) != 4 || !strings.Contains(rows[1], "Change 11") || !strings.Contains(rows[3], "Change 1,") {
		t.Errorf("the CSV file has %d lines: %q", len(rows), rows)
	}
}

// So many are enough for several pages of every list, and for a page that lists all of them to be too large.
const organizationServices, organizationEvents = 300, 1500

// pageLimit bounds a page in bytes, apiLimit a document of the API.
const pageLimit, apiLimit = 150_000, 2 << 20

// TestNoPageGrows visits every kind of page of a large organization that its links lead to, and every document.
func TestNoPageGrows(t *testing.T) {
	o := organizationOf(organizationServices, organizationEvents)
	f := newFixture(t, o.descriptors, o.people, o.events)
	f.gradeFor(t, 6)
	t.Run("pages", func(t *testing.T) { everyLink(t, f) })
	t.Run("documents", func(t *testing.T) {
		for path, parameters := range addresses() {
			if !strings.HasPrefix(path, "/api/") {
				continue
			}
			path = strings.Replace(path, "payment-service", "service-0", 1)
			body := f.page(t, path+required(path))
			if len(body) > apiLimit {
				t.Errorf("%s has %d bytes", path, len(body))
			}
			if slices.Contains(parameters, "per_page") {
				if small := f.page(t, path+"?per_page=5"); len(small) > apiLimit/10 && !strings.Contains(path, "first-deploy") {
					t.Errorf("%s?per_page=5 has %d bytes", path, len(small))
				}
			}
		}
	})
	t.Run("parts", func(t *testing.T) {
		for _, l := range everyList {
			l.path = strings.Replace(l.path, "payment-service", "service-0", 1)
			if l.path != "/events/pipeline_runs" && l.path != "/events/changes" && // made like the other events
				!l.ofScorecards && !l.ofQuarters {
				parts(t, f, l)
			}
			documents(t, f, l)
		}
	})
	t.Run("filters and order stay", func(t *testing.T) { filtersStay(t, f) })
}

var anyLink = regexp.MustCompile(`<a[^>]* href="(/[^"#]*)`)

// everyLink follows the links from page to page, one of each kind.
func everyLink(t *testing.T, f *fixture) {
	queue := []string{"/", "/services/default/hub", "/services/default/service-0"}
	seen, ofKind, largest := map[string]bool{"/": true}, map[string]int{}, 0
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		status, _, body := f.get(t, path)
		if status != http.StatusOK && status != http.StatusFound {
			t.Errorf("%s: status %d", path, status)
		}
		if largest = max(largest, len(body)); len(body) > pageLimit {
			t.Errorf("%s has %d bytes; a page has at most %d", path, len(body), pageLimit)
		}
		for _, m := range anyLink.FindAllStringSubmatch(body, -1) {
			u, err := url.Parse(html.UnescapeString(m[1]))
			if err != nil {
				t.Errorf("%s links to %q: %v", path, m[1], err)
				continue
			}
			if strings.HasPrefix(u.Path, "/api/") || strings.HasSuffix(u.Path, ".csv") || seen[u.RequestURI()] {
				continue
			}
			kind := pageKind(u)
			if seen[u.RequestURI()] = true; ofKind[kind] < 1 {
				ofKind[kind]++
				queue = append(queue, u.RequestURI())
			}
		}
	}
	t.Logf("%d kinds of pages, the largest has %d bytes", len(ofKind), largest)
	for _, l := range everyList {
		path := strings.Replace(strings.TrimSuffix(l.path, tail(l.path)), "payment-service", "service-0", 1)
		if !slices.ContainsFunc(slices.Collect(keys(seen)),
			func(p string) bool { return strings.HasPrefix(p, path) }) {
			t.Errorf("no link leads to %s", path)
		}
	}
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// pageKind is the path without the names in it, and the names of the filters.
func pageKind(u *url.URL) string {
	path := u.Path
	if strings.HasPrefix(path, "/services/") {
		path = "/services/*" + map[bool]string{true: "/facts"}[strings.HasSuffix(path, "/facts")]
	}
	if parts := strings.Split(path, "/"); parts[1] == "batches" && len(parts) > 2 {
		path = fmt.Sprintf("/batches/* of %d", len(parts))
	} else if parts[1] == "scorecards" && len(parts) > 2 {
		parts[2] = "*"
		if len(parts) > 4 {
			parts[4] = "*"
		}
		path = strings.Join(parts, "/")
	}
	var names []string
	for name := range u.Query() {
		if !slices.Contains(route.ListParameters(), name) && !strings.HasPrefix(path, "/events/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return path + "?" + strings.Join(names, "&")
}

// parts walks through the pages of a list, sorted by what many rows have in common: each row is on one page.
func parts(t *testing.T, f *fixture, l list) {
	t.Helper()
	sorted := map[string]string{"/services": "sort=level", "/scorecards": "sort=rules",
		"/scorecards/test-path/services": "sort=level", "/scorecards/test-path/rules/readme": "sort=since", "/entities": "sort=level", "/teams": "sort=services",
		"/ledger": "sort=kind", "/unmapped": "sort=records"}[l.path]
	if strings.HasPrefix(l.path, "/events/") {
		sorted = "sort=status&dir=desc"
	}
	seen, total, pages := map[string]bool{}, 0, 0
	for path := add(l.path, sorted); path != ""; pages++ {
		page := f.page(t, path)
		rows := rowsOf(page)
		if len(rows) == 0 || len(rows) > route.PageSize {
			t.Fatalf("%s has %d rows", path, len(rows))
		}
		for _, row := range rows {
			if seen[row] && !strings.HasPrefix(l.path, "/events/pipeline_jobs") { // equal jobs of a service look the same
				t.Fatalf("%s repeats a row: %s", path, row)
			}
			seen[row] = true
		}
		counts := pageCount.FindStringSubmatch(strings.ReplaceAll(page, "\u2009", ""))
		if counts == nil {
			t.Fatalf("%s does not say how many there are", path)
		}
		if _, err := fmt.Sscan(counts[3], &total); err != nil {
			t.Fatal(err)
		}
		path = ""
		if next := nextPage.FindStringSubmatch(page); next != nil {
			path = html.UnescapeString(next[1])
		}
		if pages > 300 {
			t.Fatalf("%s has no end", l.path)
		}
	}
	if len(seen) != total && !strings.HasPrefix(l.path, "/events/pipeline_jobs") || pages < 2 {
		t.Errorf("%s: %d rows on %d pages, and it says %d", l.path, len(seen), pages, total)
	}
	beyond := f.page(t, add(l.path, fmt.Sprintf("page=%d", pages+10)))
	if !strings.Contains(beyond, "is past the end of this list") || !strings.Contains(beyond, `rel="last"`) ||
		len(rowsOf(beyond)) != 0 {
		t.Errorf("%s: a page past the end does not say so", l.path)
	}
}

// documents walks through the documents of a list by next.
func documents(t *testing.T, f *fixture, l list) {
	t.Helper()
	if l.api == "" {
		return
	}
	seen, total := map[string]bool{}, 0
	for next, n := add(l.api, fmt.Sprint("per_page=", cmp.Or(l.perPage, 170))), 0; next != ""; n++ {
		var doc map[string]json.RawMessage
		if err := json.Unmarshal([]byte(f.page(t, next)), &doc); err != nil {
			t.Fatal(err)
		}
		var rows []json.RawMessage
		if err := json.Unmarshal(doc[l.rows], &rows); err != nil || len(rows) > 170 || n > 100 {
			t.Fatalf("%s: %d rows, %v", next, len(rows), err)
		}
		for _, row := range rows {
			seen[string(row)] = true
		}
		count := doc["total"]
		if l.rows == "subjects" {
			count = doc["subjects_total"]
		}
		if err := json.Unmarshal(count, &total); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(doc["next"], &next); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != total || total == 0 {
		t.Errorf("%s: %d entries, and it says %d", l.api, len(seen), total)
	}
}

// filtersStay: the next page has the filter and the order of this one, a new order begins with the first page.
func filtersStay(t *testing.T, f *fixture) {
	for _, path := range []string{
		"/services?lifecycle=production&sort=deploys&dir=asc", "/services?q=number&rule=test-path%2Freadme&outcome=unknown",
		"/events/deployments?status=succeeded&sort=who&dir=asc", "/ledger?gaps=true&source=gh&sort=scope&dir=asc",
		"/unmapped?provider=github&sort=last&dir=asc", "/time-to-first-deploy/subjects?of=services&sort=took&dir=asc",
	} {
		want, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		page := f.page(t, path)
		next := nextPage.FindStringSubmatch(page)
		if next == nil {
			t.Errorf("%s has no next page", path)
			continue
		}
		got, err := url.Parse(html.UnescapeString(next[1]))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range want.Query() {
			if got.Query().Get(name) != values[0] || got.Query().Get("page") != "2" {
				t.Errorf("%s: the next page is %s", path, got)
			}
		}
		if second := f.page(t, got.String()); len(rowsOf(second)) == 0 || rowsOf(second)[0] == rowsOf(page)[0] {
			t.Errorf("%s is not another page", got)
		} else if head := sortHead.FindStringSubmatch(second); head != nil && strings.Contains(head[2], "page=") {
			t.Errorf("%s: a new order does not begin with the first page: %s", got, head[2])
		}
	}
}
