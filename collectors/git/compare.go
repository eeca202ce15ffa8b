package git

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/event"
)

// rules is the version of how deployments are compared; another one makes every deployment be compared again.
const rules = "1"

// maxDeployed bounds the commits of one deployment: a comparison across years is one with the wrong deployment.
const maxDeployed = 200_000

// How much is appended at a time.
const (
	appendCommits = 20_000
	appendEvents  = 1_000
)

// comparer compares the deployments of a repository's services, each with all that came before it in its environment.
type comparer struct {
	c       *Collector
	at      address
	g       *graph
	nodes   map[string]int32    // commits by what deployments call them
	missing map[string]string   // why a commit is not there
	paths   []string            // of all services
	of      map[string][]uint16 // the paths of a service that shares the repository, as numbers of paths, sorted
	touches touches
	stored  map[event.DeploymentKey]event.DeployedCommits
	append  func(context.Context, []event.Event) error

	batch []event.Event
	held  int // commits in batch
}

// line is the deployments of one service to one environment, oldest first.
type line struct {
	service, environment string
	deployments          []event.Deployment
}

// linesOf sorts deployments, which come in order of time, into lines.
func linesOf(deployments []event.Deployment) []line {
	byName := map[[2]string]int{}
	var lines []line
	for _, d := range deployments {
		key := [2]string{d.Service, d.Environment}
		i, ok := byName[key]
		if !ok {
			i = len(lines)
			byName[key] = i
			lines = append(lines, line{service: d.Service, environment: d.Environment})
		}
		lines[i].deployments = append(lines[i].deployments, d)
	}
	return lines
}

// pathsOf says which services are limited to which paths: those that have some and are not the repository's only
// service.
func pathsOf(services []catalog.PathBinding) (paths []string, of map[string][]uint16) {
	names, number := map[string]bool{}, map[string]uint16{}
	of = map[string][]uint16{}
	for _, s := range services {
		names[s.Service] = true
	}
	if len(names) < 2 {
		return nil, of
	}
	for _, s := range services {
		if s.Path == "" {
			continue
		}
		n, ok := number[s.Path]
		if !ok {
			n = uint16(len(paths))
			number[s.Path] = n
			paths = append(paths, s.Path)
		}
		of[s.Service] = append(of[s.Service], n)
	}
	for _, list := range of {
		slices.Sort(list)
	}
	return paths, of
}

// step is one deployment and what comparing it needs.
type step struct {
	event.Deployment
	node     int32  // none: its commit is not there
	previous string // what was deployed before, whole
	first    bool   // no earlier one has a commit that is there
	basis    string
}

// steps walks a line. The basis of a deployment is a digest of its own commit and of everything before it.
func (p *comparer) steps(l line) []step {
	steps := make([]step, len(l.deployments))
	sum := sha256.Sum256(
		[]byte(strings.Join(append([]string{rules, l.service, l.environment}, p.pathNames(l.service)...), "\x00")),
	)
	first, previous := true, ""
	for i, d := range l.deployments {
		s := step{Deployment: d, node: none, previous: previous, first: first}
		if n, ok := p.nodes[strings.ToLower(d.SHA)]; ok {
			s.node = n
		}
		whole := ""
		if s.node != none {
			whole = p.g.sha(s.node)
			first, previous = false, whole
		}
		sum = sha256.Sum256(fmt.Appendf(sum[:], "\x00%s\x00%s\x00%t\x00%t", d.SHA, whole, d.Baseline, d.RollbackOf != ""))
		s.basis = hex.EncodeToString(sum[:12])
		steps[i] = s
	}
	return steps
}

func (p *comparer) pathNames(service string) []string {
	var names []string
	for _, n := range p.of[service] {
		names = append(names, p.paths[n])
	}
	return names
}

// walk calls visit for every deployment of a line with the commits that no earlier one held. A deployment that says it
// is a rollback is passed over: it undoes, and whatever else it holds is delivered by the one that follows.
func (p *comparer) walk(
	ctx context.Context,
	steps []step,
	visit func(s step, fresh []int32, onLine map[int32]bool) error,
) error {
	delivered := p.g.set()
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		var fresh []int32
		onLine := map[int32]bool{}
		if s.node != none && s.RollbackOf == "" {
			for n := s.node; p.g.has(n) && !delivered.has(n); {
				parents := p.g.parents(n)
				if len(parents) > 1 {
					onLine[n] = true
				}
				if len(parents) == 0 {
					break
				}
				n = parents[0]
			}
			p.g.spread(delivered, s.node, func(n int32) { fresh = append(fresh, n) })
		}
		if err := visit(s, fresh, onLine); err != nil {
			return err
		}
	}
	return nil
}

// changed reports whether a deployment has to be compared anew. What was known of one whose commit has gone, with a
// clone that was lost, stays.
func (p *comparer) changed(s step) bool {
	old, ok := p.stored[s.Key()]
	if ok && s.node == none && old.Comparison != event.UnknownCommits && s.SHA != "" {
		return false
	}
	return !ok || old.Basis != s.basis
}

// questions returns the commits of which it must be known what they touch.
func (p *comparer) questions(ctx context.Context, lines []line) (set, error) {
	asked := p.g.set()
	for _, l := range lines {
		steps := p.steps(l)
		if len(p.of[l.service]) == 0 || !slices.ContainsFunc(steps, p.changed) {
			continue
		}
		err := p.walk(ctx, steps, func(s step, fresh []int32, _ map[int32]bool) error {
			if !s.first && !s.Baseline && p.changed(s) {
				for _, n := range fresh {
					asked.add(n)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return asked, nil
}

// compare stores what every deployment of the lines delivered, unless that is stored already.
func (p *comparer) compare(ctx context.Context, lines []line) error {
	for _, l := range lines {
		steps := p.steps(l)
		if !slices.ContainsFunc(steps, p.changed) {
			continue
		}
		limits, limited := p.of[l.service]
		err := p.walk(ctx, steps, func(s step, fresh []int32, onLine map[int32]bool) error {
			if !p.changed(s) {
				return nil
			}
			total := len(fresh)
			if limited {
				fresh = slices.DeleteFunc(fresh, func(n int32) bool {
					return !slices.ContainsFunc(
						p.touches.of(p.g, n, onLine[n]),
						func(path uint16) bool { return slices.Contains(limits, path) },
					)
				})
			}
			return p.put(ctx, p.event(s, fresh, total))
		})
		if err != nil {
			return err
		}
	}
	return p.flush(ctx)
}

// event reports what a deployment delivered; fresh are its new commits that count for the service, of total.
func (p *comparer) event(s step, fresh []int32, total int) event.DeployedCommits {
	e := event.DeployedCommits{
		Origin:     event.Origin{Source: p.c.cfg.Source, Provider: p.at.provider, Scope: p.at.scope, ID: s.ID, URL: s.URL},
		Deployment: s.Key(), SHA: s.SHA, Previous: s.previous, Basis: s.basis,
	}
	if s.node != none {
		e.SHA = p.g.sha(s.node)
		if url := p.at.web(e.SHA); url != "" {
			e.URL = url
		}
	}
	switch {
	case s.SHA == "":
		e.Comparison, e.Reason = event.UnknownCommits, "the deployment does not say which commit it is of"
	case s.node == none:
		e.Comparison, e.Reason = event.UnknownCommits, p.why(s.SHA)
	case s.RollbackOf != "":
		e.Comparison = event.RollbackCommits
	case s.first || s.Baseline:
		e.Comparison = event.BaselineCommits
	case total == 0 && e.SHA != s.previous:
		e.Comparison = event.RollbackCommits
	case len(fresh) > maxDeployed:
		e.Comparison, e.Reason = event.UnknownCommits, fmt.Sprintf("%d commits lie between it and the deployments before: "+
			"more than the %d that are kept of one", len(fresh), maxDeployed)
	default:
		e.Comparison = event.KnownCommits
		e.Commits = make([]event.Commit, len(fresh))
		for i, n := range fresh {
			e.Commits[i] = p.g.commit(n)
		}
		slices.SortFunc(e.Commits, func(a, b event.Commit) int {
			return cmp.Or(b.CommittedAt.Compare(a.CommittedAt), cmp.Compare(a.SHA, b.SHA))
		})
	}
	return e
}

// why says why a commit is not there.
func (p *comparer) why(sha string) string {
	if reason := p.missing[strings.ToLower(sha)]; reason != "" {
		return reason
	}
	return "the repository's branches do not hold it; it will be asked for by its id"
}

func (p *comparer) put(ctx context.Context, e event.DeployedCommits) error {
	p.batch = append(p.batch, e)
	p.held += len(e.Commits)
	if p.held >= appendCommits || len(p.batch) >= appendEvents {
		return p.flush(ctx)
	}
	return nil
}

func (p *comparer) flush(ctx context.Context) error {
	if len(p.batch) == 0 {
		return nil
	}
	if err := p.append(ctx, p.batch); err != nil {
		return err
	}
	p.batch, p.held = nil, 0
	return nil
}
