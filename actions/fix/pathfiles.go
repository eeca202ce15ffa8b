package fix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/actions/merge"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// rendered are the files of the golden path for the service.
type rendered struct {
	tree paths.Tree
	// open are questions without an answer, by the text that stands for it in the files.
	open map[string]string
	err  error
}

// stand are texts that stand for an answer that nobody gave, one for each usual pattern. A file that has one is not
// written.
var stand = []string{
	"dxctl-unanswered%d", "@dxctl-unanswered%d", "@dxctl-unanswered%d/team", "#dxctl-unanswered%d",
	"dxctl-unanswered%d/dxctl-unanswered%d", "dxctl-unanswered%d@example.com", "Dxctl-unanswered%d does something",
	"https://dxctl-unanswered%d.example.com", "DXCTLUNANSWERED%d", "com.dxctl.unanswered%d", "dxctlunanswered%d",
}

var unanswered = regexp.MustCompile(`(?i)dxctl[-.]?unanswered(\d+)`)

// render renders the golden path with the answers that the repository gives.
func (p *planner) render() *rendered {
	if p.tree != nil {
		return p.tree
	}
	p.tree = &rendered{open: map[string]string{}}
	answers := p.answers()
	for i, q := range p.plan.Path.Questions {
		if _, ok := p.plan.Path.Complete(answers)[q.Name]; ok && !p.wrong(answers, q.Name) {
			continue
		}
		if _, given := p.Answers[q.Name]; given {
			p.tree.err = p.plan.Path.Check(answers)
			return p.tree
		}
		delete(answers, q.Name)
		for _, form := range stand {
			text := strings.ReplaceAll(form, "%d", strconv.Itoa(i))
			answers[q.Name] = text
			if !p.wrong(answers, q.Name) {
				p.tree.open[strconv.Itoa(i)] = q.Name
				break
			}
			delete(answers, q.Name)
		}
	}
	p.tree.tree, p.tree.err = p.plan.Path.Render(answers, p.Defaults)
	return p.tree
}

// wrong reports whether an answer is missing or does not fit its question.
func (p *planner) wrong(answers paths.Answers, name string) bool {
	for _, err := range joined(p.plan.Path.Check(answers)) {
		var wrong paths.AnswerError
		if errors.As(err, &wrong) && wrong.Question == name {
			return true
		}
	}
	return false
}

func joined(err error) []error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()
	}
	return []error{err}
}

// answers are those of the command line, of the lock file, and what the repository itself shows.
func (p *planner) answers() paths.Answers {
	e := p.plan.Service
	known := map[string]string{
		"service_name": e.Name, "name": e.Name, "description": e.Description, "owner": e.Owner, "lifecycle": e.Lifecycle,
		"repository": e.Annotations["github.com/project-slug"], "system": nameOf(e.System),
		"tier": e.Labels["dxctl.dev/tier"], "on_call": e.Annotations["pagerduty.com/service-id"],
		"created_at": e.Annotations["dxctl.dev/created-at"],
	}
	if p.plan.Path.NameQuestion != "" {
		known[p.plan.Path.NameQuestion] = e.Name
	}
	if organization, _, ok := strings.Cut(known["repository"], "/"); ok && nameOf(e.Owner) != "" {
		known["code_owners"] = "@" + organization + "/" + nameOf(e.Owner)
	}
	if file := p.facts.Owners.Value; file != nil {
		for _, rule := range file.Rules {
			if rule.Pattern == "*" && len(rule.Owners) == 1 {
				known["code_owners"] = rule.Owners[0]
			}
		}
	}
	answers := paths.Answers{}
	for _, q := range p.plan.Path.Questions {
		if value := known[q.Name]; value != "" {
			answers[q.Name] = value
			if p.wrong(answers, q.Name) {
				delete(answers, q.Name)
			}
		}
	}
	if p.lock != nil {
		maps.Copy(answers, p.lock.Answers)
	}
	maps.Copy(answers, p.Answers)
	return answers
}

func nameOf(ref string) string {
	if parsed, err := identifier.ParseRef(ref, "", ""); err == nil {
		return parsed.Name
	}
	return ""
}

// addFiles adds the files with which the golden path makes a rule pass, where the repository has none. reason is why
// there is one that is not added. Files that fit only services made from the golden path are not among them.
func (p *planner) addFiles(r *Rule) (reason string) {
	added := false
	for _, f := range p.plan.Path.FixesOf(r.ID) {
		for _, name := range f.Files {
			if !fitsAll(name) {
				continue
			}
			if _, planned := p.files.changed[path.Join(p.plan.Dir, name)]; planned {
				continue // another patch writes it
			}
			why := p.addFile(name)
			if why != "" && reason == "" {
				reason = why
			}
			added = added || why == ""
		}
	}
	if added { // what was asked of nobody in particular is answered by the files
		r.Asks = slices.DeleteFunc(r.Asks, func(a Ask) bool { return a.Place == "" })
	}
	return reason
}

// fitsAll reports whether a file of a golden path fits a repository that was not made from it. Workflows, deployments,
// tasks and instructions are about files that only the services of the golden path have.
func fitsAll(name string) bool {
	special := strings.HasPrefix(name, ".github/workflows/") || strings.HasPrefix(name, "deploy/")
	return !special && name != "Makefile" && path.Base(name) != "AGENTS.md"
}

func (p *planner) addFile(name string) (reason string) {
	at := path.Join(p.plan.Dir, name)
	if _, exists := p.current(at); exists {
		return at + " exists, and somebody wrote it"
	}
	if other := p.elsewhere(name); other != "" {
		return other + " exists, and somebody wrote it"
	}
	r := p.render()
	if r.err != nil {
		return "the golden path cannot be rendered: " + r.err.Error()
	}
	i := slices.IndexFunc(r.tree, func(f paths.File) bool { return f.Path == name })
	if i < 0 {
		return "the golden path has no " + name + " for these answers"
	}
	if questions := r.unanswered(r.tree[i].Content); len(questions) > 0 {
		return fmt.Sprintf("%s of the golden path needs an answer: --answer %s=…", name,
			strings.Join(questions, "=… --answer "))
	}
	if reason := p.declined("", name); reason != "" {
		return at + " is " + reason
	}
	if p.lock != nil {
		if _, locked := p.lock.Files[name]; locked {
			return at + " was deleted by somebody since the golden path wrote it"
		}
	}
	if err := p.set(at, r.tree[i].Content); err != nil {
		return err.Error()
	}
	p.remember(&r.tree[i])
	return ""
}

// elsewhere returns a file of the repository that has the purpose of a file of the golden path in another place, where
// its readers look first or as well.
func (p *planner) elsewhere(name string) string {
	dir := p.plan.Dir
	var places []string
	switch base := path.Base(name); {
	case base == "CODEOWNERS" || base == "SECURITY.md":
		places = []string{".github/" + base, base, "docs/" + base, ".gitlab/" + base}
	case strings.EqualFold(base, "pull_request_template.md"):
		if t := p.facts.Documents.PullRequestTemplate; t.Value != "" {
			return t.Value
		}
	case base == "dependabot.yml":
		if r := p.facts.Dependencies.Renovate.Value; r != nil {
			return r.Path
		}
		places = []string{".github/dependabot.yml", ".github/dependabot.yaml"}
	case base == "LICENSE":
		if l := p.facts.Documents.License.Value; l != nil {
			return l.Path
		}
	case base == "catalog-info.yaml" && len(p.scope.Descriptors) > 0:
		return p.scope.Descriptors[0].At.Path
	case base == "Makefile" || container.IsDockerfile(name):
		for _, other := range []string{"makefile", "GNUmakefile", "Containerfile"} {
			places = append(places, path.Join(path.Dir(name), other))
		}
	}
	for _, place := range places {
		if at := path.Join(dir, place); place != name {
			if _, exists := p.current(at); exists {
				return at
			}
		}
	}
	return ""
}

// unanswered returns the questions whose answers a content needs.
func (r *rendered) unanswered(content []byte) (questions []string) {
	for _, match := range unanswered.FindAllSubmatch(content, -1) {
		if q := r.open[string(match[1])]; q != "" && !slices.Contains(questions, q) {
			questions = append(questions, q)
		}
	}
	slices.Sort(questions)
	return questions
}

// remember records a file of the golden path for the lock file.
func (p *planner) remember(f *paths.File) {
	if p.newLock == nil {
		p.newLock = p.startLock()
	}
	p.newLock.Files[f.Path] = pathlock.Entry{Mode: f.Mode, Hash: pathlock.Hash(f.Content)}
	p.modes[path.Join(p.plan.Dir, f.Path)] = string(f.Mode)
}

// startLock returns the lock file that there is, or a new one.
func (p *planner) startLock() *pathlock.Lock {
	if p.lock != nil {
		l := *p.lock
		l.Files, l.Answers = maps.Clone(p.lock.Files), maps.Clone(p.lock.Answers)
		if l.Files == nil {
			l.Files = map[string]pathlock.Entry{}
		}
		return &l
	}
	answers := p.answers()
	l := p.plan.Path.Lock(answers, p.Defaults, nil)
	return l
}

func (p *planner) writeLock() error {
	if p.newLock == nil {
		return nil
	}
	for name := range p.newLock.Files { // a file whose patch was refused
		if _, exists := p.current(path.Join(p.plan.Dir, name)); !exists {
			if _, before := p.lockFiles()[name]; !before {
				delete(p.newLock.Files, name)
			}
		}
	}
	if p.lock == nil && len(p.newLock.Files) == 0 {
		return nil
	}
	content, err := p.newLock.Encode()
	if err != nil {
		return err
	}
	if p.lock != nil {
		if before, err := p.lock.Encode(); err == nil && bytes.Equal(before, content) {
			return nil
		}
	}
	return p.set(path.Join(p.plan.Dir, pathlock.File), content)
}

func (p *planner) lockFiles() map[string]pathlock.Entry {
	if p.lock == nil {
		return nil
	}
	return p.lock.Files
}

func (p *planner) executable(name string) bool {
	if p.tree == nil {
		return false
	}
	return slices.ContainsFunc(p.tree.tree, func(f paths.File) bool {
		return f.Executable && path.Join(p.plan.Dir, f.Path) == name
	})
}

// images are digests: those given, and those that the templates of the golden path start from.
func (p *planner) images() map[string]string {
	all := map[string]string{}
	maps.Copy(all, p.Images)
	if r := p.render(); r.err == nil {
		for _, f := range r.tree {
			if !container.IsDockerfile(f.Path) {
				continue
			}
			d, err := container.Parse(f.Path, string(f.Content))
			if err != nil {
				continue
			}
			for _, s := range d.BaseImages() {
				if image := s.Image.Value; image.Digest != "" && image.Tag != "" {
					all[image.Name+":"+image.Tag] = image.Digest
				}
			}
		}
	}
	return all
}

// update updates the files that the golden path wrote to its current version.
func (p *planner) update(ctx context.Context) error {
	if p.lock == nil || len(p.Rules) > 0 || p.lock.Path.Digest == p.plan.Path.Digest && len(p.Answers) == 0 {
		return nil
	}
	if later(p.lock.Path.Version, p.plan.Path.Version) {
		p.note("the repository follows version %s of the golden path %s, which is later than %s here: its files stay as "+
			"they are", p.lock.Path.Version, p.plan.Path.Name, p.plan.Path.Version)
		return nil
	}
	r := p.render()
	if r.err != nil {
		p.note("the files of the golden path are not updated: %v", r.err)
		return nil //nolint:nilerr // it is a note of the plan: the rules are looked at nevertheless
	}
	base := p.base(ctx)
	p.newLock = p.plan.Path.Lock(p.answers(), p.Defaults, nil)
	p.newLock.Declined = p.lock.Declined
	if len(r.open) > 0 {
		var questions []string
		for _, q := range r.open {
			questions = append(questions, q)
		}
		slices.Sort(questions)
		p.note("the files of the golden path are not updated: its new version asks for %s; give --answer NAME=VALUE",
			strings.Join(questions, ", "))
		p.newLock = nil
		return nil
	}
	conflicts := len(p.plan.Conflicts)
	for i := range r.tree {
		if err := p.updateOne(ctx, &r.tree[i], base); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.lock.Files)) {
		if !slices.ContainsFunc(r.tree, func(f paths.File) bool { return f.Path == name }) {
			p.dropped(name)
		}
	}
	if len(p.plan.Conflicts) > conflicts {
		// The lock file keeps the version that the files in conflict come from, so that the next attempt has the same base.
		p.newLock = nil
		for name := range p.files.changed {
			delete(p.files.changed, name)
		}
	}
	return nil
}

// base renders the version of the golden path that the lock file records; nil if it is not to be had, or renders
// something else.
func (p *planner) base(ctx context.Context) map[string][]byte {
	var pinned *paths.Path
	switch {
	case p.lock.Path.Digest == p.plan.Path.Digest:
		pinned = p.plan.Path
	case p.Pinned != nil:
		pinned = p.Pinned(ctx, p.lock)
	}
	if pinned == nil || pinned.Digest != p.lock.Path.Digest {
		return nil
	}
	base := map[string][]byte{}
	tree, _ := pinned.Render(p.lock.Answers, paths.DefaultsOf(p.lock.Defaults)) // without a tree there is no base
	for _, f := range tree {
		base[f.Path] = f.Content
	}
	return base
}

func (p *planner) conflict(name, merged, format string, args ...any) {
	p.plan.Conflicts = append(p.plan.Conflicts, Conflict{Path: name, Reason: fmt.Sprintf(format, args...), Merge: merged})
}

// updateOne plans one file of the new version.
func (p *planner) updateOne(ctx context.Context, f *paths.File, base map[string][]byte) error {
	at := path.Join(p.plan.Dir, f.Path)
	now, exists := p.current(at)
	old, locked := p.lock.Files[f.Path]
	keep := func() { p.newLock.Files[f.Path] = pathlock.Entry{Mode: f.Mode, Hash: pathlock.Hash(f.Content)} }
	adopt := func(content []byte) error {
		keep()
		p.modes[at] = string(f.Mode)
		return p.set(at, content)
	}
	if reason := p.declined("", f.Path); reason != "" {
		p.note("%s is %s", at, reason)
		if locked {
			p.newLock.Files[f.Path] = old
		}
		return nil
	}
	switch {
	case exists && bytes.Equal(now, f.Content):
		keep()
	case !locked && !exists:
		return adopt(f.Content) // new in this version
	case !locked && f.Mode == paths.Once:
		p.note("%s is the repository's own; the golden path would write another one", at)
	case !locked && f.Mode != paths.Block:
		p.conflict(at, "", "the repository and the golden path both added it; take one, or decline the file in %s",
			pathlock.File)
	case locked && !exists:
		p.note("%s was deleted in the repository; it is not written again", at)
		p.newLock.Files[f.Path] = old
	case f.Mode == paths.Once:
		p.newLock.Files[f.Path] = old
	case f.Mode == paths.Block:
		content, err := replaceBlock(now, f.Content)
		if err != nil {
			p.conflict(at, "", "%v", err)
			return nil
		}
		return adopt(content)
	case pathlock.Hash(now) == old.Hash:
		return adopt(f.Content)
	case pathlock.Hash(f.Content) == old.Hash:
		p.newLock.Files[f.Path] = old // the golden path did not change it
	case f.Mode == paths.Managed:
		p.conflict(at, "", "it is managed by the golden path, and was changed in the repository; undo the change, or "+
			"decline the file in %s", pathlock.File)
	case base == nil || base[f.Path] == nil || pathlock.Hash(base[f.Path]) != old.Hash:
		p.conflict(at, "", "both changed it, and the version that the repository was made from (%s) is not to be had, so "+
			"they cannot be merged", p.lock.Path.Digest)
	default:
		merged, err := merge.Three(ctx, now, base[f.Path], f.Content)
		var conflict *merge.ConflictError
		if errors.As(err, &conflict) {
			p.conflict(at, string(conflict.Text), "%v", err)
			return nil
		}
		if err != nil {
			return err
		}
		if err := judge(at, now, merged); err != nil {
			p.conflict(at, "", "the merged file was refused: %v", err)
			return nil
		}
		return adopt(merged)
	}
	return nil
}

// dropped plans a file that the new version no longer has.
func (p *planner) dropped(name string) {
	at := path.Join(p.plan.Dir, name)
	now, exists := p.current(at)
	old := p.lock.Files[name]
	switch {
	case !exists:
	case old.Mode == paths.Managed && pathlock.Hash(now) == old.Hash:
		if err := p.set(at, nil); err != nil {
			p.note("%s is no longer in the golden path, and cannot be removed: %v", at, err)
		}
	default:
		p.note("%s is no longer in the golden path; it is now the repository's own", at)
	}
}

// blockBegin and blockEnd are in the lines around a block of the golden path in a file of the repository.
const blockBegin, blockEnd = "dxctl:begin", "dxctl:end"

// replaceBlock puts the block of a rendered file, the lines from its mark of the beginning to that of the end, into a
// file of the repository: in the place of the block that is there, else at the end.
func replaceBlock(now, want []byte) ([]byte, error) {
	from, to, err := blockOf(want)
	if err != nil {
		return nil, fmt.Errorf("the golden path's file %w", err)
	}
	if from == to { // the whole file is the block; it has no marks
		return nil, errors.New("the golden path's file has no lines with " + blockBegin + " and " + blockEnd)
	}
	block := want[from:to]
	if bytes.Contains(now, []byte("\r\n")) {
		block = bytes.ReplaceAll(bytes.ReplaceAll(block, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	start, end, err := blockOf(now)
	if err != nil {
		return nil, fmt.Errorf("the file %w", err)
	}
	if start == end {
		if len(now) > 0 && !bytes.HasSuffix(now, []byte("\n")) {
			block = append([]byte("\n"), block...)
		}
		return slices.Concat(now, block), nil
	}
	return slices.Concat(now[:start], block, now[end:]), nil
}

// blockOf returns where the block of a text is, with its marks; from equals to if there is none.
func blockOf(text []byte) (from, to int, err error) {
	at, begins, ends := 0, 0, 0
	for line := range bytes.Lines(text) {
		switch {
		case bytes.Contains(line, []byte(blockBegin)):
			begins++
			from = at
		case bytes.Contains(line, []byte(blockEnd)):
			ends++
			to = at + len(line)
		}
		at += len(line)
	}
	switch {
	case begins == 0 && ends == 0:
		return 0, 0, nil
	case begins != 1 || ends != 1 || to <= from:
		return 0, 0, fmt.Errorf("has %d lines with %s and %d with %s; one each, in this order, is expected", begins,
			blockBegin, ends, blockEnd)
	}
	return from, to, nil
}

// later reports whether a version is later than another one, by their numbers.
func later(a, b string) bool {
	numbers := func(version string) (n []int) {
		core, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
		for part := range strings.SplitSeq(core, ".") {
			value, err := strconv.Atoi(part)
			if err != nil {
				return nil
			}
			n = append(n, value)
		}
		return n
	}
	return slices.Compare(numbers(a), numbers(b)) > 0
}
