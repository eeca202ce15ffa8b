package server_test

import (
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/web/server"
)

// addresses are the parameters of every address, with the parts of its path filled in.
func addresses() map[string][]string {
	fill := strings.NewReplacer(":namespace", "default", ":entitykind", "component", ":name", "payment-service", ":id", "ci_duration",
		":campaign", "silver", ":scorecard", "test-path", ":rule", "readme", ":survey", "2026-Q3", ":batch", "b0", ":question", "builds")
	all := map[string][]string{}
	for path, parameters := range server.Parameters() {
		path = fill.Replace(path)
		if !strings.Contains(path, ":kind") {
			all[path] = parameters
			continue
		}
		for _, kind := range []string{"deployments", "pipeline_runs", "pipeline_jobs", "changes", "incidents", "action_runs"} {
			all[strings.Replace(path, ":kind", kind, 1)] = parameters
		}
	}
	return all
}

// odd are values that no parameter has and that programs stumble over.
var odd = []string{
	"0",
	"-1",
	"1",
	"1.5",
	"1e9",
	"999999999999999999999",
	"4294967296",
	"2147483648",
	"NaN",
	"0x10",
	"١٢",
	"+1",
	" 1",
	"1000000",
	"1000001",
	"1970-01-01",
	"1969-12-31T23:59:59Z",
	"0000-00-00",
	"0001-01-01",
	"1500-01-01",
	"1899-12-31",
	"1900-01-01",
	"2024-02-30",
	"2262-04-12",
	"2299-12-31",
	"9999-12-31",
	"9999-12-31T23:59:59+14:00",
	"10000-01-01",
	"-0001-01-01",
	"2026-11-18T25:00:00Z",
	"1970-01-01T00:33:19Z",
	"2026-11-18",
	"now",
	"\x00",
	"a\x00b",
	"\xff\xfe",
	"\xc3",
	"\xed\xa0\x80",
	"%",
	"%00",
	"%zz",
	"\\",
	"'",
	"\"",
	"`",
	";",
	"\n",
	"\t",
	"\r\n",
	"{x:String}",
	"{{.}}",
	"null",
	"undefined",
	"true",
	"[]",
	"component:",
	":",
	"/",
	"component:default/x/y",
	"a:b:c",
	"unmapped:",
	"..",
	"../../etc/passwd",
	"yes",
	"no",
	"succeeded,",
	",",
	"succeeded,succeeded",
	"month",
	"team",
	"asc",
	"name",
	strings.Repeat("x", 2000),
	strings.Repeat("é", 1500),
}

func TestOddValuesAreNoFailure(t *testing.T) {
	f := sharedFixture(t)
	check := func(path string) {
		t.Helper()
		status, _, body := f.get(t, path)
		if !slices.Contains(
			[]int{http.StatusOK, http.StatusFound, http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge},
			status,
		) {
			t.Errorf("%.200s: status %d: %.300s", path, status, body)
		}
	}
	for _, value := range odd { // every value to every kind of parser, and below some to every parameter of every address
		for _, name := range []string{"from", "page", "service", "status"} {
			check("/api/v1/events/deployments?" + name + "=" + pathEscape(value))
		}
		check("/api/v1/metrics/deployment-frequency?bucket=day&to=" + pathEscape(value))
	}
	turn := 0
	for address, parameters := range addresses() {
		for _, name := range parameters {
			for range 2 { // the next parameters get the next values
				turn++
				check(address + "?" + name + "=" + pathEscape(odd[turn%len(odd)]))
			}
		}
		check(address + "?" + strings.Repeat("&", 100) + "=&=x")
		check(address + "?%00=1&%ff=2")
	}
	for _, value := range odd {
		path := pathEscape(value[:min(len(value), 1000)])
		for _, address := range []string{"/services/default/", "/services/" + path + "/", "/events/", "/definitions/", "/api/v1/events/", "/api/v1/services/default/", "/scorecards/", "/scorecards/test-path/rules/",
			"/api/v1/scorecards/test-path/rules/"} {
			check(address + path)
		}
		check("/events/" + path + ".csv")
	}
}

func TestWhatIsNotUnderstoodIsAnError(t *testing.T) {
	f := sharedFixture(t)
	refuse := func(path, want string) {
		t.Helper()
		status, _, body := f.get(t, path)
		text := html.UnescapeString(strings.ReplaceAll(body, `\"`, `"`))
		if status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: status %d, want 400 with %q: %.300s", path, status, want, body)
		}
	}
	for address, parameters := range addresses() {
		refuse(address+"?shoe=1", "unknown parameter")
		for _, name := range parameters {
			refuse(address+"?"+name+"=1&"+name+"=1", "given twice")
			refuse(address+"?"+name+"="+strings.Repeat("x", 2001), "at most 2000")
			if name == "from" {
				refuse(address+"?from=2026-11-18&to=2026-11-17", "is not earlier than")
				refuse(address+"?from=2026-11-18&to=2026-11-18", "is not earlier than")
			}
		}
		for _, known := range []string{"service", "team", "environment", "person", "source", "scope", "status", "level", "lifecycle", "of", "cohort", "bucket", "only", "sort", "dir", "bots",
			"delivered", "system", "rule", "outcome", "depends_on", "kind", "gaps", "windows", "provider", "state", "origin", "stage"} {
			if slices.Contains(parameters, known) &&
				(known != "environment" && known != "delivered" || strings.Contains(address, "deployment")) {
				refuse(address+"?"+known+"=never-heard-of", "never-heard-of")
			}
		}
	}
	for path, want := range map[string]string{
		"/api/v1/events/deployments?servce=x":                             `(did you mean "service"?)`,
		"/api/v1/events/deployments?environment=prodction":                `(did you mean "production"?)`,
		"/api/v1/events/deployments?status=succeedd":                      `(did you mean "succeeded"?)`,
		"/api/v1/events/deployments?service=payment-servce":               `(did you mean "component:default/payment-service"?)`,
		"/api/v1/events/deployments?team=team-paymnts":                    `(did you mean "group:default/team-payments"?)`,
		"/api/v1/events/deployments?person=aad":                           `(did you mean "ada"?)`,
		"/api/v1/events/deployments?source=github":                        "(known: gh)",
		"/api/v1/events/changes?environment=production":                   "is a parameter of deployments",
		"/api/v1/events/changes?status=succeeded":                         "(known: merged, open, closed)",
		"/api/v1/metrics/deployment-frequency?bucket=quarter":             "(known: day, week, month)",
		"/api/v1/metrics/deployment-frequency?bucket=day&from=1970-01-01": "at most 4000",
		"/api/v1/metrics/deployment-frequency?from=1500-01-01":            "1900 to 2261",
		"/services?team=Paymnts":                                          `(did you mean "Payments"?)`,
		"/services?level=platinum":                                        "(known: gold, silver, bronze, none)",
		"/services?rule=test-path/raedme":                                 `(did you mean "test-path/readme"?)`,
		"/services?outcome=failed":                                        `(did you mean "fail"?)`,
		"/services?system=chekout":                                        `(did you mean "Checkout"?)`,
		"/services?depends_on=user-servce":                                `(did you mean "component:default/user-service"?)`,
		"/services?sort=name&dir=up":                                      "(known: asc, desc)",
		"/api/v1/services?per_page=0":                                     "from 1 to 1000",
		"/api/v1/grades?per_page=201":                                     "from 1 to 200",
		"/api/v1/events/changes?sort=took":                                "is not a column of this list",
		"/ledger?kind=deployments":                                        `(did you mean "deployment"?)`,
		"/time-to-first-deploy/subjects?sort=took":                        "is not a column of this list",
		"/scorecards?origin=own-ones":                                     "(known: built-in, own)",
		"/scorecards/test-path?stage=enforcd":                             `(did you mean "enforced"?)`,
		"/scorecards/test-path?level=platinum":                            "(known: bronze, silver, gold)",
		"/scorecards/others/services?level=gold":                          "(known: silver, bronze, none)",
		"/scorecards/test-path/rules/readme?team=Paymnts":                 `(did you mean "Payments"?)`,
		"/campaigns/silver?team=Paymnts":                                  `(did you mean "Payments"?)`,
		"/scorecards/test-path/rules/readme?sort=reason":                  "is not a column of this list",
		"/unmapped?provider=gihub":                                        `(did you mean "github"?)`,
	} {
		refuse(path, want)
	}
}

func TestKnownValuesWithoutRecordsAreNoError(t *testing.T) {
	f := sharedFixture(t)
	for _, path := range []string{
		"/events/incidents?source=gh", "/events/incidents?person=eve", "/events/deployments?service=orphan-service", "/events/deployments?team=team-ledger",
		"/events/deployments?service=unmapped:github/myorg/stranger", "/events/pipeline_runs?scope=myorg/user-service", "/events/deployments?scope=myorg/stranger",
		"/events/deployments?person=Ada", "/events/deployments?service=component:default/shared-library", "/events/changes?from=1970-01-01", "/events/changes?to=1970-01-01",
		"/services?team=team-payments", "/services?team=group:default/team-payments", "/services?team=none",
		"/campaigns/readmes?team=team-ledger", "/campaigns/readmes?team=Payments", "/api/v1/campaigns/readmes?team=group:team-ledger",
		"/services?system=checkout", "/time-to-first-deploy/subjects?team=team-ledger",
		"/ledger?kind=incident", "/ledger?kind=deployment,change", "/time-to-first-deploy/subjects?of=services&sort=took",
		"/events?service=payment-service", "/services?q=", "/events/deployments?service=&team=&status=",
	} {
		if status, _, body := f.get(t, path); status != http.StatusOK && status != http.StatusFound {
			t.Errorf("%s: status %d: %.500s", path, status, body)
		}
	}
}

// required is the query without which an address answers 400.
func required(address string) string {
	if strings.HasSuffix(address, "/gate") {
		return "?scorecard=test-path&level=silver"
	}
	if strings.HasSuffix(address, "/facts/latest") {
		return "?entity=component:default/payment-service&ids=catalog.has_owner"
	}
	return ""
}

// No time that is not known is written as the year 1.
func TestNoYearOne(t *testing.T) {
	for name, f := range map[string]*fixture{
		"some records": newFixture(t, testCatalog, testPeople+"frank,Frank,,,frank\n", testEvents()),
		"none":         newFixture(t, testCatalog, testPeople+"frank,Frank,,,frank\n", nil),
	} {
		for address, parameters := range addresses() {
			queries := []string{required(address)}
			if slices.Contains(parameters, "cohort") {
				queries = append(queries, "?cohort=team", "?of=services", "?of=services&cohort=team")
			}
			for _, query := range queries {
				status, header, body := f.get(t, address+query)
				want := http.StatusOK
				if name == "none" && strings.Contains(address, "/batches/") {
					want = http.StatusNotFound
				}
				if status != want {
					t.Errorf("%s: %s: status %d, want %d", name, address+query, status, want)
				}
				if strings.Contains(body, "0001-01-01") || strings.Contains(body, "1 Jan 0001") {
					t.Errorf("%s: %s has the year 1", name, address+query)
				}
				if header.Get("Content-Type") == "application/json" && !json.Valid([]byte(body)) {
					t.Errorf("%s: %s is not JSON", name, address+query)
				}
			}
		}
	}
}
