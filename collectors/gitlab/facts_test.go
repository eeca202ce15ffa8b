package gitlab

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"
)

// fact returns a fact of a service, "" the project, by the end of its name.
func fact(m *collecttest.Writer, service, name string) string {
	key := "repository." + name
	if service != "" {
		key = service + " " + key
	}
	f, ok := collecttest.Stored[event.Fact](m)[key]
	switch {
	case !ok:
		return "none"
	case f.Error != "":
		return "unknown: " + f.Error
	}
	return string(f.Value)
}

// facts compares facts, given as "name=value" or "name=unknown: the beginning of the reason".
func facts(t *testing.T, m *collecttest.Writer, service string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		name, want, _ := strings.Cut(want, "=")
		if got := fact(m, service, name); got != want && (!strings.HasPrefix(want, "unknown: ") || !strings.HasPrefix(got, want)) {
			t.Errorf("%s of %q is %s, want %s", name, service, got, want)
		}
	}
}

// files returns how many of the requests are about files.
func files(requests []string) int {
	return containing(requests, "/repository/") + containing(requests, "graphql")
}

func TestFilesOfAProject(t *testing.T) {
	const pay, cart = "component:default/pay", "component:default/cart"
	f, m := start(t), collecttest.NewWriter()
	f.files = map[string]string{
		"README.md":                "# Shop\n",
		".gitlab-ci.yml":           "test:\n  script: [go test ./...]\n  rules: [{if: $CI_PIPELINE_SOURCE == \"merge_request_event\"}]\n",
		"services/pay/Dockerfile":  "FROM alpine\n",
		"services/pay/main.go":     "package main\n",
		"services/cart/Dockerfile": "FROM alpine:3.20\nUSER 1000\n",
		"services/cart/a.py":       "print()\n",
		"services/cart/LICENSE":    "\x00",
	}
	m.RepositoryReader = collecttest.Bound{Services: collecttest.Services{pay: {"services/pay"}, cart: {"services/cart"}}}
	f.collect(t, m, now, nil)
	requests, _ := f.asked()
	if n := files(requests); n != 3 { // branch, tree, contents
		t.Errorf("%d requests for files: %s", n, strings.Join(requests, "\n"))
	}
	facts(t, m, pay, `language="Go"`, `ci.systems=["gitlab-ci"]`, "files.readme=true", `provider="gitlab"`, "archived=false",
		`containers.latest_bases=["services/pay/Dockerfile:1: the base image alpine has no version"]`)
	facts(t, m, cart, `language="Python"`, "containers.latest_bases=[]", "license=unknown: services/cart/LICENSE: it cannot be "+
		"opened: it is binary", `default_branch="main"`)
	step := func(what string, at time.Duration, want int) {
		t.Helper()
		f.collect(t, m, now.Add(at), nil)
		requests, _ := f.asked()
		if n := files(requests); n != want {
			t.Errorf("%s: %d requests for files: %s", what, n, strings.Join(requests, "\n"))
		}
	}
	step("unchanged", time.Hour, 1)
	f.change(func() { f.files["services/pay/main.go"] = "package main // changed\n" })
	step("a file that nothing depends on", 2*time.Hour, 2)
	f.change(func() { f.files["services/pay/Dockerfile"] = "FROM alpine:3.20\n" })
	step("a Dockerfile", 3*time.Hour, 3)
	facts(t, m, pay, "containers.latest_bases=[]")
	for i := range 450 {
		f.files[fmt.Sprintf("src/%03d.go", i)] = "package src\n"
	}
	step("a project of 457 files", 4*time.Hour, 1+5+1)
	if err := f.collector(t, now.Add(5*time.Hour), nil).Retract(t.Context(), scope, m); err != nil {
		t.Fatal(err)
	}
	facts(t, m, pay, "language=unknown: gl no longer lists acme/shop", "settings.public=unknown: gl no longer lists acme/shop")
}

// TestALargeProjectIsListedWhereItChanged: a commit in one or two directories of a project of 5,000 files costs at
// most 8 requests, and shows the same facts as listing all of them.
func TestALargeProjectIsListedWhereItChanged(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	fill(f.files)
	collect := func(w *collecttest.Writer, at time.Duration) []string {
		t.Helper()
		f.collect(t, w, now.Add(at), nil)
		requests, _ := f.asked()
		return requests
	}
	first := collect(m, 0)
	if n := containing(first, "/tree?"); n != 56 { // 5,000 files, 550 directories, and the file at the root
		t.Errorf("%d requests list everything", n)
	}
	for i, step := range []struct {
		name   string
		change func()
		most   int // requests about files
	}{
		{"nothing", func() {}, 1},
		{"a file of no concern", func() { f.files["d07/s3/f5.txt"] = "other" }, 4},
		{"a Dockerfile", func() { f.files["d08/s4/Dockerfile"] = "FROM alpine\n" }, 5},
		{"files in two directories", func() {
			f.files["d09/s1/f1.go"] = "package x // 1\n"
			delete(f.files, "d10/s1/f1.txt")
		}, 7},
		{"files in ten directories", func() {
			for d := range 10 {
				f.files[fmt.Sprintf("d%02d/s2/f2.go", 20+d)] = "package x // 2\n"
			}
		}, 1 + 1 + 10*2},
		{"a new directory", func() {
			for n := range 250 {
				f.files[fmt.Sprintf("new/x/%03d.py", n)] = "pass\n"
			}
		}, 6},
		{"a directory less", func() {
			for name := range f.files {
				if strings.HasPrefix(name, "new/") {
					delete(f.files, name)
				}
			}
		}, 3},
		{"a change of everything", func() {
			for name := range f.files {
				f.files[name] += "\n"
			}
		}, 1 + 28 + 56 + 1},
	} {
		f.change(step.change)
		requests := collect(m, time.Duration(i+1)*time.Hour)
		if n := files(requests); n > step.most {
			t.Errorf("%s: %d requests for files: %s", step.name, n, strings.Join(requests, "\n"))
		}
		fresh := collecttest.NewWriter()
		collect(fresh, time.Duration(i+1)*time.Hour)
		values := func(w *collecttest.Writer) map[string]string {
			all := map[string]string{}
			for name, fact := range collecttest.Stored[event.Fact](w) {
				all[name] = string(fact.Value) + fact.Error
			}
			return all
		}
		if diff := cmp.Diff(values(fresh), values(m)); diff != "" {
			t.Errorf("%s: (-everything listed +only what changed)\n%s", step.name, diff)
		}
	}
}

// fill adds 5,000 files, ten in each of 500 directories in 50 others.
func fill(files map[string]string) {
	for d := range 50 {
		for s := range 10 {
			for n := range 10 {
				name := fmt.Sprintf("d%02d/s%d/f%d.%s", d, s, n, []string{"go", "txt"}[n%2])
				files[name] = "package x\n"
			}
		}
	}
}

func TestFilesThatAreNotShown(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.files["Dockerfile"] = "FROM alpine\n"
	// A server may bound the complexity of a query, or its size.
	f.graphQL = func(paths []string) any {
		if len(paths) > 1 {
			return object{"errors": []object{{"message": "Query has complexity of 300, which exceeds max complexity of 250"}}}
		}
		return object{"data": object{"project": nil}}
	}
	f.collect(t, m, now, nil)
	facts(t, m, "", "containers.count=1", `containers.latest_bases=["Dockerfile:1: the base image alpine has no version"]`)
	// A file at which GitLab fails is unknown, and read again.
	f, m = start(t), collecttest.NewWriter()
	f.files["Dockerfile"] = "FROM alpine\n"
	fails := func(w http.ResponseWriter, r *http.Request) bool {
		bad := r.URL.Path == "/api/graphql" || strings.Contains(r.URL.Path, "/blobs/")
		if bad {
			refuse(w, 500, "Internal Server Error")
		}
		return bad
	}
	f.before = fails
	if err := f.collector(t, now, nil).Collect(t.Context(), scope, m); err == nil || !strings.Contains(err.Error(), "Dockerfile") {
		t.Errorf("%v", err)
	}
	facts(t, m, "", "containers.latest_bases=unknown: Dockerfile: Dockerfile: it cannot be opened: GitLab fails to show it", "files.readme=true")
	f.change(func() { f.before = nil })
	f.collect(t, m, now.Add(time.Hour), nil)
	facts(t, m, "", `containers.latest_bases=["Dockerfile:1: the base image alpine has no version"]`)
	// The token may not read files.
	f, m = start(t), collecttest.NewWriter()
	f.settings = map[string]any{"repository/branches/main": 403}
	f.collect(t, m, now, nil)
	facts(t, m, "", "files.readme=unknown: gl does not show the files of branch main", `provider="gitlab"`)
	f.asked()
	f.collect(t, m, now.Add(time.Hour), nil)
	if requests, _ := f.asked(); files(requests) != 0 {
		t.Errorf("a refusal counts for a day: %s", strings.Join(requests, "\n"))
	}
	// A project without a commit has no file.
	f, m = start(t), collecttest.NewWriter()
	f.project["default_branch"] = nil
	f.collect(t, m, now, nil)
	facts(t, m, "", "files.readme=false", "default_branch=unknown: gl gave no default branch")
}

func TestSettingsOfAProject(t *testing.T) {
	level := func(n int) object { return object{"access_level": n, "access_level_description": "x"} }
	person := object{"access_level": 40, "user_id": 3, "access_level_description": "Anna"}
	full := func() map[string]any {
		return map[string]any{
			"protected_branches": []object{{"id": int64(1), "name": "ma*", "push_access_levels": []object{level(0)}, "allow_force_push": false}},
			"approvals":          object{"id": int64(1), "reset_approvals_on_push": true, "approvals_before_merge": 0},
			"approval_rules": []object{{"id": int64(1), "approvals_required": 2}, {"id": int64(2), "approvals_required": 5,
				"protected_branches": []object{{"name": "release"}}}},
			"environments": []object{{"id": int64(1), "name": "production"}, {"id": int64(2), "name": "review/1"}},
			"protected_environments": []object{{"name": "production", "required_approval_count": 0,
				"approval_rules": []object{{"required_approvals": 1}, {"required_approvals": 2}}}},
		}
	}
	record := object{"visibility": "public", "remove_source_branch_after_merge": true, "only_allow_merge_if_pipeline_succeeds": true,
		"ci_push_repository_for_job_token_allowed": false, "secret_push_protection_enabled": true, "allow_pipeline_trigger_approve_deployment": false}
	for name, tc := range map[string]struct {
		change func(project object, settings map[string]any)
		want   []string
	}{
		"everything": {func(object, map[string]any) {}, []string{
			"pull_request_required=true", "force_push_blocked=true", "deletion_blocked=true", "stale_approvals_dismissed=true",
			"required_approvals=2", `required_checks=["pipeline"]`, "required_checks_without_runs=[]", "bypass_actors=[]",
			"workflow_token_read_only=true", "push_protection=true", "delete_branch_on_merge=true", "public=true",
			`production_environments=["production"]`, "production_protected=true", "production_reviewers=3",
			"production_self_review_prevented=true", "secret_scanning=unknown: GitLab has no setting for it",
			"private_vulnerability_reporting=unknown: GitLab has no private vulnerability reporting",
		}},
		"maintainers push": {func(_ object, s map[string]any) {
			s["protected_branches"] = []object{{"id": int64(1), "name": "main", "push_access_levels": []object{level(40)}, "allow_force_push": true}}
		}, []string{"pull_request_required=false", "force_push_blocked=false"}},
		"a person pushes": {func(_ object, s map[string]any) {
			s["protected_branches"] = []object{{"id": int64(1), "name": "main", "push_access_levels": []object{person}}}
		}, []string{"pull_request_required=true", `bypass_actors=["Anna can push to main"]`}},
		"of two rules the one that admits more": {func(_ object, s map[string]any) {
			s["protected_branches"] = append(s["protected_branches"].([]object),
				object{"id": int64(2), "name": "main", "push_access_levels": []object{level(30)}})
		}, []string{"pull_request_required=false", "force_push_blocked=true"}},
		"not protected": {func(_ object, s map[string]any) { s["protected_branches"] = []object{} },
			[]string{"pull_request_required=false", "force_push_blocked=false", "deletion_blocked=true"}},
		"no rights, and no plan": {func(p object, s map[string]any) {
			s["protected_branches"], s["approvals"], s["approval_rules"], s["protected_environments"] = 403, 403, 404, 404
			delete(p, "secret_push_protection_enabled")
			delete(p, "ci_push_repository_for_job_token_allowed")
		}, []string{
			"pull_request_required=unknown: GitLab does not show protected branches (GET /projects/7/protected_branches: 403); the " +
				"token needs the role Maintainer in the project",
			"required_approvals=unknown: GitLab does not show approval rules (GET /projects/7/approval_rules: 404)",
			"stale_approvals_dismissed=unknown: ", "production_protected=unknown: GitLab does not show protected environments",
			`production_environments=["production"]`, "push_protection=unknown: GitLab does not show it; the group needs a plan",
			"workflow_token_read_only=unknown: this version of GitLab",
		}},
		"no production": {func(_ object, s map[string]any) { s["environments"] = []object{} }, []string{
			"production_environments=[]", "production_protected=unknown: the project has no environment named production",
		}},
		"production is not protected": {func(_ object, s map[string]any) { s["protected_environments"] = []object{} }, []string{
			"production_protected=false", "production_reviewers=0", "production_self_review_prevented=false",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f, m := start(t), collecttest.NewWriter()
			for k, v := range record {
				f.project[k] = v
			}
			f.settings = full()
			tc.change(f.project, f.settings)
			f.collect(t, m, now, nil)
			wants := make([]string, len(tc.want))
			for i, want := range tc.want {
				wants[i] = "settings." + want
			}
			facts(t, m, "", wants...)
			f.asked()
			f.collect(t, m, now.Add(time.Hour), nil)
			if requests, _ := f.asked(); containing(requests, "approval") != 0 {
				t.Errorf("asked again within a day: %s", strings.Join(requests, "\n"))
			}
		})
	}
}
