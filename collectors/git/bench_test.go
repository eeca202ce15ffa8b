package git

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
)

const (
	benchCommits  = 20_000
	benchServices = 10
	benchEvery    = 20 // commits from one deployment of a service to its next
)

// imported makes a repository of benchCommits commits on one line, with a merge every tenth, in directories of
// services.
func imported(b *testing.B) (dir string) {
	b.Helper()
	var script bytes.Buffer
	mark := 0
	commit := func(service int, parents ...int) int {
		mark++
		fmt.Fprintf(
			&script,
			"commit refs/heads/main\nmark :%d\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n",
			mark,
			1_700_000_000+mark*60,
		)
		for i, p := range parents {
			fmt.Fprintf(&script, "%s :%d\n", map[bool]string{true: "from", false: "merge"}[i == 0], p)
		}
		text := fmt.Sprint(mark)
		fmt.Fprintf(&script, "M 100644 inline services/s%d/f%d\ndata %d\n%s\n", service, mark%50, len(text), text)
		return mark
	}
	head := commit(0)
	for mark < benchCommits {
		if mark%10 == 0 {
			side := commit(mark%benchServices, head)
			head = commit(mark%benchServices, head, side)
			continue
		}
		head = commit(mark%benchServices, head)
	}
	dir = filepath.Join(b.TempDir(), "source.git")
	for _, args := range [][]string{{"init", "--quiet", "--bare", "--initial-branch=main", dir}, {"-C", dir, "config", "uploadpack.allowFilter", "true"}, {"-C", dir, "fast-import", "--quiet", "--force"}} {
		cmd := exec.Command("git", args...)
		cmd.Stdin = &script
		if args[0] == "init" || args[2] == "config" {
			cmd.Stdin = nil
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	return dir
}

// discard is a Writer that keeps nothing and knows the deployments.
type discard struct {
	source.Writer // the methods that git does not use
	deployments   []event.Deployment
	services      []catalog.PathBinding
	commits       int
}

func (d *discard) Load(context.Context, string, any) (bool, error) { return false, nil }
func (d *discard) Save(context.Context, string, any) error         { return nil }
func (d *discard) Progress(string, uint64, uint64)                 {}
func (d *discard) Append(_ context.Context, events ...event.Event) error {
	for _, e := range events {
		if c, ok := e.(event.DeployedCommits); ok {
			d.commits += len(c.Commits)
		}
	}
	return nil
}
func (d *discard) RepositoryDeployments(context.Context, string, string) ([]event.Deployment, error) {
	return d.deployments, nil
}
func (d *discard) RepositoryServices(context.Context, string, string) ([]catalog.PathBinding, error) {
	return d.services, nil
}
func (d *discard) Compared(context.Context) (map[event.DeploymentKey]event.DeployedCommits, error) {
	return nil, nil
}

// BenchmarkAncestry compares 10,000 deployments (ten services, a thousand each) over a history of 20,000 commits, from
// the clone to the events; with paths, the services share the repository.
func BenchmarkAncestry(b *testing.B) {
	dir := imported(b)
	c, err := New(
		Config{Source: "g", Hosted: "github", Repositories: []Repository{{Name: "o/mono", URL: "file://" + dir}}},
		Options{Options: source.Options{CloneDir: b.TempDir()}},
	)
	if err != nil {
		b.Fatal(err)
	}
	k, err := c.open(b.Context(), c.targets["o/mono"])
	if err != nil {
		b.Fatal(err)
	}
	if err := k.make(b.Context()); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := k.fetch(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("the first fetch took %v", time.Since(start))
	g, err := k.history(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	k.close()
	w := &discard{}
	order := make([]string, len(g.ids))
	for n := range g.ids {
		order[len(order)-1-n] = g.sha(int32(n))
	}
	for s := range benchServices {
		w.services = append(
			w.services,
			catalog.PathBinding{
				Provider: "github",
				Scope:    "o/mono",
				Path:     fmt.Sprint("services/s", s),
				Service:  fmt.Sprint("s", s),
			},
		)
		for i := s; i < len(order); i += benchEvery {
			d := event.Deployment{
				Attempt:     1,
				Environment: "production",
				Status:      event.Succeeded,
				SHA:         order[i],
				StartedAt:   time.Unix(int64(i), 0),
			}
			d.Source, d.Scope, d.ID, d.Service = "ci", "deploy", fmt.Sprint(s, "-", i), fmt.Sprint("s", s)
			w.deployments = append(w.deployments, d)
		}
	}
	paths := w.services
	for _, bench := range []struct {
		name     string
		services []catalog.PathBinding
	}{{"whole", nil}, {"paths", paths}} {
		b.Run(bench.name, func(b *testing.B) {
			w.services = bench.services
			for b.Loop() {
				w.commits = 0
				if err := c.Collect(b.Context(), "o/mono", w); err != nil {
					b.Fatal(err)
				}
			}
			if w.commits < benchCommits/2 {
				b.Fatalf("%d commits were deployed", w.commits)
			}
			b.ReportMetric(float64(len(w.deployments))*float64(b.N)/b.Elapsed().Seconds(), "deployments/s")
			b.ReportMetric(float64(w.commits), "commits")
		})
	}
}
