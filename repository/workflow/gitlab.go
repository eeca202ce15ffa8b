package workflow

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// GitLab is the pipeline of a repository on GitLab, with the files of the repository that it includes.
type GitLab struct {
	Path string
	Jobs []GitLabJob // without hidden ones, whose names begin with a dot
	// NotRead are includes from elsewhere: remote files, other projects, templates and components. What they define is
	// unknown.
	NotRead []fact.Problem
}

// GitLabJob is a job of a pipeline of GitLab, with what it extends.
type GitLabJob struct {
	Name    string
	At      fact.Location
	Stage   string
	Script  string // before_script, script and after_script
	Timeout string // as it is written: "1h 30m"; "" if neither the job nor the default declares one
	// OnMergeRequest is whether the job runs for the changes of a merge request, in its own pipeline or in that of the
	// branch. It is unknown if only evaluating the job's rules can tell.
	OnMergeRequest fact.Value[bool]
}

const (
	maxIncludes = 100 // files
	maxExtends  = 11  // jobs that extend each other; GitLab's own limit
	maxBases    = 50  // jobs that one job extends, in all
)

// ReadGitLab reads .gitlab-ci.yml. Without it the value is known and nil.
func ReadGitLab(t *tree.Tree) fact.Value[*GitLab] {
	f, found := t.First(".gitlab-ci.yml", ".gitlab-ci.yaml")
	if !found {
		return tree.Absent[*GitLab](t, nil)
	}
	at := fact.Location{Path: f.Path}
	p := gitLabParser{tree: t, definitions: map[string]definition{}, seen: map[string]bool{}}
	err := fact.Contain(func() error { return p.file(f) })
	if err != nil {
		return fact.Unknown[*GitLab](at, "%v", err)
	}
	g := &GitLab{Path: f.Path, NotRead: p.notRead}
	for _, name := range p.order {
		if !strings.HasPrefix(name, ".") && !slices.Contains(globalKeys, name) {
			g.Jobs = append(g.Jobs, p.job(name))
		}
	}
	return fact.Known(g, at)
}

// globalKeys are the keys at the top that are no jobs. "pages" is one.
var globalKeys = []string{
	"after_script", "before_script", "cache", "default", "image", "include", "services", "spec", "stages", "types",
	"variables", "workflow",
}

type definition struct {
	at   fact.Location
	node *yaml.Node
}

type gitLabParser struct {
	tree        *tree.Tree
	definitions map[string]definition // of keys at the top; a later one replaces an earlier one
	order       []string
	seen        map[string]bool // files
	notRead     []fact.Problem
}

// file reads a file after the files that it includes, because it can replace what they define.
func (p *gitLabParser) file(f tree.File) error {
	if p.seen[f.Path] {
		return nil
	}
	if p.seen[f.Path] = true; len(p.seen) > maxIncludes {
		return fmt.Errorf("it includes more than %d files", maxIncludes)
	}
	text, err := p.tree.Text(f)
	if err != nil {
		return err
	}
	docs, err := yamlfile.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	for _, d := range docs {
		if d.Err != nil {
			return fmt.Errorf("%s:%d: %w", f.Path, d.Line, d.Err)
		}
		if err := p.includes(f.Path, yamlfile.Get(d.Root, "include")); err != nil {
			return err
		}
		for _, pair := range yamlfile.Pairs(d.Root) {
			if _, defined := p.definitions[pair.Key]; !defined {
				p.order = append(p.order, pair.Key)
			}
			p.definitions[pair.Key] = definition{fact.Location{Path: f.Path, Line: pair.Line}, pair.Value}
		}
	}
	return nil
}

func (p *gitLabParser) includes(file string, include *yaml.Node) error {
	items := yamlfile.Items(include)
	if items == nil && include != nil {
		items = []*yaml.Node{include}
	}
	for _, n := range items {
		local := yamlfile.Text(n)
		if local == "" {
			local = yamlfile.Text(yamlfile.Get(n, "local"))
		}
		name := strings.TrimPrefix(path.Clean("/"+local), "/")
		f, found := p.tree.File(name)
		if local == "" || strings.Contains(local, "://") || !found {
			p.notRead = append(p.notRead, fact.Problem{
				At:     fact.Location{Path: file, Line: n.Line},
				Reason: "it includes a file that is not in the repository, and no connection is opened",
			})
			continue
		}
		if err := p.file(f); err != nil {
			return err
		}
	}
	return nil
}

// field returns a field of a job or of what it extends; nil: there is none.
func (p *gitLabParser) field(name, key string) *yaml.Node {
	visited := map[string]bool{} // a base that has no such field is not asked again
	var find func(name string, depth int) *yaml.Node
	find = func(name string, depth int) *yaml.Node {
		d, defined := p.definitions[name]
		if !defined || visited[name] || depth > maxExtends || len(visited) > maxBases {
			return nil
		}
		visited[name] = true
		if value := yamlfile.Get(d.node, key); value != nil {
			return value
		}
		bases := yamlfile.Texts(yamlfile.Get(d.node, "extends"))
		for _, base := range slices.Backward(bases[:min(len(bases), maxBases)]) {
			if value := find(base, depth+1); value != nil {
				return value
			}
		}
		return nil
	}
	return find(name, 0)
}

func (p *gitLabParser) job(name string) GitLabJob {
	inherited := func(key string) *yaml.Node {
		if value := p.field(name, key); value != nil {
			return value
		}
		if value := yamlfile.Get(p.definitions["default"].node, key); value != nil {
			return value
		}
		return p.definitions[key].node
	}
	j := GitLabJob{
		Name:    name,
		At:      p.definitions[name].at,
		Stage:   yamlfile.Text(p.field(name, "stage")),
		Timeout: yamlfile.Text(p.field(name, "timeout")),
	}
	if j.Timeout == "" {
		j.Timeout = yamlfile.Text(yamlfile.Get(p.definitions["default"].node, "timeout"))
	}
	for _, script := range []*yaml.Node{inherited("before_script"), p.field(name, "script"), inherited("after_script")} {
		for _, line := range flat(script, 0) {
			j.Script += line + "\n"
		}
	}
	j.OnMergeRequest = p.onMergeRequest(name, j.At)
	return j
}

// flat returns the lines of a script, in which lists may be nested.
func flat(n *yaml.Node, depth int) []string {
	if text := yamlfile.Text(n); text != "" {
		return []string{text}
	}
	var lines []string
	if depth < 10 {
		for _, item := range yamlfile.Items(n) {
			lines = append(lines, flat(item, depth+1)...)
		}
	}
	return lines
}

func (p *gitLabParser) onMergeRequest(name string, at fact.Location) fact.Value[bool] {
	if yamlfile.Text(p.field(name, "when")) == "manual" {
		return fact.Known(false, at)
	}
	if only := p.field(name, "only"); only != nil {
		refs := yamlfile.Texts(only)
		if len(refs) == 0 {
			refs = yamlfile.Texts(yamlfile.Get(only, "refs"))
		}
		return fact.Known(slices.Contains(refs, "merge_requests") || slices.Contains(refs, "branches"), at)
	}
	rules := yamlfile.Items(p.field(name, "rules"))
	for _, rule := range rules {
		condition := yamlfile.Text(yamlfile.Get(rule, "if"))
		when := yamlfile.Text(yamlfile.Get(rule, "when"))
		mentions := strings.Contains(condition, "merge_request_event") || strings.Contains(condition, "CI_MERGE_REQUEST")
		if mentions && !strings.Contains(condition, "!=") && when != "never" && when != "manual" {
			return fact.Known(true, fact.Location{Path: at.Path, Line: rule.Line})
		}
	}
	if len(rules) > 0 || p.field(name, "except") != nil {
		return fact.Unknown[bool](at, "the rules of the job %s are not evaluated", name)
	}
	return fact.Known(true, at) // it runs for every push to every branch
}

// Found returns where the jobs do something.
func (g *GitLab) Found(p Purpose) []fact.Location {
	var at []fact.Location
	for i := range g.Jobs {
		step := Step{Run: g.Jobs[i].Script}
		if slices.Contains(step.Purposes(), p) {
			at = append(at, g.Jobs[i].At)
		}
	}
	return at
}
