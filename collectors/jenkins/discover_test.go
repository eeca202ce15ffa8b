package jenkins

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/event"

	"github.com/dxctl/dxctl/collectors/rest"
)

func TestJobsAreFoundFromTheRoot(t *testing.T) {
	org := &item{
		class: "jenkins.branch.OrganizationFolder",
		name:  "org",
		jobs:  []*item{multibranch("svc", freestyle("main", until(2)...))},
	}
	odd := &item{class: "com.example.Shelf", name: "shelf", jobs: []*item{freestyle("in the shelf", until(1)...)}}
	f := start(
		t,
		freestyle("plain", until(1)...),
		folder("empty"),
		folder("a", folder("b", folder("c", folder("d", freestyle("deep", until(1)...), org, odd)))),
		folder(
			"команда",
			freestyle("サービス", until(3)...),
			multibranch("shop", freestyle("feature%2Füber%23x", until(2)...), freestyle("PR-7", until(1)...)),
		),
	)
	m := newMemories()
	scopes := f.collect(t, m, now, nil)
	want := []string{
		"a/b/c/d/deep",
		"a/b/c/d/org/svc",
		"a/b/c/d/shelf/in the shelf",
		"plain",
		"команда/shop",
		"команда/サービス",
	}
	if !slices.Equal(scopes, want) {
		t.Errorf("found %q, want %q", scopes, want)
	}
	for scope, runs := range map[string]int{"plain": 1, "a/b/c/d/deep": 1, "a/b/c/d/org/svc": 2, "a/b/c/d/shelf/in the shelf": 1, "команда/サービス": 3, "команда/shop": 3} {
		if n := m.of(scope).Number(event.KindPipelineRun); n != runs {
			t.Errorf("%s: %d runs, want %d", scope, n, runs)
		}
	}
	if r := m.of("команда/shop").Run("feature/über#x#2"); r.Branch != "feature/über#x" || r.Pipeline != "команда/shop" {
		t.Errorf("%+v", r)
	}
}

func TestProjectsAndExclude(t *testing.T) {
	f := start(
		t,
		freestyle("plain"),
		folder("a", freestyle("x"), freestyle("deploy-x"), folder("old", freestyle("y"))),
		folder("b", freestyle("x")),
		multibranch("mb", freestyle("main")),
	)
	for _, tc := range []struct {
		name              string
		projects, exclude []string
		want              []string
	}{
		{"all", nil, nil, []string{"a/deploy-x", "a/old/y", "a/x", "b/x", "mb", "plain"}},
		{"a folder", []string{"a"}, nil, []string{"a/deploy-x", "a/old/y", "a/x"}},
		{"a job and a glob", []string{"plain", "*/x"}, nil, []string{"a/x", "b/x", "plain"}},
		{"without a folder", nil, []string{"a/old", "m*"}, []string{"a/deploy-x", "a/x", "b/x", "plain"}},
		{"any depth", []string{"**/y", "mb"}, nil, []string{"a/old/y", "mb"}},
		{"an address", []string{"https://jenkins.example.com/job/a/job/x/12/console", "mb"}, nil, []string{"a/x", "mb"}},
		{"without an address", nil, []string{"https://jenkins.example.com/job/a/job/old/", "m*"}, []string{"a/deploy-x", "a/x", "b/x", "plain"}},
		{"no such", []string{"zzz"}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := f.collector(t, now, func(c *Config) { c.Projects, c.Exclude = tc.projects, tc.exclude })
			got, err := c.Scopes(t.Context(), collecttest.NewWriter())
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("found %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestAFolderThatCannotBeListedKeepsItsJobs(t *testing.T) {
	f := start(t, freestyle("plain", until(1)...), folder("a", folder("b", freestyle("x", until(2)...))))
	m := newMemories()
	f.collect(t, m, now, nil)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/job/a/job/b/api") {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}
	scopes, err := m.collect(t.Context(), f.collector(t, now.Add(2*time.Hour), nil))
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "1 folder could not be read") ||
		!strings.Contains(err.Error(), "a/b (GET job/a/job/b") ||
		!slices.Equal(scopes, []string{"a/b/x", "plain"}) {
		t.Errorf("found %q, %v", scopes, err)
	}
	if fresh, err := f.collector(t, now, nil).
		Scopes(t.Context(), collecttest.NewWriter()); !rest.OnlySkipped(err) ||
		!slices.Equal(fresh, []string{"plain"}) {
		t.Errorf("without having known it before: %q, %v", fresh, err)
	}
}

func TestNewJobsAndBranchesAreFound(t *testing.T) {
	api := multibranch("api", freestyle("main", until(2)...))
	f := start(t, folder("a", api))
	m := newMemories()
	f.collect(t, m, now, nil)
	f.change(func() {
		api.jobs = append(api.jobs, freestyle("feature", until(1)...))
		f.root.jobs = append(f.root.jobs, freestyle("new", until(1)...))
	})
	scopes := f.collect(t, m, now.Add(relist+time.Minute), nil)
	if !slices.Equal(scopes, []string{"a/api", "new"}) || m.of("a/api").Run("feature#1").ID == "" ||
		m.of("new").Number(event.KindPipelineRun) != 1 {
		t.Errorf("found %q, %s", scopes, m.of("a/api").Text())
	}
}

func TestTheRootMustAnswer(t *testing.T) {
	for _, tc := range []struct {
		status int
		want   []string
	}{
		{401, []string{"API token", "Security page"}},
		{403, []string{"Overall/Read"}},
		{404, []string{"does not exist"}},
	} {
		t.Run(fmt.Sprint(tc.status), func(t *testing.T) {
			f := start(t)
			f.before = func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(tc.status)
				return true
			}
			c := f.collector(t, now, nil)
			_, err := c.Scopes(t.Context(), collecttest.NewWriter())
			check := c.Check(t.Context())
			for _, e := range []error{err, check} {
				for _, w := range tc.want {
					if e == nil || !strings.Contains(e.Error(), w) {
						t.Errorf("error %v does not say %q", e, w)
					}
				}
			}
		})
	}
	f := start(t)
	if err := f.collector(t, now, nil).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "Job/Read") {
		t.Errorf("a Jenkins that shows no job: %v", err)
	}
	f.change(func() { f.root.jobs = append(f.root.jobs, freestyle("x")) })
	if err := f.collector(t, now, nil).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAScopeThatWasNotListedIsAskedAbout(t *testing.T) {
	f := start(t, folder("a", multibranch("api", freestyle("main", until(2)...)), freestyle("x", until(3)...)))
	for scope, want := range map[string]int{"a/api": 2, "a/x": 3} {
		m := collecttest.NewWriter()
		if err := f.collector(t, now, nil).
			Collect(t.Context(), scope, m); err != nil ||
			m.Number(event.KindPipelineRun) != want {
			t.Errorf("%s: %d runs, %v", scope, m.Number(event.KindPipelineRun), err)
		}
	}
	if err := f.collector(t, now, nil).
		Collect(t.Context(), "a", collecttest.NewWriter()); err == nil ||
		!strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestWithoutAListingOneSmallQuestionTellsThatNothingIsNew(t *testing.T) {
	f := start(t, freestyle("x", until(300)...))
	m := collecttest.NewWriter()
	for i, want := range []int{1 + 2, 1} {
		if err := f.collector(t, now.Add(time.Duration(i)*time.Minute), nil).Collect(t.Context(), "x", m); err != nil {
			t.Fatal(err)
		}
		if asked := f.asked(); len(asked) != want {
			t.Errorf("pass %d: %s", i, strings.Join(asked, "\n"))
		}
	}
}

func TestAProjectThatNoJobHasIsTold(t *testing.T) {
	f := start(t, folder("team", freestyle("shop", until(1)...)), multibranch("old"))
	var log bytes.Buffer
	c := f.collector(
		t,
		now,
		func(c *Config) { c.Projects, c.Exclude = []string{"team/*", "teem/**"}, []string{"old", "archiv"} },
	)
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	for range 2 {
		if _, err := c.Scopes(t.Context(), collecttest.NewWriter()); err != nil {
			t.Fatal(err)
		}
	}
	text := log.String()
	if strings.Count(text, "no job matches") != 2 || !strings.Contains(text, "key=projects pattern=teem/**") ||
		!strings.Contains(text, "key=exclude pattern=archiv") {
		t.Errorf("logged %s", text)
	}
}
