package runner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/collectors"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/store/storetest"
)

// Marks in a name that unscripted puts bytes in place of, which Go does not write into JSON.
const (
	brokenBytes = "⟦bytes⟧" // two bytes that are no UTF-8
	halfPair    = "⟦half⟧"  // an escape of half a surrogate pair
)

// names are what people, branches and environments are called somewhere, and what the views show of them.
var names = []struct{ sent, want string }{
	{"main", "main"},
	{"دفع/الخدمة-٢", "دفع/الخدمة-٢"},
	{"\u202eevil\u202c שלום", "\u202eevil\u202c שלום"},
	{"👩🏽‍🚀 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👩🏽‍🚀 🏴󠁧󠁢󠁳󠁣󠁴󠁿"},
	{"e\u0301\u0323\u0302 differs from ệ\u0301", "e\u0301\u0323\u0302 differs from ệ\u0301"},
	{"构建 ビルド 빌드 निर्माण", "构建 ビルド 빌드 निर्माण"},
	{"nul\x00in\x00it", "nul\x00in\x00it"},
	{"tab\tline\nbell\a\u2028end", "tab\tline\nbell\a\u2028end"},
	{`'; drop table x; -- \n \' "`, `'; drop table x; -- \n \' "`},
	{strings.Repeat("長", 80), strings.Repeat("長", 80)}, // longer ones are cut: event.MaxWord
	{"bytes " + brokenBytes + "!", "bytes \ufffd\ufffd!"},
	{"half " + halfPair + "!", "half \ufffd!"},
}

// unscripted is h with the marks replaced by what they stand for.
func unscripted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(rec.Code)
		body := bytes.ReplaceAll(rec.Body.Bytes(), []byte(brokenBytes), []byte("\xff\xfe"))
		_, _ = w.Write(bytes.ReplaceAll(body, []byte(halfPair), []byte(`\ud83d`)))
	})
}

type object = map[string]any

// documents answers paths with JSON documents; what is not there is an empty list.
func documents(answers func(path string) any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := answers(r.URL.Path)
		if answer == nil {
			answer = []any{}
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// list makes an object for each name.
func list(item func(i int, name string) any) []any {
	all := make([]any, len(names))
	for i, n := range names {
		all[i] = item(i, n.sent)
	}
	return all
}

func stamp(i int) string {
	return now.Add(-time.Duration(i+1) * time.Hour).Format("2006-01-02T15:04:05.000Z")
}

func namesAtGitHub(t *testing.T) http.Handler {
	s := githubtest.New(t)
	repo := &githubtest.Repo{Files: []string{"README.md"}}
	for i, n := range names {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		repo.Runs = append(
			repo.Runs,
			githubtest.Run{
				ID:         int64(5000 - i),
				Attempt:    1,
				Name:       n.sent,
				Branch:     n.sent,
				Event:      "push",
				Status:     "completed",
				Conclusion: "success",
				Actor:      n.sent,
				Created:    at,
				Updated:    at,
				Jobs: []githubtest.Job{
					{
						ID:         int64(i + 1),
						Attempt:    1,
						Name:       n.sent,
						Status:     "completed",
						Conclusion: "success",
						Started:    at,
						Completed:  at,
					},
				},
			},
		)
		repo.Deployments = append(
			repo.Deployments,
			githubtest.Deployment{
				ID:          int64(9000 - i),
				Environment: n.sent,
				SHA:         "abc",
				Ref:         n.sent,
				Creator:     n.sent,
				Created:     at,
				Statuses:    []githubtest.Status{{State: "SUCCESS", At: at}},
			},
		)
		repo.Pulls = append(
			repo.Pulls,
			githubtest.Pull{Number: 500 - i, Title: n.sent, Author: n.sent, Created: at, Updated: at, Closed: at, Merged: at},
		)
	}
	s.Repos["acme/shop"] = repo
	return s.Config.Handler
}

func namesAtJenkins() http.Handler {
	builds := list(func(i int, name string) any {
		return object{
			"number":    len(names) - i,
			"timestamp": now.Add(-time.Duration(i+1) * time.Hour).UnixMilli(),
			"duration":  1000,
			"result":    "SUCCESS",
			"building":  false,
			"actions": []any{
				object{"causes": []any{object{"_class": "hudson.model.Cause$UserIdCause", "userId": name}}},
				object{"parameters": []any{object{"name": "ENV", "value": name}}},
			},
		}
	})
	job := object{
		"_class":     "hudson.model.FreeStyleProject",
		"name":       "نشر 🚀",
		"lastBuild":  builds[0],
		"firstBuild": builds[len(builds)-1],
		"allBuilds":  builds,
		"builds":     builds,
	}
	return documents(func(path string) any {
		if strings.Contains(path, "/job/") {
			return job
		}
		return object{"_class": "hudson.model.Hudson", "jobs": []any{job}}
	})
}

func namesAtCircleCI() http.Handler {
	return documents(func(path string) any {
		items := []any{}
		id := path[strings.LastIndex(path[:strings.LastIndex(path, "/")], "/")+1 : strings.LastIndex(path, "/")]
		var n int
		_, _ = fmt.Sscanf(strings.TrimLeft(id, "pw"), "%d", &n)
		times := object{
			"id":         fmt.Sprint("j", n),
			"status":     "success",
			"created_at": stamp(n),
			"started_at": stamp(n),
			"stopped_at": stamp(n),
			"name":       names[n%len(names)].sent,
		}
		switch {
		case strings.HasSuffix(path, "/pipeline"):
			items = list(func(i int, name string) any {
				return object{
					"id":         fmt.Sprint("p", i),
					"number":     len(names) - i,
					"state":      "created",
					"created_at": stamp(i),
					"trigger": object{
						"type":  "webhook",
						"actor": object{"login": name},
					},
					"vcs": object{"branch": name, "revision": "abc"},
				}
			})
		case strings.HasSuffix(path, "/workflow"):
			times["id"] = fmt.Sprint("w", n)
			items = []any{times}
		case strings.HasSuffix(path, "/job"):
			items = []any{times}
		}
		return object{"items": items, "next_page_token": nil}
	})
}

func namesAtGitLab() http.Handler {
	at := func(i int) object {
		return object{
			"status":      "success",
			"created_at":  stamp(i),
			"updated_at":  stamp(i),
			"started_at":  stamp(i),
			"finished_at": stamp(i),
			"sha":         "abc",
		}
	}
	with := func(o object, more object) object {
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	return documents(func(path string) any {
		switch path[strings.LastIndex(path, "/")+1:] {
		case "7":
			return object{"id": 7, "path_with_namespace": "acme/shop", "default_branch": "main"}
		case "main": // the branch
			return object{"name": "main", "commit": object{"id": "abc"}}
		case "approvals":
			return object{"approvals_before_merge": 0}
		case "pipelines":
			return list(func(i int, name string) any {
				return with(at(i), object{"id": 500 - i, "iid": 500 - i, "ref": name, "name": name, "source": "push"})
			})
		case "jobs":
			return list(func(i int, name string) any {
				return with(
					at(i),
					object{
						"id":       9000 - i,
						"name":     name,
						"ref":      name,
						"user":     object{"username": name},
						"pipeline": with(at(i), object{"id": 500 - i, "iid": 500 - i, "ref": name, "source": "push"}),
					},
				)
			})
		case "merge_requests":
			return list(func(i int, name string) any {
				return with(
					at(i),
					object{
						"id":        700 - i,
						"iid":       70 - i,
						"title":     name,
						"state":     "merged",
						"merged_at": stamp(i),
						"author":    object{"username": name},
					},
				)
			})
		case "deployments":
			return list(func(i int, name string) any {
				return with(
					at(i),
					object{
						"id":          300 - i,
						"iid":         300 - i,
						"ref":         name,
						"user":        object{"username": name},
						"environment": object{"id": i, "name": name},
					},
				)
			})
		}
		return nil
	})
}

func namesAtPagerDuty() http.Handler {
	return documents(func(path string) any {
		if path != "/incidents" {
			return object{"log_entries": []any{}}
		}
		return object{"more": false, "total": len(names), "incidents": list(func(i int, name string) any {
			return object{
				"id":                    fmt.Sprint("Q", i),
				"incident_number":       100 - i,
				"status":                "resolved",
				"service":               object{"id": "PSHOP01"},
				"priority":              object{"summary": name},
				"created_at":            stamp(i),
				"resolved_at":           stamp(i),
				"last_status_change_at": stamp(i),
			}
		})}
	})
}

// TestNamesInAnyScript follows names from a source's answers to the public views: each comes out as it went in, but for
// what is no text, which is replaced as Unicode has it. Not one record is lost for its name.
func TestNamesInAnyScript(t *testing.T) {
	for _, tc := range []struct {
		kind, config string
		source       http.Handler
		shown        []string // column of view
	}{
		{"github", `repositories: [acme/shop]`, namesAtGitHub(t), []string{"branch pipeline_runs", "pipeline pipeline_runs", "actor pipeline_runs", "name pipeline_jobs", "environment deployments", "ref deployments", "author changes"}},
		{"jenkins", `deployments: [{environment_parameter: ENV}]`, namesAtJenkins(), []string{"actor pipeline_runs", "environment deployments"}},
		{"circleci", `projects: [gh/acme/shop]`, namesAtCircleCI(), []string{"branch pipeline_runs", "pipeline pipeline_runs", "actor pipeline_runs", "name pipeline_jobs"}},
		{"gitlab", `projects: ["7"]`, namesAtGitLab(), []string{"branch pipeline_runs", "name pipeline_jobs", "author changes", "environment deployments", "actor deployments"}},
		{"pagerduty", `services: [PSHOP01]`, namesAtPagerDuty(), []string{"severity incidents"}},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			srv := httptest.NewServer(unscripted(tc.source))
			t.Cleanup(srv.Close)
			var src collectors.SourceConfig
			text := fmt.Sprintf("{name: src, kind: %s, url: %q, token: x, %s}", tc.kind, srv.URL, tc.config)
			if tc.kind == "jenkins" {
				text = strings.Replace(text, "token: x", "user: u, token: x", 1)
			}
			if err := yaml.Unmarshal([]byte(text), &src); err != nil {
				t.Fatal(err)
			}
			db := storetest.Open(t)
			for range 2 {
				if _, err := run(t, db, runner.Options{}, runner.RunOptions{}, src); err != nil {
					t.Fatal(err)
				}
			}
			for _, shown := range tc.shown {
				column, view, _ := strings.Cut(shown, " ")
				var rows []struct {
					Name string `ch:"name"`
				}
				sql := "SELECT " + column + " AS name FROM " + view + " WHERE source = {source:String} ORDER BY created_at DESC"
				if view == "incidents" {
					sql = strings.Replace(sql, "created_at", "opened_at", 1)
				}
				if err := db.Select(t.Context(), &rows, sql, map[string]any{"source": "src"}); err != nil {
					t.Fatal(err)
				}
				var got, want []string
				for _, r := range rows {
					got = append(got, r.Name)
				}
				for _, n := range names {
					want = append(want, n.want)
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf(
						"%s: %d rows, want %d; differs: %.300q",
						shown,
						len(got),
						len(want),
						slices.DeleteFunc(got, func(s string) bool { return slices.Contains(want, s) }),
					)
				}
			}
		})
	}
}
