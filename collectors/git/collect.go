package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
)

// stream is what the progress and the checkpoint are called.
const stream = "commits"

// checkpoint is what was compared last.
type checkpoint struct {
	Inputs  string            `json:"inputs"`            // digest of the deployments and the services' paths
	Refs    string            `json:"refs"`              // digest of the server's branches and tags
	Missing map[string]string `json:"missing,omitempty"` // commits that are not to be had, and why
}

// Collect updates one repository: it compares the deployments of its services with those before them. Where
// no deployment and no path is new the server is not asked at all; where some deployment names a commit that is
// missing, it is asked once for its branches.
func (c *Collector) Collect(ctx context.Context, scope string, w source.Writer) error {
	a, ok := c.targets[scope]
	if !ok {
		return fmt.Errorf("repository %q is not configured for source %s", scope, c.cfg.Source)
	}
	deployments, err := w.RepositoryDeployments(ctx, a.provider, a.scope)
	if err != nil {
		return err
	}
	if len(deployments) == 0 {
		return nil // nothing to compare; the clone is made when there is
	}
	services, err := w.RepositoryServices(ctx, a.provider, a.scope)
	if err != nil {
		return err
	}
	var cp checkpoint
	if _, err := w.Load(ctx, stream, &cp); err != nil {
		return err
	}
	k, err := c.open(ctx, a)
	if err != nil {
		return err
	}
	defer k.close()
	inputs, err := digest(a, deployments, services)
	if err != nil {
		return err
	}
	r := &repository{c: c, k: k, w: w, cp: cp, deployments: deployments, services: services}
	if cp.Inputs == inputs && k.there() {
		if moved, err := r.moved(ctx); err != nil || !moved {
			return err
		}
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	if err := r.compare(ctx); err != nil {
		return err
	}
	if r.cp.Inputs = inputs; r.unasked {
		r.cp.Inputs = "" // so that the next run goes on asking
	}
	return w.Save(ctx, stream, r.cp)
}

// digest is of everything that a comparison depends on, except the history.
func digest(a address, deployments []event.Deployment, services []catalog.PathBinding) (string, error) {
	hash := sha256.New()
	enc := json.NewEncoder(hash)
	if err := enc.Encode([]any{rules, a.url, services}); err != nil {
		return "", fmt.Errorf("making a digest of the services of %s: %w", a.scope, err)
	}
	for _, d := range deployments {
		if err := enc.Encode(d); err != nil {
			return "", fmt.Errorf("making a digest of the deployments of %s: %w", a.scope, err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// repository is one repository in one run.
type repository struct {
	c           *Collector
	k           *clone
	w           source.Writer
	cp          checkpoint
	deployments []event.Deployment
	services    []catalog.PathBinding
	g           *graph
	nodes       map[string]int32
	unasked     bool // commits are missing that this run could not ask for anymore
}

// moved reports whether the server may have what was missing.
func (r *repository) moved(ctx context.Context) (bool, error) {
	if len(r.cp.Missing) == 0 {
		return false, nil
	}
	refs, err := r.c.remoteRefs(ctx, r.k.at)
	return refs != r.cp.Refs, err
}

// names are what the deployments call their commits, in lower case, each once.
func (r *repository) names() []string {
	seen := map[string]bool{}
	var names []string
	for _, d := range r.deployments {
		if sha := strings.ToLower(d.SHA); sha != "" && !seen[sha] {
			seen[sha] = true
			names = append(names, sha)
		}
	}
	return names
}

// load reads the history, and fetches what it lacks of the commits that are deployed.
func (r *repository) load(ctx context.Context) error {
	names := r.names()
	var lacking []string
	if r.k.there() {
		if err := r.read(ctx, names); err != nil {
			return err
		}
		if lacking = r.lacking(names); len(lacking) == 0 {
			r.cp.Missing = nil
			return nil
		}
	}
	refs, err := r.c.remoteRefs(ctx, r.k.at)
	if err != nil {
		return err
	}
	if refs != r.cp.Refs || !r.k.there() {
		if err := r.k.make(ctx); err != nil {
			return err
		}
		if err := r.k.fetch(ctx); err != nil {
			return err
		}
		if err := r.read(ctx, names); err != nil {
			return err
		}
		r.cp.Refs = refs
		lacking = r.lacking(names)
	}
	return r.bringMissing(ctx, names, lacking)
}

func (r *repository) read(ctx context.Context, names []string) (err error) {
	if r.g, err = r.k.history(ctx); err != nil {
		return err
	}
	r.nodes = r.g.resolve(names)
	return nil
}

func (r *repository) lacking(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { _, ok := r.nodes[name]; return ok })
}

// bringMissing asks for the commits that no branch holds by their ids, each only once: a server that does not have it,
// or no longer gives it, says the same the next time, and one that is pushed later comes with its branch.
func (r *repository) bringMissing(ctx context.Context, names, lacking []string) error {
	missing := map[string]string{}
	var ask []string
	for _, name := range lacking {
		switch reason, known := r.cp.Missing[name]; {
		case known:
			missing[name] = reason
		case shaRule.MatchString(name) && len(name) == max(40, 2*r.g.size):
			ask = append(ask, name)
		default:
			missing[name] = fmt.Sprintf("%.64q is not a commit's whole id, nor the beginning of exactly one that the "+
				"repository has", name)
		}
	}
	got, refused, err := r.k.fetchCommits(ctx, ask)
	if err != nil {
		return err
	}
	for sha, reason := range refused {
		missing[sha] = reason
	}
	r.cp.Missing, r.unasked = missing, len(got)+len(refused) < len(ask)
	if len(got) > 0 {
		return r.read(ctx, names)
	}
	return nil
}

// compare stores what the deployments delivered and writes the ledger.
func (r *repository) compare(ctx context.Context) error {
	stored, err := r.w.Compared(ctx)
	if err != nil {
		return err
	}
	lines := linesOf(r.deployments)
	done := uint64(0)
	p := &comparer{c: r.c, at: r.k.at, g: r.g, nodes: r.nodes, missing: r.cp.Missing, stored: stored}
	p.append = func(ctx context.Context, events []event.Event) error {
		if err := r.w.Append(ctx, events...); err != nil {
			return err
		}
		done += uint64(len(events))
		r.w.Progress(stream, done, uint64(len(r.deployments)))
		return nil
	}
	p.paths, p.of = pathsOf(r.services)
	if len(p.paths) > 0 {
		asked, err := p.questions(ctx, lines)
		if err != nil {
			return err
		}
		if p.touches, err = r.k.touched(ctx, r.g, asked, p.paths); err != nil {
			return err
		}
	}
	if err := p.compare(ctx, lines); err != nil {
		return err
	}
	return r.ledger(ctx)
}

// ledger sets the deployments that name a commit against those whose commits are known.
func (r *repository) ledger(ctx context.Context) error {
	stored, err := r.w.Compared(ctx)
	if err != nil {
		return err
	}
	var expected, known uint64
	for _, d := range r.deployments {
		if d.SHA == "" {
			continue
		}
		expected++
		if s, ok := stored[d.Key()]; ok && s.Comparison != event.UnknownCommits {
			known++
		}
	}
	note := ""
	if n := len(r.cp.Missing); n > 0 {
		shas := slices.Sorted(func(yield func(string) bool) {
			for sha := range r.cp.Missing {
				if !yield(sha) {
					return
				}
			}
		})
		note = fmt.Sprintf("%d commits that were deployed are not in the repository: pushed away, never pushed, or of "+
			"another one; the first: %.40s (%s)", n, shas[0], r.cp.Missing[shas[0]])
	}
	e := r.c.Ledger(r.k.at.scope, event.KindDeployedCommits, time.Time{})
	e.Expected, e.Stored, e.Note = expected, known, note
	return r.w.Append(ctx, e)
}
