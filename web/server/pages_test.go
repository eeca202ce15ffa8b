package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
)

// everyPage is every address that a person can open.
var everyPage = []string{
	"/", "/services", "/services?sort=score&dir=desc&level=none", "/services/default/payment-service",
	"/services/default/orphan-service", "/services?rule=test-path/readme&outcome=fail", "/services?page=7",
	"/entities", "/services/default/shared-library", "/entities/system/default/checkout",
	"/services/default/payment-service/facts?q=repository&sort=observed",
	"/scorecards", "/scorecards?origin=own&sort=known", "/scorecards/test-path", "/scorecards/test-path?level=bronze&sort=fail",
	"/scorecards/test-path/services?level=bronze&sort=missing", "/scorecards/others/services", "/scorecards/others/teams",
	"/scorecards/test-path/rules/readme?outcome=fail&sort=since",
	"/teams", "/teams?q=pay&sort=deploys", "/waivers", "/waivers?state=requested&sort=until",
	"/campaigns", "/campaigns?state=running&sort=left", "/campaigns/silver", "/campaigns/readmes?verdict=all&sort=since", "/time-to-first-deploy/subjects?state=waiting",
	"/time-to-first-deploy/subjects?of=services&cohort=team&sort=took",
	"/ledger?gaps=true&sort=stored", "/unmapped?provider=github&sort=last",
	"/time-to-first-deploy", "/time-to-first-deploy?of=services", "/time-to-first-deploy?cohort=month",
	"/time-to-first-deploy?cohort=team",
	"/events/deployments", "/events/pipeline_runs?status=succeeded,failed", "/events/pipeline_jobs",
	"/events/changes?q=Change", "/events/incidents",
	"/definitions", "/definitions/deployment_frequency", "/ledger", "/unmapped",
}

func TestPages(t *testing.T) {
	f := sharedFixture(t)
	for _, tt := range []struct {
		path string
		want []string
	}{
		{"/", []string{"Developer experience", "3 services of the catalog and 5 engineers",
			"2026-Q4 has not reached its median yet: 0 of 1 have deployed", "What to do next", "Has an owner",
			"3 of 63 missing", "1 scope belongs"}},
		{"/services", []string{"payment-service", "user-service", "orphan-service", "nobody", "experimental"}},
		{"/services/default/payment-service", []string{"Handles payment processing", "Payments", "Checkout",
			"myorg/payment-service", "user-service", "The cheapest way to silver", "ci.p95_minutes"}},
		{"/services/default/orphan-service", []string{"No description.",
			"no deployment was ever collected: a source with deployments (github, ",
			"no change was ever collected: a source with pull", "No deployment was collected.", "No change was collected.",
			"catalog.yaml:"}},
		{"/services/default/user-service", []string{"Needed by", "payment-service", "the repository has no README"}},
		{"/teams", []string{"Payments", "Ledger", "nobody", "3 teams own"}},
		{"/scorecards", []string{"Test path", "Libraries and systems", "own", "Has a README", "1 bronze, 2 none"}},
		{"/scorecards/test-path", []string{"4 rules in force", "Has a README", "minutes", "Nothing earlier is stored.",
			`href="/scorecards/test-path/rules/readme?outcome=fail">1</a>`, `href="/scorecards/test-path/services?level=bronze">1</a>`}},
		{"/scorecards/test-path/services", []string{"payment-service", "1 rule to silver", "2 rules to bronze", "75–100 %"}},
		{"/scorecards/test-path/teams", []string{"Payments", "1 bronze", `href="/scorecards/test-path/services?team=none"`}},
		{"/scorecards/test-path/rules/readme", []string{"People start there.", "Write one.", "repository.files.readme",
			"test-path/readme, version 1", "the repository has no README", "not known", "lifts it to bronze by itself",
			"Find out: let a checkout, or a source of kind github or gitlab report it", "as stated; too few repairs"}},
		{"/services/default/user-service", []string{"What to do next", "Has a README", "lifts it to bronze by itself", "score +25 %",
			"dxctl grade user-service --rule readme", `href="/scorecards/test-path/rules/readme"`,
			"dxctl waiver request user-service --rule test-path/readme --until 30d --reason planned --note TEXT",
			"no percentile: there are 3 of type service"}},
		{"/services?rule=test-path/readme&outcome=fail", []string{"1 of 3 services", "user-service", "Has a README"}},
		{"/campaigns", []string{"Silver everywhere", "level silver of test-path", "30 days left", "Campaigns to correct.",
			"campaigns.yaml:25:7: apiVersion is", "ended"}},
		{"/campaigns/silver", []string{"The winter is long.", "Who is left", "CI is fast", "Cache the dependencies.",
			"not graded yet", "since its start have grades; 21 are needed", "payment-service"}},
		{"/services/default/payment-service", []string{"Campaigns that it has not", "Silver everywhere", "CI is fast"}},
		{"/time-to-first-deploy", []string{"not reached yet", "Kaplan–Meier", "All 5 engineers", "2026-Q4"}},
		{"/time-to-first-deploy/subjects", []string{"Ada Example", "Eve Example", "not yet", "they started it",
			"5 engineers, by start, the latest first"}},
		{"/events/deployments", []string{"attempt 2", "stranger", "1 to 48 of 48", "CSV"}},
		{"/events/pipeline_jobs", []string{"2 CI jobs, the latest first", "in the queue", "2 min",
			"the source does not say when the job was created", "1 to 2 of 2"}},
		{"/ledger", []string{"3 records are missing", "GitHub deletes runs after 400 days"}},
		{"/unmapped", []string{"myorg/stranger", "github.com/project-slug: &#34;myorg/stranger&#34;", "name: stranger"}},
		{"/definitions/time_to_first_deploy_engineers", []string{"Kaplan", "WITH", "deployments"}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			body := html.UnescapeString(f.page(t, tt.path))
			for _, want := range tt.want {
				if !strings.Contains(body, html.UnescapeString(want)) {
					t.Errorf("%q is not on the page:\n%s", want, body)
				}
			}
			if strings.Contains(body, "shared-library") {
				t.Error("a library is shown as a service")
			}
		})
	}
}

func TestPagesSayWhatIsMissing(t *testing.T) {
	f := newFixture(t, "", "person,team,start_date,logins\n", nil)
	for path, want := range map[string]string{
		"/":                                 "No people are known yet.",
		"/services":                         "The catalog is empty.",
		"/time-to-first-deploy":             "people.files",
		"/time-to-first-deploy?of=services": "catalog.files",
		"/events/deployments":               "No deployments here.",
		"/ledger":                           "There is no ledger yet.",
		"/unmapped":                         "Every record belongs to a service.",
		"/definitions/ci_duration":          "dxctl collect",
	} {
		t.Run(path, func(t *testing.T) {
			if body := f.page(t, path); !strings.Contains(body, want) {
				t.Errorf("%q is not on the page:\n%s", want, body)
			}
		})
	}
}

// Each figure is a link, and the list behind it is as long as the figure says.
func TestFiguresAgreeWithTheEventsBehindThem(t *testing.T) {
	f := sharedFixture(t)
	count := func(link string) int {
		t.Helper()
		address, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct{ Total int }
		body := f.page(t, strings.Replace(address.Path, "/events/", "/api/v1/events/", 1)+"?"+address.RawQuery)
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatal(err)
		}
		return doc.Total
	}
	figure := regexp.MustCompile(`<a href="(/events/[^"]*delivered=true[^"]*)"[^>]*>([0-9]+)( deployments)?</a>`)
	checked := 0
	for _, path := range []string{"/", "/services", "/services/default/payment-service"} {
		for _, m := range figure.FindAllStringSubmatch(f.page(t, path), -1) {
			shown, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			if got := count(html.UnescapeString(m[1])); got != shown {
				t.Errorf("%s shows %d, but %s lists %d", path, shown, m[1], got)
			}
			checked++
		}
	}
	if checked < 30 { // 26 weeks on two pages, and the totals
		t.Errorf("only %d figures were checked", checked)
	}
	runs := regexp.MustCompile(`href="(/events/pipeline_runs[^"]*succeeded%2Cfailed[^"]*)" title="[0-9]+ of ([0-9]+) runs"`).
		FindStringSubmatch(f.page(t, "/services"))
	if runs == nil {
		t.Fatal("no CI figure on /services")
	}
	if got := count(html.UnescapeString(runs[1])); strconv.Itoa(got) != runs[2] {
		t.Errorf("CI success rests on %s runs, but its link lists %d", runs[2], got)
	}
}

// A figure is at most ten seconds older than the newest record.
func TestNewDataShowsSoon(t *testing.T) {
	f := newFixture(t, testCatalog, testPeople, testEvents())
	before := f.page(t, "/api/v1/services")
	if err := f.store.Append(t.Context(), deployment("myorg/user-service", "new", "bob", "production", event.Succeeded,
		present.Add(-time.Minute))); err != nil {
		t.Fatal(err)
	}
	for stored := time.Now(); f.page(t, "/api/v1/services") == before; time.Sleep(10 * time.Millisecond) {
		if time.Since(stored) > 10*time.Second {
			t.Fatal("a deployment that was stored is not in the numbers after ten seconds")
		}
	}
}

func TestServicesSortAndFilterWithoutScript(t *testing.T) {
	f := sharedFixture(t)
	row := regexp.MustCompile(`<tr>\s*<th scope="row"><a class="ellipsis" href="[^"]*"><bdi>([^<]*)`)
	for _, tt := range []struct {
		name, query string
		want        []string // visible services in order
	}{
		{"by name", "", []string{"orphan-service", "payment-service", "user-service"}},
		{"by name, descending", "sort=name&dir=desc", []string{"user-service", "payment-service", "orphan-service"}},
		{"by deployments, unknown last", "sort=deploys&dir=asc",
			[]string{"user-service", "payment-service", "orphan-service"}},
		{"by deployments, descending, unknown still last", "sort=deploys&dir=desc",
			[]string{"payment-service", "user-service", "orphan-service"}},
		{"by team", "team=Payments", []string{"payment-service"}},
		{"by text", "q=PCI", []string{"payment-service"}},
		{"by lifecycle", "lifecycle=experimental", []string{"user-service"}},
		{"by the team's ref", "team=group:default/team-ledger", []string{"user-service"}},
		{"without a team", "team=none", []string{"orphan-service"}},
		{"by system", "system=Checkout", []string{"payment-service"}},
		{"by the system's name", "system=checkout", []string{"payment-service"}},
		{"by level", "level=bronze", []string{"payment-service"}},
		{"by a rule that fails", "rule=test-path/owner&outcome=fail", []string{"orphan-service"}},
		{"by a rule that passes", "rule=test-path/owner&outcome=pass", []string{"payment-service", "user-service"}},
		{"by any unknown rule", "outcome=unknown&sort=name&dir=desc",
			[]string{"user-service", "payment-service", "orphan-service"}},
		{"by what they depend on", "depends_on=user-service", []string{"payment-service"}},
		{"by several", "team=Payments&lifecycle=production&level=bronze&q=pay", []string{"payment-service"}},
		{"by several that exclude each other", "team=Payments&lifecycle=experimental", nil},
		{"nothing fits", "q=zzz", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range row.FindAllStringSubmatch(f.page(t, "/services?"+tt.query), -1) {
				got = append(got, m[1])
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("services %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMistakesAreAnsweredWithHelp(t *testing.T) {
	f := sharedFixture(t)
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/nowhere", http.StatusNotFound, "there is no page at /nowhere"},
		{"/services/default/payment", http.StatusNotFound, "did you mean payment-service?"},
		{"/services/default/%3Cscript%3E", http.StatusNotFound, "&lt;script&gt;"},
		{"/services?sort=shoe", http.StatusBadRequest, "is not a column of this list"},
		{"/services?page=9", http.StatusOK, "Page 9 is past the end of this list."},
		{"/services?page=1000001", http.StatusBadRequest, "from 1 to 1000000"},
		{"/events/shoes", http.StatusNotFound, "there are deployments, pipeline_runs, changes, incidents"},
		{"/events/deployments?from=yesterday", http.StatusBadRequest, "2026-11-22"},
		{"/events/deployments?page=0", http.StatusBadRequest, "pages are counted from 1"},
		{"/time-to-first-deploy?of=cats", http.StatusBadRequest, "(known: engineers, services)"},
		{"/time-to-first-deploy?cohort=aeon", http.StatusBadRequest, "(known: month, quarter, half-year, team)"},
		{"/definitions/shoe", http.StatusNotFound, "deployment_frequency"},
		{"/assets/none.js", http.StatusNotFound, "no such asset"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			status, _, body := f.get(t, tt.path)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("status %d, want %d with %q:\n%s", status, tt.status, tt.want, body)
			}
		})
	}
}

func TestCSV(t *testing.T) {
	events := testEvents()
	formula := event.Change{Origin: origin("myorg/payment-service", "evil"), Repository: "myorg/payment-service",
		Number: 99, Title: `=HYPERLINK("http://x")`, Author: "bob", CreatedAt: present.Add(-time.Hour)}
	f := newFixture(t, testCatalog, testPeople, append(events, formula))
	status, header, body := f.get(t, "/events/changes.csv?service=payment-service")
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/csv") {
		t.Fatalf("status %d, type %s", status, header.Get("Content-Type"))
	}
	records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 14 || len(records[0]) != 24 {
		t.Fatalf("%d records of %d columns, want 14 of 24", len(records), len(records[0]))
	}
	if name := records[1][4]; name != `'=HYPERLINK("http://x")` {
		t.Errorf("a title that is a formula is written as %q", name)
	}
}
