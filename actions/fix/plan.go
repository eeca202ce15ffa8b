package fix

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/scorecards"
	grading "github.com/dxctl/dxctl/scorecards/checkout"
)

// New plans the fixes of the service of a directory. It reads the repository and writes nothing.
func New(ctx context.Context, options Options) (*Plan, error) {
	if err := secretFree(options.Answers); err != nil {
		return nil, err
	}
	root, dir, git, err := located(options)
	if err != nil {
		return nil, err
	}
	open, err := checkout.Open(root)
	if err != nil {
		return nil, err
	}
	defer open.Close() //nolint:errcheck // opened for reading only
	files := newOverlay(open.FS())
	facts, err := repository.Read(ctx, files, repository.Options{})
	if err != nil {
		return nil, fmt.Errorf("reading directory %s: %w", root, err)
	}
	for _, d := range facts.Descriptors {
		if d.Entity.Ref == options.Entity.Ref && tree.Under(d.At.Path, dir) {
			dir = path.Dir(d.At.Path)
		}
	}
	r := &repo{open: open, files: files, facts: facts, root: root, dir: dir, git: git}
	r.readCode()
	return planOf(ctx, options, r)
}

// located returns the root of the files, and the directory of the service relative to it.
func located(o Options) (root, dir string, git bool, err error) {
	if o.Archive == nil {
		return grading.Root(o.Dir)
	}
	dir, err = filepath.Rel(o.Archive.Root, o.Dir)
	return o.Archive.Root, filepath.ToSlash(dir), true, err
}

// repo is a repository that was read.
type repo struct {
	open  *checkout.Checkout
	files *overlay
	facts *repository.Facts
	root  string
	dir   string // that was named, relative to the root
	git   bool
	code  []source // of programs, if there are workloads that it is asked about
	reads map[string]fileRead
}

// fileRead is a file as it was when the plan first looked at it.
type fileRead struct {
	file checkout.File
	err  error
}

// read returns a file as it is in the checkout. It is read once: all rules look at the same content, and writing a plan
// refuses a file that has changed since.
func (r *repo) read(name string) (checkout.File, error) {
	one, ok := r.reads[name]
	if !ok {
		if r.reads == nil {
			r.reads = map[string]fileRead{}
		}
		one.file, one.err = r.open.Read(name)
		r.reads[name] = one
	}
	return one.file, one.err
}

// source is a file of code.
type source struct{ path, text string }

// planner makes a plan.
type planner struct {
	Options
	*repo
	plan    *Plan
	lock    *pathlock.Lock // of the service; nil without one, and for one that follows no golden path
	refusal *pathlock.Lock // what it declines; nil without a lock file
	newLock *pathlock.Lock
	said    map[string]bool // whether the code has a text
	scope   *repository.Facts
	ownDirs []string // of other services
	tree    *rendered
	modes   map[string]string
	refused map[string]string // why the patch of a rule was refused
	graded  bool              // whether the changes were graded
	asked   map[string]resolved
	// digested are the answers of registries, by image.
	digested map[string]digested
}

// planOf plans with facts that were read: this part takes no look at what is not changed.
func planOf(ctx context.Context, options Options, r *repo) (*Plan, error) {
	p := &planner{
		Options: options, repo: r, plan: &Plan{Root: r.root}, modes: map[string]string{}, refused: map[string]string{},
		said: map[string]bool{},
	}
	before, err := p.service()
	if err != nil {
		return nil, err
	}
	p.readJobs(ctx, before)
	if err := p.readLock(); err != nil {
		return nil, err
	}
	if p.plan.Path, err = choose(options, p.lock, p.scope.Language.Main.Value); err != nil {
		return nil, err
	}
	reports := options.Engine.Grade(before.Entity, before.Facts)
	p.plan.Before = grades(reports)
	if err := p.known(reports); err != nil {
		return nil, err
	}
	if err := p.update(ctx); err != nil {
		return nil, err
	}
	if len(p.files.changed) > 0 { // edits look at the updated files
		if _, err := p.regrade(ctx, before); err != nil {
			return nil, err
		}
	}
	if reports, err = p.rounds(ctx, before, reports); err != nil {
		return nil, err
	}
	p.plan.After = grades(reports)
	p.outcomes(reports)
	return p.finish(ctx)
}

// maxRounds bounds how often rules are looked at again because another patch decided what they depend on.
const maxRounds = 6

// rounds plans the patches of all rules until no patch makes another one possible, so that a second run has nothing to
// do. It returns the grades with the changes.
func (p *planner) rounds(ctx context.Context, before *grading.Service, reports []scorecards.Report,
) ([]scorecards.Report, error) {
	for range maxRounds {
		was := maps.Clone(p.files.changed)
		if err := p.rules(ctx, reports); err != nil {
			return nil, err
		}
		if err := p.writeLock(); err != nil {
			return nil, err
		}
		if p.graded && len(changedSince(was, p.files.changed)) == 0 {
			break
		}
		if len(p.files.changed) == 0 {
			break
		}
		var err error
		if reports, err = p.regrade(ctx, before); err != nil {
			return nil, err
		}
		p.graded = true
	}
	return reports, nil
}

// service chooses the one service of the directory.
func (p *planner) service() (*grading.Service, error) {
	c := grading.Of(p.facts, p.root, p.dir, p.git, p.Now)
	p.plan.Notes = append(p.plan.Notes, c.Notes...)
	if len(c.Services) > 1 {
		var names []string
		for _, s := range c.Services {
			names = append(names, fmt.Sprintf("%s (%s)", s.Entity.Name, s.Dir))
		}
		return nil, fmt.Errorf("the directory has several services; name the directory of one: %s", strings.Join(names, ", "))
	}
	s := &c.Services[0]
	if err := p.ofCatalog(s); err != nil {
		return nil, err
	}
	p.plan.Service, p.plan.Entity, p.plan.Dir = s.Entity, s.Entity.Ref, path.Clean(s.Dir)
	for _, d := range p.facts.Descriptors {
		other := path.Dir(d.At.Path)
		if other != p.plan.Dir && d.Entity.Kind == "Component" && tree.Under(other, p.plan.Dir) {
			p.ownDirs = append(p.ownDirs, other)
		}
	}
	p.scope = p.facts.Of(p.plan.Dir)
	return s, nil
}

// readJobs reads how long the jobs of a service that the repository describes took.
func (p *planner) readJobs(ctx context.Context, s *grading.Service) {
	if p.Jobs != nil || p.JobsOf == nil || s.At.Path == "" {
		return
	}
	jobs, err := p.JobsOf(ctx, s.Entity.Ref)
	if err != nil {
		p.note("It is not known how long the jobs of %s take, so that they get the default limit: %s", s.Entity.Ref, err)
	}
	p.Jobs = jobs
}

// ofCatalog completes what the files show of a service by what the catalog and the sources know of it.
func (p *planner) ofCatalog(s *grading.Service) error {
	if p.Entity.Ref == "" {
		return nil
	}
	if s.At.Path != "" && s.Entity.Ref != p.Entity.Ref {
		return fmt.Errorf("%s describes %s, and not %s", s.At, s.Entity.Ref, p.Entity.Ref)
	}
	if s.At.Path == "" {
		s.Entity = p.Entity
	}
	for name, f := range p.Known {
		if here, ok := s.Facts[name]; f.Value != nil && (!ok || here.Value == nil) {
			s.Facts[name] = f
		}
	}
	return nil
}

func (p *planner) note(format string, args ...any) {
	p.plan.Notes = append(p.plan.Notes, fmt.Sprintf(format, args...))
}

func grades(reports []scorecards.Report) []Grade {
	var all []Grade
	for _, r := range reports {
		all = append(all, Grade{Scorecard: r.Scorecard, Title: r.Title, Level: r.Level, Score: r.Score})
	}
	return all
}

// current returns a file as it is with the changes so far.
func (p *planner) current(name string) ([]byte, bool) {
	if content, ok := p.files.changed[name]; ok {
		return content, content != nil
	}
	file, err := p.read(name)
	return file.Content, err == nil && file.Content != nil
}

// set plans a content. Why it cannot be is returned.
func (p *planner) set(name string, content []byte) error {
	if err := checkout.Valid(name); err != nil {
		return err
	}
	if p.plan.Dir != "." && !tree.Under(name, p.plan.Dir) {
		return fmt.Errorf("%s is outside of the directory of the service, %s", name, p.plan.Dir)
	}
	if i := slices.IndexFunc(p.ownDirs, func(dir string) bool { return tree.Under(name, dir) }); i >= 0 {
		return fmt.Errorf("%s is in the directory of another service", name)
	}
	file, err := p.read(name)
	if err != nil {
		return err
	}
	if bytes.Equal(content, file.Content) && (content == nil) == (file.Content == nil) {
		delete(p.files.changed, name)
		return nil
	}
	p.files.changed[name] = content
	return nil
}

// known returns an error for a rule of the command line that no scorecard of the service has.
func (p *planner) known(reports []scorecards.Report) error {
	for _, id := range p.Rules {
		has := func(x scorecards.Result) bool { return x.Rule == id }
		if !slices.ContainsFunc(reports, func(r scorecards.Report) bool { return slices.ContainsFunc(r.Results, has) }) {
			return fmt.Errorf("--rule %s: no scorecard of the service has this rule; `dxctl grade` lists them", id)
		}
	}
	return nil
}

// regrade grades the repository with the changes.
func (p *planner) regrade(ctx context.Context, before *grading.Service) ([]scorecards.Report, error) {
	facts, err := p.facts.Update(ctx, p.files, repository.Options{}, slices.Collect(maps.Keys(p.files.changed)))
	if err != nil {
		return nil, fmt.Errorf("reading the changed files: %w", err)
	}
	c := grading.Of(facts, p.root, p.dir, p.git, p.Now)
	if len(c.Services) != 1 {
		return nil, errors.New("the patches would change which services the directory has; nothing was planned")
	}
	after := &c.Services[0]
	if after.Entity.Ref != before.Entity.Ref && before.At.Path != "" {
		return nil, errors.New("the patches would rename the service; nothing was planned")
	}
	if err := p.ofCatalog(after); err != nil {
		return nil, err
	}
	p.scope, p.plan.Service = facts.Of(p.plan.Dir), after.Entity
	return p.Engine.Grade(after.Entity, after.Facts), nil
}

// outcomes sets the outcome of each rule with the changes.
func (p *planner) outcomes(reports []scorecards.Report) {
	for i := range p.plan.Rules {
		r := &p.plan.Rules[i]
		for _, report := range reports {
			for k := range report.Results {
				x := &report.Results[k]
				if report.Scorecard != r.Scorecard || x.Rule != r.ID {
					continue
				}
				if r.After = x.Outcome; r.Open() {
					r.Reason = edits.OneLine(x.Reason, maxReason)
				} else {
					r.Asks = slices.DeleteFunc(r.Asks, func(a Ask) bool { return a.Place == "" })
				}
			}
		}
	}
}

// finish completes the plan.
func (p *planner) finish(ctx context.Context) (*Plan, error) {
	plan := p.plan
	plan.Action = Name
	plan.Title = fmt.Sprintf("Adopt the defaults of the golden path %s in %s", plan.Path.Name, plan.Service.Name)
	plan.Input = actions.Input{ServiceField: plan.Entity, PathField: plan.Path.Name}
	if len(p.Rules) > 0 {
		plan.Input[RulesField] = p.Rules
	}
	if len(p.Answers) > 0 {
		plan.Input[AnswersField] = p.Answers
	}
	plan.On = map[string]string{"commit": "none", "golden_path": cmp.Or(plan.Path.Digest, "none")}
	switch {
	case p.Archive != nil:
		plan.On["commit"] = cmp.Or(p.Archive.Commit, "none")
	case p.git:
		out, err := checkout.Git(ctx, p.root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
		var exit *checkout.ExitError
		if err != nil && !errors.As(err, &exit) {
			return nil, err
		}
		plan.On["commit"] = cmp.Or(strings.TrimSpace(string(out)), "none")
	default:
		p.note("the directory is in no git repository: what is written cannot be taken back")
	}
	for _, name := range slices.Sorted(maps.Keys(p.files.changed)) {
		file, err := p.read(name)
		if err != nil {
			return nil, err
		}
		plan.Files = append(plan.Files, actions.FileChange{
			Path: name, Before: file.Content, After: p.files.changed[name], Executable: file.Executable || p.executable(name),
			Mode: p.modes[name],
		})
	}
	if plan.Changes() {
		plan.Commands = append(plan.Commands, actions.Command{Line: "dxctl fix --write", Why: "write these files"})
	}
	return plan, nil
}
