package git_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/runner"
	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/git"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// repo is a repository as a server has it, made commit by commit.
type repo struct {
	t    testing.TB
	dir  string
	tick int
}

func newRepo(t testing.TB) *repo {
	r := &repo{t: t, dir: filepath.Join(t.TempDir(), "acme", "shop")}
	r.git("init", "--quiet", "--initial-branch=main", r.dir)
	r.git("config", "uploadpack.allowFilter", "true")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	if args[0] != "init" {
		cmd.Dir = r.dir
	}
	r.tick++
	at := epoch.Add(time.Duration(r.tick) * time.Minute).Format(time.RFC3339)
	cmd.Env = append(
		os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ада",
		"GIT_AUTHOR_EMAIL=a@example.org",
		"GIT_COMMITTER_NAME=Ада",
		"GIT_COMMITTER_EMAIL=a@example.org",
		"GIT_AUTHOR_DATE="+at,
		"GIT_COMMITTER_DATE="+at,
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(bytes.TrimSpace(out))
}

// commit changes files and returns the commit.
func (r *repo) commit(files ...string) string {
	r.t.Helper()
	for _, file := range files {
		path := filepath.Join(r.dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", r.tick), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", ".")
	r.git("commit", "--quiet", "--allow-empty", "-m", "変更 "+strings.Join(files, " "))
	return r.git("rev-parse", "HEAD")
}

// merge merges a branch into the current one with a commit of its own.
func (r *repo) merge(branch string) string {
	r.git("merge", "--quiet", "--no-ff", "-m", "Merge "+branch, branch)
	return r.git("rev-parse", "HEAD")
}

// world is a store with a collector over one repository.
type world struct {
	t         testing.TB
	db        *store.Store
	repo      *repo
	directory string
	n         int
	tune      func(*git.Config, *git.Options)
	asked     int // exchanges with the server
	appends   int
}

type row3 struct {
	Provider string `ch:"provider"`
	Scope    string `ch:"scope"`
	Service  string `ch:"service"`
}

type row4 struct {
	Provider string `ch:"provider"`
	Scope    string `ch:"scope"`
	Path     string `ch:"path"`
	Service  string `ch:"service"`
}

const shop = "component:default/shop"

// newWorld has the service shop, which is the whole repository acme/shop.
func newWorld(t testing.TB) *world {
	w := &world{t: t, db: storetest.Open(t), repo: newRepo(t), directory: t.TempDir()}
	w.bind([]row3{{"github", "acme/shop", shop}}, nil)
	return w
}

func (w *world) bind(bindings []row3, paths []row4) {
	w.t.Helper()
	if err := errors.Join(
		w.db.Replace(w.t.Context(), "bindings", bindings),
		w.db.Replace(w.t.Context(), "paths", paths),
	); err != nil {
		w.t.Fatal(err)
	}
}

// deploy stores a successful deployment of a commit to production, an hour after the one before.
func (w *world) deploy(id, sha string, change ...func(*event.Deployment)) {
	w.t.Helper()
	w.n++
	at := epoch.Add(time.Duration(w.n) * time.Hour)
	d := event.Deployment{
		Origin:      event.Origin{Source: "gh", Provider: "github", Scope: "acme/shop", ID: id},
		Attempt:     1,
		Environment: "production",
		Status:      event.Succeeded,
		StatusRaw:   "success",
		CreatedAt:   at,
		StartedAt:   at,
		FinishedAt:  at.Add(time.Minute),
		SHA:         sha,
	}
	for _, c := range change {
		c(&d)
	}
	w.append(d)
}

func (w *world) append(events ...event.Event) {
	w.t.Helper()
	if err := w.db.Append(w.t.Context(), events...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) config() (git.Config, git.Options) {
	cfg := git.Config{
		Source:       "history",
		Hosted:       "github",
		Repositories: []git.Repository{{Name: "acme/shop", URL: "file://" + w.repo.dir}},
		Dir:          w.directory,
	}
	opt := git.Options{Options: source.Options{Now: func() time.Time { return epoch.AddDate(0, 1, 0) }}}
	if w.tune != nil {
		w.tune(&cfg, &opt)
	}
	return cfg, opt
}

// collect runs the collector over a store that may be in the way.
func (w *world) collectInto(ctx context.Context, db runner.Store) error {
	w.t.Helper()
	cfg, opt := w.config()
	c, err := git.New(cfg, opt)
	if err != nil {
		w.t.Fatal(err)
	}
	w.asked = 0
	r := runner.New(&counted{Store: db, w: w}, []source.Collector{c}, runner.Options{})
	c.Observe(rest.Observer{Request: func(rest.Request) { w.asked++ }})
	_, err = r.Run(ctx, runner.RunOptions{})
	return err
}

func (w *world) collect() {
	w.t.Helper()
	if err := w.collectInto(w.t.Context(), w.db); err != nil {
		w.t.Fatal(err)
	}
}

type counted struct {
	runner.Store
	w *world
}

func (c *counted) Append(ctx context.Context, events ...event.Event) error {
	c.w.appends += len(events)
	return c.Store.Append(ctx, events...)
}

// delivered returns "deployment: commits" of what the public view shows, with names instead of ids.
func (w *world) delivered(names map[string]string) []string {
	w.t.Helper()
	var rows []struct {
		Service    string     `ch:"service"`
		Deployment string     `ch:"deployment_id"`
		SHA        string     `ch:"sha"`
		Authored   *time.Time `ch:"authored_at"`
	}
	if err := w.db.Select(
		w.t.Context(),
		&rows,
		"SELECT service, deployment_id, sha, authored_at FROM deployed_commits",
		nil,
	); err != nil {
		w.t.Fatal(err)
	}
	by := map[string][]string{}
	for _, r := range rows {
		name := names[r.SHA]
		if name == "" {
			name = r.SHA
		}
		if r.Authored == nil || r.Authored.Before(epoch) {
			w.t.Errorf("commit %s is authored at %v", name, r.Authored)
		}
		by[r.Deployment] = append(by[r.Deployment], name)
	}
	var out []string
	for deployment, commits := range by {
		slices.Sort(commits)
		out = append(out, deployment+": "+strings.Join(commits, " "))
	}
	slices.Sort(out)
	return out
}

// compared returns "deployment comparison reason" of every deployment.
func (w *world) compared() []string {
	w.t.Helper()
	return w.lines("SELECT concat(deployment_id, ' ', comparison, if(reason = '', '', concat(' ', reason))) AS line " +
		"FROM compared_deployments ORDER BY deployment_id")
}

// changes returns "service change deployment how".
func (w *world) changes() []string {
	w.t.Helper()
	return w.lines("SELECT concat(replaceOne(service, 'component:default/', ''), ' ', change_id, ' ', deployment_id, ' " +
		"', link_method) AS line FROM deployed_changes ORDER BY line")
}

func (w *world) lines(sql string) []string {
	w.t.Helper()
	var rows []struct {
		Line string `ch:"line"`
	}
	if err := w.db.Select(w.t.Context(), &rows, sql, nil); err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, r.Line)
	}
	return out
}

// everything is a fingerprint of all that is stored of commits.
func (w *world) everything() []string {
	var asked []event.Event
	for _, id := range w.lines("SELECT DISTINCT id AS line FROM deployments") {
		asked = append(asked, event.DeployedCommits{Origin: event.Origin{Source: "history", Scope: "acme/shop", ID: id}})
	}
	stored, err := w.db.Stored(w.t.Context(), asked)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, e := range stored {
		out = append(out, fmt.Sprintf("%+v", e))
	}
	slices.Sort(out)
	return out
}

func (w *world) want(what string, got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// breaking is a store that fails at one write, before or after it has done it, and at all that follow.
type breaking struct {
	runner.Store
	mu     sync.Mutex
	writes int
	at     int
	after  bool
}

var errKilled = errors.New("killed")

func (b *breaking) write(do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes++
	if b.writes < b.at || b.at == 0 {
		return do()
	}
	if b.writes == b.at && b.after {
		return errors.Join(errKilled, do())
	}
	return errKilled
}

func (b *breaking) Append(ctx context.Context, events ...event.Event) error {
	return b.write(func() error { return b.Store.Append(ctx, events...) })
}

func (b *breaking) SaveCheckpoint(ctx context.Context, source, scope, stream string, doc []byte) error {
	return b.write(func() error { return b.Store.SaveCheckpoint(ctx, source, scope, stream, doc) })
}

func (b *breaking) SaveCheckpoints(ctx context.Context, source, stream string, docs map[string][]byte) error {
	return b.write(func() error { return b.Store.SaveCheckpoints(ctx, source, stream, docs) })
}
