package jenkins

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

const (
	jobsStream   = "jobs"
	brokenStream = "broken"
	// relist is how long a folder's listing is believed that does not tell the newest build of its jobs, because it holds
	// none. New jobs in it are found after that time.
	relist = time.Hour
	// deepest is how far folders are followed. Jenkins cannot hold a job that deep: the path would be too long for a file.
	deepest = 40
)

// listTree asks for two levels, so that a multibranch project comes with its branches.
const listTree = "jobs[_class,name,lastBuild[number,building],jobs[_class,name,lastBuild[number,building]]]"

// node is an item of a folder's listing.
type node struct {
	Class string          `json:"_class,omitempty"`
	Name  string          `json:"name"`
	Last  json.RawMessage `json:"lastBuild,omitempty"` // absent: not told; null: it was never built
	Jobs  []node          `json:"jobs,omitzero"`       // nil: not a container, or not told
}

func (n node) container() bool {
	return n.Jobs != nil || n.multibranch() || strings.HasSuffix(n.Class, "Folder") || n.unfamiliar()
}

// unfamiliar reports whether a plugin's class may be a container: whatever is a job tells its newest build when it is
// asked for it, even if that is null.
func (n node) unfamiliar() bool {
	if n.Class == "" || len(n.Last) > 0 {
		return false
	}
	return !slices.ContainsFunc(
		[]string{"Project", "Job", "ModuleSet"},
		func(end string) bool { return strings.HasSuffix(n.Class, end) },
	)
}

func (n node) multibranch() bool { return strings.Contains(n.Class, "MultiBranch") }

// hint is what a listing tells of a job's newest build.
type hint struct {
	given    bool
	number   int // 0: the job has no build
	building bool
}

func (n node) hint() hint {
	if len(n.Last) == 0 {
		return hint{}
	}
	var last struct {
		Number   int  `json:"number"`
		Building bool `json:"building"`
	}
	if json.Unmarshal(n.Last, &last) != nil {
		return hint{}
	}
	return hint{true, last.Number, last.Building}
}

// told reports whether the listing tells a newest build of anything.
func told(nodes []node) bool {
	return slices.ContainsFunc(nodes, func(n node) bool { return n.hint().given || told(n.Jobs) })
}

// target is what one scope reads: a job, or the branches of a multibranch project.
type target struct {
	multibranch bool
	jobs        []job
}

// job is one job of Jenkins.
type job struct {
	names  []string // that lead to it from the root
	branch string   // of a multibranch project; else empty
	hint   hint
}

// key names the job within its scope.
func (j job) key() string { return j.branch }

// fullName is the name that deployment rules look at; a branch's name is as git has it.
func (j job) fullName() string {
	if j.branch == "" {
		return strings.Join(j.names, "/")
	}
	return strings.Join(j.names[:len(j.names)-1], "/") + "/" + j.branch
}

// listing is a folder as it was last read. Of a server without ETags the newest builds are not kept: they are asked for
// again each time.
type listing struct {
	ETag string    `json:"etag,omitempty"`
	At   time.Time `json:"at,omitzero"` // of a listing that tells no newest builds
	Told bool      `json:"told,omitempty"`
	Jobs []node    `json:"jobs"`
}

// Scopes lists the jobs, by full name. What it reads is remembered, so that the next call asks for little. With a
// *rest.SkippedError it lists also what it knew before of the folders that cannot be read.
func (c *Collector) Scopes(ctx context.Context, m source.StateStore) ([]string, error) {
	w := &walk{
		Collector: c,
		before:    map[string]listing{},
		after:     map[string]listing{},
		found:     map[string]target{},
		met:       map[string]bool{},
	}
	if _, err := m.Load(ctx, jobsStream, &w.before); err != nil {
		return nil, err
	}
	var broken struct {
		Folders *rest.Quarantine `json:"folders,omitzero"`
	}
	if _, err := m.Load(ctx, brokenStream, &broken); err != nil {
		return nil, err
	}
	w.failed = broken.Folders.Begin()
	held := w.failed.Keys()
	if err := w.folder(ctx, nil); err != nil {
		return nil, err
	}
	w.failed.Forget(func(path string) bool { return w.met[path] })
	if broken.Folders = w.failed; len(held) > 0 || !w.failed.IsZero() {
		if err := m.Save(ctx, brokenStream, broken); err != nil {
			return nil, err
		}
	}
	old, err := json.Marshal(w.before)
	if err != nil {
		return nil, fmt.Errorf("encoding the list of jobs: %w", err)
	}
	if now, err := json.Marshal(w.after); err != nil || !bytes.Equal(old, now) {
		if err := m.Save(ctx, jobsStream, w.after); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	c.targets = w.found
	c.mu.Unlock()
	c.warnUnused("projects", c.cfg.Projects, c.only, slices.Collect(maps.Keys(w.found)))
	c.warnUnused("exclude", c.cfg.Exclude, c.except, w.excluded)
	return slices.Sorted(maps.Keys(w.found)), w.failed.Err("folder")
}

// warnUnused reports the patterns of a key that none of the jobs matches: a name that was mistyped, or that the user
// may not see.
func (c *Collector) warnUnused(key string, patterns []string, compiled []glob, jobs []string) {
	for i, g := range compiled {
		if !slices.ContainsFunc(jobs, g.covers) && c.Once("unused "+key+" "+patterns[i]) {
			c.Log.Warn("no job matches a pattern; check the name, and that the user may see the job",
				"source", c.cfg.Source, "key", key, "pattern", patterns[i])
		}
	}
}

// walk is one pass over the folders.
type walk struct {
	*Collector
	before, after map[string]listing // by path
	found         map[string]target
	failed        *rest.Quarantine
	met           map[string]bool // paths that were asked for
	excluded      []string        // names of jobs that the configuration excludes
}

// folder reads a folder and what is below it. A folder other than the root that cannot be read does not hold up the
// rest.
func (w *walk) folder(ctx context.Context, names []string) error {
	if len(names) > deepest {
		return nil
	}
	path := strings.Join(names, "/")
	l, known := w.before[path]
	if !known || l.Told || w.Now().Sub(l.At).Abs() >= relist {
		fresh, there, err := w.relist(ctx, names, l, known)
		if err != nil || !there {
			return err
		}
		l = fresh
	}
	w.after[path] = l.kept()
	return w.items(ctx, names, l.Jobs)
}

// relist reads a folder or a multibranch project. One that cannot be read is set aside, and is what was known of it
// before; false: nothing is known, or it was deleted since its parent was listed.
func (w *walk) relist(
	ctx context.Context,
	names []string,
	l listing,
	known bool,
) (fresh listing, there bool, err error) {
	if len(names) == 0 {
		fresh, err = w.list(ctx, names, l)
		return fresh, true, err
	}
	path := strings.Join(names, "/")
	w.met[path] = true
	ok, err := w.failed.Do(ctx, path, w.Now(), func(ctx context.Context) error {
		fresh, err = w.list(ctx, names, l)
		if there = !rest.IsGone(err) || w.stillListed(ctx, names); !there {
			return nil
		}
		return err
	})
	if err != nil || ok {
		return fresh, there, err
	}
	l.Jobs = withoutLast(l.Jobs) // what was the newest build then may not be now
	return l, known, nil
}

func (w *walk) list(ctx context.Context, names []string, old listing) (listing, error) {
	var top node
	got, err := w.get(ctx, names, listTree, old.ETag, &top)
	if err != nil {
		return listing{}, err
	}
	l := listing{ETag: got.ETag, Jobs: top.Jobs, Told: told(top.Jobs)}
	if got.NotModified {
		l = old
	}
	if l.Jobs == nil {
		l.Jobs = []node{}
	}
	if l.At = w.Now().UTC(); l.Told {
		l.At = time.Time{}
	}
	return l, nil
}

// kept is the listing as it is remembered.
func (l listing) kept() listing {
	if l.ETag == "" {
		l.Jobs = withoutLast(l.Jobs)
	}
	return l
}

func withoutLast(nodes []node) []node {
	if nodes == nil {
		return nil
	}
	all := make([]node, len(nodes))
	for i, n := range nodes {
		n.Last, n.Jobs = nil, withoutLast(n.Jobs)
		all[i] = n
	}
	return all
}

func (w *walk) items(ctx context.Context, names []string, nodes []node) error {
	for _, n := range nodes {
		if n.Name == "" {
			if err := w.nameless(names); err != nil {
				return err
			}
			continue
		}
		path := append(slices.Clone(names), n.Name)
		var err error
		switch {
		case n.multibranch():
			err = w.multibranch(ctx, path, n)
		case n.container() && n.Jobs != nil:
			err = w.items(ctx, path, n.Jobs)
		case n.container():
			err = w.folder(ctx, path)
		default:
			w.add(path, target{jobs: []job{{names: path, hint: n.hint()}}})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nameless sets an item aside that Jenkins lists without a name, so that nobody can ask for it.
func (w *walk) nameless(folder []string) error {
	key := strings.Join(folder, "/") + "/?"
	if w.met[key] {
		return nil
	}
	w.met[key] = true
	return w.failed.Hold(
		key,
		w.Now(),
		&rest.AnswerError{Status: http.StatusOK, Err: errors.New("the listing has an item without a name")},
	)
}

// multibranch adds a project with its branches, which a listing two levels deep does not show: then it is asked for.
func (w *walk) multibranch(ctx context.Context, names []string, n node) error {
	if !w.wanted(names) {
		return nil
	}
	if n.Jobs == nil {
		path := strings.Join(names, "/")
		l, known := w.before[path]
		l, there, err := w.relist(ctx, names, l, known)
		if err != nil || !there {
			return err
		}
		w.after[path] = l.kept()
		n.Jobs = l.Jobs
	}
	t := target{multibranch: true}
	for _, b := range n.Jobs {
		if b.Name != "" {
			t.jobs = append(t.jobs, branchJob(names, b))
		}
	}
	w.add(names, t)
	return nil
}

func branchJob(project []string, n node) job {
	branch, err := url.PathUnescape(n.Name)
	if err != nil {
		branch = n.Name
	}
	return job{names: append(slices.Clone(project), n.Name), branch: branch, hint: n.hint()}
}

func (w *walk) add(names []string, t target) {
	if w.wanted(names) {
		w.found[strings.Join(names, "/")] = t
	}
}

// wanted reports whether the configuration selects a job, and records those that it excludes.
func (w *walk) wanted(names []string) bool {
	name := strings.Join(names, "/")
	covers := func(g glob) bool { return g.covers(name) }
	if slices.ContainsFunc(w.except, covers) {
		w.excluded = append(w.excluded, name)
		return false
	}
	return len(w.only) == 0 || slices.ContainsFunc(w.only, covers)
}

// target returns what a scope reads, and takes what the listing told of its newest builds: it holds for one Collect. A
// scope that was not listed is asked about.
func (c *Collector) target(ctx context.Context, scope string) (target, error) {
	c.mu.Lock()
	t, ok := c.targets[scope]
	if ok {
		told := target{multibranch: t.multibranch, jobs: slices.Clone(t.jobs)}
		for i := range t.jobs {
			t.jobs[i].hint = hint{}
		}
		t = told
	}
	c.mu.Unlock()
	if ok {
		return t, nil
	}
	names := strings.Split(scope, "/")
	var n node
	if _, err := c.get(
		ctx,
		names,
		"_class,name,lastBuild[number,building],jobs[_class,name,lastBuild[number,building]]",
		"",
		&n,
	); err != nil {
		return target{}, err
	}
	if n.Jobs == nil {
		return target{jobs: []job{{names: names, hint: n.hint()}}}, nil
	}
	if !n.multibranch() {
		return target{}, fmt.Errorf("%s is a folder, not a job", scope)
	}
	t.multibranch = true
	for _, b := range n.Jobs {
		t.jobs = append(t.jobs, branchJob(names, b))
	}
	return t, nil
}
