package fix

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
	// images are the digests of the base images in the files, by "name:tag".
	images map[string]string
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
	if p.tree == nil {
		p.tree = fill(p.plan.Path, p.answers(), p.Answers, p.Defaults)
		p.tree.images = baseImages(p.tree.tree)
	}
	return p.tree
}

// fill renders a golden path with answers; texts that are recognized stand for those that are missing or do not fit.
// What is wrong with an answer that somebody gave is an error.
func fill(path *paths.Path, answers, given paths.Answers, defaults paths.Defaults) *rendered {
	r := &rendered{open: map[string]string{}}
	answers = maps.Clone(answers)
	if answers == nil {
		answers = paths.Answers{}
	}
	for i, q := range path.Questions {
		if _, ok := path.Complete(answers)[q.Name]; ok && !wrong(path, answers, q.Name) {
			continue
		}
		if _, ok := given[q.Name]; ok {
			r.err = path.Check(answers)
			return r
		}
		delete(answers, q.Name)
		for _, form := range stand {
			answers[q.Name] = strings.ReplaceAll(form, "%d", strconv.Itoa(i))
			if !wrong(path, answers, q.Name) {
				r.open[strconv.Itoa(i)] = q.Name
				break
			}
			delete(answers, q.Name)
		}
	}
	r.tree, r.err = path.Render(answers, defaults)
	return r
}

// wrong reports whether an answer is missing or does not fit its question.
func wrong(path *paths.Path, answers paths.Answers, name string) bool {
	for _, err := range joined(path.Check(answers)) {
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
			if wrong(p.plan.Path, answers, q.Name) {
				delete(answers, q.Name)
			}
		}
	}
	if p.lock != nil {
		for name, answer := range p.lock.Answers {
			if _, asked := p.plan.Path.Question(name); asked { // a newer version may not ask it any longer
				answers[name] = answer
			}
		}
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
			if p.plan.Dir != "." && rootOnly(name) {
				r.ask(name, p.atRoot(name))
				continue
			}
			if declined := p.declined("", name); declined != "" {
				r.decline(name + " is " + declined)
				continue
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
	if reason := p.unwanted(at); reason != "" {
		return reason
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
	p.newLock.Files[f.Path] = pathlock.NewEntry(f.Mode, f.Content)
	p.modes[path.Join(p.plan.Dir, f.Path)] = string(f.Mode)
}

// startLock returns the lock file that there is, with the answers that were given since, or a new one. The service was
// not created from the golden path then.
func (p *planner) startLock() *pathlock.Lock {
	if p.lock == nil {
		l := p.plan.Path.Lock(p.answers(), p.Defaults, nil)
		l.Adopted = true
		if p.refusal != nil {
			l.Declined = p.refusal.Declined
		}
		return l
	}
	l := copied(p.lock)
	maps.Copy(l.Answers, p.plan.Path.Complete(p.answers()))
	return l
}

func copied(lock *pathlock.Lock) *pathlock.Lock {
	l := *lock
	l.Files, l.Answers = maps.Clone(lock.Files), maps.Clone(lock.Answers)
	l.Removed = slices.Clone(lock.Removed)
	if l.Files == nil {
		l.Files = map[string]pathlock.Entry{}
	}
	if l.Answers == nil {
		l.Answers = map[string]string{}
	}
	return &l
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
	at := path.Join(p.plan.Dir, pathlock.File)
	if now, err := p.read(at); err == nil && windows(now.Content) {
		content = toWindows(content)
	}
	return p.set(at, content)
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
	all := maps.Clone(p.render().images)
	for image, digest := range p.Images {
		if _, ok := all[image]; !ok {
			all[image] = digest
		}
	}
	return all
}

// baseImages returns the digests of the base images of the Dockerfiles among files, by "name:tag".
func baseImages(files paths.Tree) map[string]string {
	all := map[string]string{}
	for _, f := range files {
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
	return all
}
