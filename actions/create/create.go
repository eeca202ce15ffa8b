// Package create plans and makes a new service on a golden path: in a directory, or in a new repository on GitHub. A
// creation that was interrupted can be resumed, and cleaned up.
package create

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// Name is the name of the action.
const Name = "create"

// The names of the input.
const (
	NameField        = "name"
	PathField        = "golden_path"
	OwnerField       = "owner"
	DescriptionField = "description"
	DirField         = "dir"
	RepositoryField  = "repository"
	VisibilityField  = "visibility"
	SettingsField    = "settings"
	AnswersField     = "answers"
)

// CreatedAt is the question that is answered with the time of the plan, unless it was answered. The template writes it
// into the descriptor, so that the time to the first deployment begins with the service.
const CreatedAt = "created_at"

// ownerRule is a ref of a group or a user, or its name.
const ownerRule = `^([a-zA-Z]+:)?([a-z0-9]+(-+[a-z0-9]+)*/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`

// Descriptor describes the action.
func (a *Action) Descriptor() actions.Descriptor {
	return actions.Descriptor{
		Name:    Name,
		Command: "create service",
		Title:   "Create a service on a golden path",
		Description: "Renders the templates of a golden path with the answers to its questions, and writes them into a new " +
			"directory, with a first commit if it is in no git repository, or creates a repository on GitHub and pushes them " +
			"as its first commit. An interrupted creation is resumed with --resume, and undone with --cleanup.",
		Input:      a.fields(),
		Idempotent: true,
		Role:       actions.Engineer,
		Plan: []string{
			"Every file with its path, mode and bytes, the lock file .dxctl/golden-path.lock among them.",
			"The requests to GitHub, in their order, if it creates a repository.",
			"What it rests on: the digest of the golden path, and that there is no such directory or repository yet.",
			"The commands that come next, such as those that protect the default branch.",
		},
		Options: []actions.Option{
			{Flag: "yes", Description: "ask nothing, and create it", Applies: true},
			{Flag: "out", Description: "write the plan to a `FILE`, and create nothing"},
			{Flag: "apply", Description: "apply the plan in a `FILE` that --out wrote"},
			{Flag: "resume", Description: "continue the creation of NAME that was interrupted"},
			{Flag: "cleanup", Description: "delete what the creation of NAME has made"},
			{Flag: "confirm", Description: "with --cleanup: the `NAME` that it asks for, such as owner/name"},
		},
	}
}

func (a *Action) fields() []actions.Field {
	return []actions.Field{
		{Name: NameField, Title: "Name", Type: actions.String, Required: true, Argument: true, MaxLength: 63,
			Pattern: `^[a-z0-9]+(-[a-z0-9]+)*$`, Example: "payment-service",
			Description: "name of the service: lower-case letters, digits and single hyphens"},
		{Name: PathField, Title: "Golden path", Type: actions.String, Required: true, MaxLength: pathlock.MaxPath,
			Example: "go-service", Placeholder: "NAME",
			Description: "golden path to create it on; `dxctl path list` lists them, and a command line may name a directory"},
		{Name: OwnerField, Title: "Owner", Type: actions.String, Entity: "Group", MaxLength: 200, Pattern: ownerRule,
			Example: "group:default/payments", Description: "team that owns the service, as the catalog names it"},
		{Name: DescriptionField, Title: "Description", Type: actions.String, MaxLength: 350,
			Description: "what the service does, in a sentence; also of the repository on GitHub"},
		{Name: DirField, Title: "Directory", Type: actions.String, Local: true,
			Description: "directory of the service, which must be new or empty (default: its name)"},
		{Name: RepositoryField, Title: "Repository", Type: actions.String, MaxLength: 140,
			Pattern: `^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}/[A-Za-z0-9._-]{1,100}$`, Example: "acme/payment-service",
			Description: "repository to create on GitHub, as owner/name, instead of a directory"},
		{Name: VisibilityField, Title: "Visibility", Type: actions.String, Enum: []string{"private", "internal", "public"},
			Default: "private", Description: "who can see the repository on GitHub"},
		{Name: SettingsField, Title: "Settings", Type: actions.Boolean,
			Description: "also apply the settings of the repository on GitHub that rules ask for"},
		{Name: AnswersField, Title: "Answers", Type: actions.Texts, One: "answer", MaxLength: paths.MaxAnswer,
			Description: "answers to the questions of the golden path; `dxctl path show` lists them"},
	}
}

// Deps are what the action needs from outside.
type Deps struct {
	// Path returns the golden path of a name.
	Path func(ctx context.Context, name string) (*paths.Path, error)
	// Paths returns all golden paths, for forms. It may be nil.
	Paths    func(ctx context.Context) ([]*paths.Path, error)
	Defaults paths.Defaults
	Now      func() time.Time
	// Taken returns where an entity of the ref is described already; "" if it is new. It may be nil.
	Taken func(ref string) string
	// Unowned returns why the catalog would not find an owner; "" if it does, or has no owners at all. It may be nil.
	Unowned func(owner string) string
	// Surroundings returns what is known about where a service of an owner is created; with the owner "", the owner is
	// that of the person who creates it, if it is known. It may be nil.
	Surroundings func(owner string) Surroundings
	// Local is the working directory, to which directories are relative. Empty: nothing is written on this machine, and
	// no plan looks at its directories.
	Local string
	// GitHub returns where repositories are created. Nil: nothing is written there, and no plan asks GitHub.
	GitHub func() (*github.Host, error)
	// GitHubURL is the configured address of the server.
	GitHubURL string
	// Journals is the directory for what is known of creations that have begun.
	Journals string
	// Commands returns further commands for what comes next. It may be nil.
	Commands func(p actions.Plan, target Target) []actions.Command
}

// Target is where a service is created.
type Target struct {
	Name         string
	Dir          string              // absolute; empty: in a repository on GitHub, or nowhere
	InRepo       string              // root of the git repository that Dir is in; empty: none
	Repository   *github.Repository  // nil: in a directory
	ClonePage    string              // web page of the repository
	Environments []string            // of the golden path
	Workflows    []string            // paths of the workflows among the files
	Reviewers    []settings.Reviewer // of deployments to production; none: not known
}

// Action creates a service.
type Action struct {
	Deps
	// Resume is the journal of a creation that goes on; nil: a new one begins.
	Resume *Journal
	host   *github.Host
}

// New returns the action.
func New(deps Deps) *Action { return &Action{Deps: deps} }

// Prepared is an input with the answers that follow from it and from the surroundings.
type Prepared struct {
	Input   actions.Input
	Path    *paths.Path
	Derived []Derived // the answers among those of Input that nobody gave
}

// Prepare returns the input with the answers that follow from it, such as the name, the owner and the time of creation.
// Planning the same prepared input again gives the same plan. The error may be that an earlier creation of the service
// has not ended.
func (a *Action) Prepare(ctx context.Context, in actions.Input) (Prepared, error) {
	if a.Resume == nil {
		if err := a.unfinished(in.Text(NameField)); err != nil {
			return Prepared{}, err
		}
	}
	p, err := a.Path(ctx, in.Text(PathField))
	if err != nil {
		return Prepared{}, err
	}
	answers := maps.Clone(in.Texts(AnswersField))
	if answers == nil {
		answers = map[string]string{}
	}
	follows := func(question, value string) error {
		if _, asked := p.Question(question); !asked || value == "" {
			return nil
		}
		if given, ok := answers[question]; ok && given != value {
			return fmt.Errorf("the answer to %s is %q, and %q was given as well; give one of them", question, given, value)
		}
		answers[question] = value
		return nil
	}
	err = errors.Join(
		follows(p.NameQuestion, in.Text(NameField)),
		follows(OwnerField, in.Text(OwnerField)),
		follows(DescriptionField, in.Text(DescriptionField)),
		follows(RepositoryField, in.Text(RepositoryField)),
	)
	if answers[CreatedAt] == "" {
		err = errors.Join(err, follows(CreatedAt, a.Now().UTC().Format(time.RFC3339)))
	}
	derived := a.derive(p, in, answers)
	for _, d := range derived {
		answers[d.Question] = d.Answer
	}
	prepared := maps.Clone(in)
	prepared[AnswersField] = answers
	return Prepared{prepared, p, derived}, err
}

// Missing returns the questions of the path that the answers leave open.
func (p Prepared) Missing() []paths.Question {
	answers := p.Input.Texts(AnswersField)
	return slices.DeleteFunc(slices.Clone(p.Path.Questions), func(q paths.Question) bool {
		_, given := answers[q.Name]
		return given || q.Default != ""
	})
}

// Plan returns what would be created. The input must have been prepared.
func (a *Action) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	remote := a.Local == "" && a.GitHub == nil
	checked, err := a.Descriptor().Check(in, remote)
	if err != nil {
		return actions.Plan{}, err
	}
	ready, err := a.Prepare(ctx, checked)
	if err != nil {
		return actions.Plan{}, err
	}
	prepared, path := ready.Input, ready.Path
	name := prepared.Text(NameField)
	ref := "component:default/" + name
	if err := a.checkInput(prepared, ref, path); err != nil {
		return actions.Plan{}, err
	}
	files, err := a.files(path, prepared.Texts(AnswersField))
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{
		Action: Name, Entity: ref, Input: prepared, Files: files,
		Title: fmt.Sprintf("Create %s on the golden path %s", name, path.Name),
		On:    map[string]string{"golden path": path.Digest},
	}
	if path.Version != "" {
		p.Title += " " + path.Version
	}
	if owner := ownerOf(prepared); a.Unowned != nil && owner != "" {
		if why := a.Unowned(owner); why != "" {
			p.Notes = append(p.Notes, why)
		}
	}
	target := Target{Name: name, Environments: path.Spec.CICD.Environments, Workflows: workflows(files)}
	if err := a.target(ctx, &p, &target); err != nil {
		return actions.Plan{}, err
	}
	p.Commands = a.commands(p, target)
	for _, c := range path.Commands {
		p.Commands = append(p.Commands, actions.Command{Line: c.Run, Why: c.Why})
	}
	return p, nil
}

// checkInput returns what is wrong with the input besides its form.
func (a *Action) checkInput(in actions.Input, ref string, path *paths.Path) error {
	var errs []error
	if in.Text(RepositoryField) == "" {
		if in.Bool(SettingsField) {
			errs = append(errs, errors.New("settings are of a repository on GitHub; name it with --repository"))
		}
	} else if in.Text(DirField) != "" {
		errs = append(errs, errors.New("give dir or repository, not both: a repository on GitHub is created without a "+
			"directory, and the plan names the command that clones it"))
	}
	errs = append(errs, unusableName(NameField, in.Text(NameField)),
		unusableName(RepositoryField, in.Text(RepositoryField)),
		unusableName(AnswersField+"."+RepositoryField, in.Texts(AnswersField)[RepositoryField]))
	if len(path.Templates()) == 0 {
		errs = append(errs, fmt.Errorf("the golden path %s has no files in its directory %s, from which a service is "+
			"created; `dxctl path new` copies those of another golden path", path.Name, paths.TemplateDir))
	}
	if a.Taken != nil && a.Resume == nil {
		if where := a.Taken(ref); where != "" {
			errs = append(errs, fmt.Errorf("the catalog has %s already, in %s; choose another name, or adopt the golden path "+
				"there with `dxctl fix`", ref, where))
		}
	}
	return errors.Join(append(errs, answerErrors(path.Check(in.Texts(AnswersField))))...)
}

// unusableName reports a name of a service, or of a repository as owner/name, that is no name of a directory
// everywhere. Languages refuse such a name for a module, too.
func unusableName(input, name string) error {
	if name == "" {
		return nil
	}
	last := strings.ToLower(name[strings.LastIndex(name, "/")+1:])
	err := pathlock.CheckPath(name)
	switch {
	case strings.Trim(last, ".") == "" || strings.HasSuffix(last, ".git"):
		err = errors.New("is no name of a repository")
	case err == nil:
		return nil
	}
	return &actions.InputError{Input: input, Err: fmt.Errorf("%s: %q %w; choose another name", input, name, err)}
}

// answerErrors returns the errors of answers as those of inputs.
func answerErrors(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var errs []error
	for _, one := range joined.Unwrap() {
		if answer, ok := errors.AsType[paths.AnswerError](one); ok {
			one = &actions.InputError{Input: AnswersField + "." + strings.Trim(answer.Question, `"`), Err: one}
		}
		errs = append(errs, one)
	}
	return errors.Join(errs...)
}

// files renders the files of the service, with the lock file.
func (a *Action) files(path *paths.Path, answers map[string]string) ([]actions.FileChange, error) {
	tree, err := path.Render(answers, a.Defaults)
	if err != nil {
		return nil, err
	}
	lock, err := path.Lock(answers, a.Defaults, tree).Encode()
	if err != nil {
		return nil, err
	}
	files := make([]actions.FileChange, 0, len(tree)+1)
	for _, f := range tree {
		content := f.Content
		if content == nil { // nil would mean that the file is deleted
			content = []byte{}
		}
		files = append(files, actions.FileChange{
			Path: f.Path, After: content, Executable: f.Executable, Mode: string(f.Mode),
		})
	}
	files = append(files, actions.FileChange{Path: pathlock.File, After: lock})
	slices.SortFunc(files, func(x, y actions.FileChange) int { return strings.Compare(x.Path, y.Path) })
	return files, nil
}

// workflows returns the paths of the workflows among files.
func workflows(files []actions.FileChange) []string {
	var found []string
	for _, f := range files {
		if strings.HasPrefix(f.Path, ".github/workflows/") {
			found = append(found, f.Path)
		}
	}
	return found
}

// target adds to the plan where the service is created.
func (a *Action) target(ctx context.Context, p *actions.Plan, t *Target) error {
	if full := p.Input.Text(RepositoryField); full != "" {
		return a.repositoryTarget(ctx, p, t, full)
	}
	if a.Local == "" {
		p.On["directory"] = "not looked at"
		return nil
	}
	dir := p.Input.Text(DirField)
	if dir == "" {
		dir = t.Name
	}
	if t.Dir = dir; !filepath.IsAbs(dir) {
		t.Dir = filepath.Join(a.Local, dir)
	}
	state, root, err := inspect(ctx, t.Dir)
	if a.Resume != nil {
		state, err = a.Resume.On["directory"], nil
	}
	if err != nil {
		return err
	}
	p.On["directory"] = state
	t.InRepo = root
	if root == "" || state == emptyRepository {
		if _, err := exec.LookPath("git"); err != nil && a.Resume == nil {
			return errors.New("git is not installed, or not in PATH: install it; dxctl makes the first commit with it")
		}
		p.Notes = append(p.Notes, "The files become the first commit of a new git repository.")
		return nil
	}
	p.Notes = append(p.Notes, "The files are not committed: "+root+" is a git repository, and its next commit is yours.")
	forGitHub := slices.ContainsFunc(p.Files, func(f actions.FileChange) bool {
		return strings.HasPrefix(f.Path, ".github/")
	})
	if below := filepath.ToSlash(relative(root, t.Dir)); below != "." && forGitHub {
		p.Notes = append(p.Notes, "GitHub reads .github only at the root of a repository: move the files of "+below+
			"/.github there, and name the directory "+below+" in them.")
	}
	return nil
}

func (a *Action) repositoryTarget(ctx context.Context, p *actions.Plan, t *Target, full string) error {
	owner, name, _ := strings.Cut(full, "/")
	r := github.Repository{Owner: owner, Name: name, Description: p.Input.Text(DescriptionField),
		Visibility: p.Input.Text(VisibilityField)}
	t.Repository, t.ClonePage = &r, github.PagesURL(a.GitHubURL)+"/"+full
	ownerType := "Organization"
	switch {
	case a.Resume != nil:
		p.On["repository"], ownerType = a.Resume.On["repository"], a.Resume.OwnerType
	case a.GitHub == nil:
		p.On["repository"] = "not looked at"
	default:
		host, err := a.hostOf()
		if err != nil {
			return err
		}
		found, err := host.Find(ctx, full)
		if err != nil {
			return err
		}
		if found != nil {
			return fmt.Errorf("the repository %s exists already; choose another name, or adopt the golden path in it with "+
				"`dxctl fix`", found.FullName)
		}
		checked, err := host.Check(ctx, r, len(t.Workflows) > 0)
		if err != nil {
			return err
		}
		p.On["repository"], ownerType = "absent", checked.OwnerType
		p.Notes = append(p.Notes, checked.Notes...)
	}
	p.On["owner"] = ownerType
	requests, err := github.Requests(github.APIURL(a.GitHubURL), r, ownerType, p.Files, message(*p))
	if err != nil {
		return err
	}
	p.Requests = requests
	if !p.Input.Bool(SettingsField) {
		return nil
	}
	if err := a.reviewers(ctx, p, t); err != nil {
		return err
	}
	requests, notes := settingsOf(a.GitHubURL, *t, p.Files)
	p.Requests, p.Notes = append(p.Requests, requests...), append(p.Notes, notes...)
	return nil
}

// hostOf returns the host on which repositories are created.
func (a *Action) hostOf() (*github.Host, error) {
	if a.GitHub == nil {
		return nil, github.ErrNoCredentials
	}
	if a.host != nil {
		return a.host, nil
	}
	host, err := a.GitHub()
	a.host = host
	return host, err
}

// message is that of the first commit.
func message(p actions.Plan) string {
	return p.Title + "\n\nWritten by `dxctl create`; the answers are in " + pathlock.File + ".\n"
}
