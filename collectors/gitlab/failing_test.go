package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

func TestOneObjectThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	const all = "261 runs, 491 jobs, 140 changes, 140 deployments"
	for _, c := range []struct {
		name   string
		poison func(path string, o object) bool
		stored string
		kind   event.Kind
		gap    uint64
		want   string
	}{
		{"a pipeline of the newest page", func(path string, o object) bool { return strings.HasSuffix(path, "/pipelines") && o.id() == nth(20) },
			"260 runs, 491 jobs, 140 changes, 140 deployments", event.KindPipelineRun, 1, "pipelines behind"},
		{"a pipeline of an older page", func(path string, o object) bool { return strings.HasSuffix(path, "/pipelines") && o.id() == nth(150) },
			"260 runs, 491 jobs, 140 changes, 140 deployments", event.KindPipelineRun, 1, "pipelines behind"},
		{"a job, wherever it is listed", func(path string, o object) bool { return strings.HasSuffix(path, "/jobs") && o.id() == nth(150)*10 },
			"261 runs, 489 jobs, 140 changes, 140 deployments", event.KindPipelineJob, 1, "jobs of pipeline 98500"},
		{"the listing of all jobs", func(path string, o object) bool {
			return strings.HasSuffix(path, "projects/7/jobs") && o.id() == nth(150)*10
		},
			all, event.KindPipelineJob, 0, ""},
		{"a merge request", func(path string, o object) bool { return strings.HasSuffix(path, "/merge_requests") && o.id() == 4877 },
			"261 runs, 491 jobs, 139 changes, 140 deployments", event.KindChange, 1, "changes behind"},
		{"a deployment", func(path string, o object) bool { return strings.HasSuffix(path, "/deployments") && o.id() == 2950 },
			"261 runs, 491 jobs, 140 changes, 139 deployments", event.KindDeployment, 1, "deployments behind"},
		{"an environment", func(path string, _ object) bool { return strings.HasSuffix(path, "/environments") },
			all, event.KindDeployment, 0, "the list of environments"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, m := everything(t), collecttest.NewWriter()
			f.poison = c.poison
			for i := range 3 {
				err := f.try(t, m, now.Add(time.Duration(i)*time.Minute), nil)
				if c.want == "" && err != nil ||
					c.want != "" && (!rest.OnlySkipped(err) || !strings.Contains(err.Error(), c.want)) {
					t.Fatalf("pass %d: error %v, want %q", i, err, c.want)
				}
			}
			if got := counts(m); got != c.stored {
				t.Errorf("stored %s, want %s", got, c.stored)
			}
			if l := m.Ledger(c.kind); l.Gap() != c.gap || c.gap > 0 && l.Note == "" {
				t.Errorf("ledger %+v, want a gap of %d", l, c.gap)
			}
			f.change(func() { f.poison = nil })
			for i := range 2 {
				f.collect(t, m, now.Add(time.Duration(10+i)*time.Minute), nil)
			}
			if got := counts(m); got != all || m.Ledger(c.kind).Gap() != 0 {
				t.Errorf("it is readable again: %s, gap %d", got, m.Ledger(c.kind).Gap())
			}
			for _, stream := range []string{pipelinesStream, changesStream, deploymentsStream} {
				var s listing.State
				doc, _ := m.State(stream)
				if err := json.Unmarshal(doc, &s); err != nil || s.Failed.Len()+len(s.Holes) > 0 {
					t.Errorf("the checkpoint of %s still has %v %v", stream, s.Failed.Keys(), s.Holes)
				}
			}
		})
	}
}

func TestAPipelineThatFailsWhenItIsUpdatedIsReadLater(t *testing.T) {
	f, m := start(t), collecttest.NewWriter()
	f.history(150)
	f.collect(t, m, now, nil)
	f.change(func() {
		for _, i := range []int{120, 130, 140} { // none of them on the newest page
			p := f.find("pipelines", nth(i))
			p["status"], p["updated_at"] = "failed", stampText(now.Add(time.Duration(200-i)*time.Second))
		}
		f.poison = func(path string, o object) bool { return strings.HasSuffix(path, "/pipelines") && o.id() == nth(130) }
	})
	later := now.Add(25 * time.Hour)
	for range 2 {
		if err := f.try(t, m, later, nil); !rest.OnlySkipped(err) {
			t.Fatal(err)
		}
	}
	status := func(i int) event.Status { return m.Run(fmt.Sprint(nth(i))).Status }
	if status(120) != event.Failed || status(130) != event.Succeeded || status(140) != event.Failed {
		t.Errorf("the neighbors: %s %s %s", status(120), status(130), status(140))
	}
	f.change(func() { f.poison = nil })
	for i := range 2 {
		f.collect(t, m, later.Add(time.Duration(i)*25*time.Hour), nil)
	}
	if status(130) != event.Failed {
		t.Errorf("readable again, and stored as %s", status(130))
	}
}

func TestOneProjectThatAlwaysFailsDoesNotHoldUpTheOthers(t *testing.T) {
	for status, message := range map[int]string{500: "500 Internal Server Error", 404: "404 Project Not Found", 403: "403 Forbidden"} {
		f, m := start(t), collecttest.NewWriter()
		f.group = []object{
			f.project,
			{"id": int64(8), "path_with_namespace": "acme/cart"},
			{"id": int64(9), "path_with_namespace": "acme/pay"},
		}
		f.before = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.EscapedPath(), "/projects/other%2Fgone") {
				refuse(w, status, message)
				return true
			}
			return false
		}
		f.poison = func(path string, o object) bool { return strings.Contains(path, "groups/") && o.id() == 8 }
		tune := func(c *Config) { c.Projects, c.Groups = []string{"other/gone", scope}, []string{"acme"} }
		for range 2 {
			scopes, err := f.collector(t, now, tune).Scopes(t.Context(), m)
			if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "other/gone") ||
				!strings.Contains(err.Error(), "at place 2 of group acme") ||
				fmt.Sprint(scopes) != "[acme/shop acme/pay]" {
				t.Errorf("%d: %v, %v", status, scopes, err)
			}
		}
		f.poison = nil
		if scopes, err := f.collector(t, now, tune).
			Scopes(t.Context(), m); !rest.OnlySkipped(err) ||
			fmt.Sprint(scopes) != "[acme/shop acme/cart acme/pay]" {
			t.Errorf("%d: %v, %v", status, scopes, err)
		}
	}
}

func TestAnOutageIsNotABadObject(t *testing.T) {
	for name, c := range map[string]struct {
		bad    func(path string) bool
		status int
	}{
		"everything fails":     {func(string) bool { return true }, 500},
		"the token is refused": {func(string) bool { return true }, 401},
		"pipelines and all of it": {func(path string) bool {
			return strings.Contains(path, "/pipelines") || strings.HasSuffix(path, "/jobs")
		}, 503},
		"jobs of all pipelines": {func(path string) bool { return strings.HasSuffix(path, "/jobs") }, 500},
	} {
		t.Run(name, func(t *testing.T) {
			f, m := everything(t), collecttest.NewWriter()
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if c.bad(r.URL.Path) {
					refuse(w, c.status, "no")
				}
				return c.bad(r.URL.Path)
			}
			if err := f.try(t, m, now, nil); err == nil || rest.OnlySkipped(err) ||
				errors.Is(err, rest.ErrUnauthorized) != (c.status == 401) {
				t.Errorf("%v, want a failure of the source", err)
			}
			f.change(func() { f.before = nil })
			f.collect(t, m, now.Add(time.Minute), nil)
			if got := counts(m); got != "261 runs, 491 jobs, 140 changes, 140 deployments" {
				t.Errorf("afterwards: %s", got)
			}
		})
	}
}
