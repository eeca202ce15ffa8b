// Package paths reads golden paths: directories that name the scorecards of a kind of service, and have the templates
// from which one is created and the files that make its rules pass. A golden path may come from strangers: everything
// in it is bounded, and nothing in it runs.
package paths

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/strictyaml"
)

// APIVersion and Kind may be the first keys of path.yaml.
const (
	APIVersion = "dxctl.dev/v1"
	Kind       = "GoldenPath"
)

// The files of a golden path.
const (
	DescriptionFile = "path.yaml"
	QuestionsFile   = "questions.yaml"
	FilesFile       = "files.yaml"
	ActionsFile     = "actions.yaml"
	TemplateDir     = "template"
	ScorecardsDir   = "scorecards"
	TestsDir        = "tests"
)

// Path is a golden path. It holds all of its files, so that what is rendered does not change while it is used. It is
// safe for concurrent use.
type Path struct {
	Name        string
	Version     string // "" if the path has none
	Title       string // the name if the path has none
	Description string
	Scorecards  []string // names of the scorecards that a service on the path follows
	Origin      Origin
	// Dir is the directory that the path was read from; "" if it is in none.
	Dir string
	// Digest is "sha256:" and the SHA-256 of what decides the result: names, executable bits and contents of all files
	// except tests and documents.
	Digest string
	// Spec is what path.yaml says, with placeholders as they are written.
	Spec Spec
	// Questions are asked before a service is created, in the order in which path.yaml and questions.yaml name them.
	Questions []Question
	// NameQuestion is the question whose answer is the name of the service: the one in service.name of path.yaml.
	NameQuestion string
	Fixes        []Fix
	Commands     []Command // shown after a service was created
	Actions      []Action
	// Cards are the scorecards of the path's own, from its directory scorecards.
	Cards []Card

	decided   []Question          // of questions.yaml that path.yaml has values for
	supports  map[string][]string // values of path.yaml, by the last part of their key
	patterns  []pattern
	templates []source
	uses      map[string][]Use // of functions, by name
	images    []string         // names of base images that templates ask for
	compared  []string         // texts that conditions of templates have
	fsys      fs.FS
	where     strictyaml.Positions // of path.yaml
}

// Origin is where a golden path comes from.
type Origin struct {
	Kind     string // Builtin, Directory or Git
	Location string // directory, or address of a git repository without credentials; "" for a built-in one
	Subdir   string // of the golden path in the repository; "." for its root, "" for other kinds
	Ref      string // tag or commit as configured; "" for other kinds
	Commit   string // full hash; "" for other kinds

	base string // name of the directory, where Location does not end in it
}

// The kinds of origins.
const (
	FromBinary    = "builtin"
	FromDirectory = "directory"
	FromGit       = "git"
)

// String returns the origin in words: "built-in", "directory golden-paths/pay", "https://… at v1.2 (0123456)".
func (o Origin) String() string {
	switch o.Kind {
	case FromBinary:
		return "built-in"
	case FromGit:
		text := fmt.Sprintf("%s at %s", o.Location, o.Ref)
		if !strings.HasPrefix(o.Commit, o.Ref) && len(o.Commit) >= 7 {
			text += fmt.Sprintf(" (%s)", o.Commit[:7])
		}
		if o.Subdir != "" && o.Subdir != "." {
			text += ", directory " + o.Subdir
		}
		return text
	}
	return "directory " + o.Location
}

// Source returns what a lock file records of the origin.
func (o Origin) Source() string {
	switch {
	case o.Kind == FromBinary:
		return FromBinary
	case o.Kind == FromGit && o.Subdir != "" && o.Subdir != ".":
		return o.Location + "//" + o.Subdir
	}
	return o.Location
}

// at returns the name of a file of the path as it is shown to people.
func (o Origin) at(name string) string {
	switch {
	case o.Kind == FromBinary:
		return "built-in:" + path.Join(o.Location, name)
	case o.Kind == FromGit && len(o.Commit) >= 7:
		return path.Join(o.Commit[:7]+":"+o.Subdir, name)
	case o.Location == "" || o.Location == ".":
		return name
	}
	return path.Join(o.Location, name)
}

// Spec is the description of a service in path.yaml. A value may have placeholders such as {{ service_name }}.
type Spec struct {
	Service        ServiceSpec        `yaml:"service" json:"service"`
	Infrastructure InfrastructureSpec `yaml:"infrastructure" json:"infrastructure"`
	Observability  ObservabilitySpec  `yaml:"observability" json:"observability"`
	CICD           CICDSpec           `yaml:"ci_cd" json:"ci_cd"`
}

// ServiceSpec is what the service is.
type ServiceSpec struct {
	Name      string `yaml:"name" json:"name"`
	Language  string `yaml:"language" json:"language"`
	Framework string `yaml:"framework" json:"framework"`
}

// InfrastructureSpec is what the service runs on.
type InfrastructureSpec struct {
	Compute  string `yaml:"compute" json:"compute"`
	Database string `yaml:"database" json:"database"`
	Cache    string `yaml:"cache" json:"cache"`
}

// ObservabilitySpec is how the service is observed.
type ObservabilitySpec struct {
	Metrics string `yaml:"metrics" json:"metrics"`
	Logging string `yaml:"logging" json:"logging"`
	Tracing string `yaml:"tracing" json:"tracing"`
}

// CICDSpec is how the service is built and deployed.
type CICDSpec struct {
	Pipeline       string   `yaml:"pipeline" json:"pipeline"`
	DeployStrategy string   `yaml:"deploy_strategy" json:"deploy_strategy"`
	Environments   []string `yaml:"environments" json:"environments"`
}

// Card is a scorecard in the directory of a golden path.
type Card struct {
	File string // as shown to people
	Data []byte
}

// description is path.yaml as it is written.
type description struct {
	APIVersion  string              `yaml:"apiVersion"`
	Kind        string              `yaml:"kind"`
	Name        string              `yaml:"name"`
	Version     string              `yaml:"version"`
	Title       string              `yaml:"title"`
	Description string              `yaml:"description"`
	Scorecards  []string            `yaml:"scorecards"`
	Supports    map[string][]string `yaml:"supports"`
	Spec        `yaml:",inline"`
}

// namePattern is that of a golden path. It is part of commands and of addresses.
var namePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// versionPattern is what a version may be: it is shown in lists and pull requests.
var versionPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$`)

// Load reads a golden path. The error joins all mistakes, each a [strictyaml.Mistake] with its place.
func Load(fsys fs.FS, origin Origin) (*Path, error) {
	found, err := read(fsys)
	if err != nil {
		return nil, fmt.Errorf("reading the golden path in %s: %w", origin.where(), err)
	}
	l := loader{
		p:     &Path{Origin: origin, fsys: fsys, Digest: found.digest()},
		found: found,
	}
	l.load()
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return l.p, nil
}

func (o Origin) where() string {
	if o.Kind == FromBinary {
		return o.at("")
	}
	return o.String()
}

// loader collects the mistakes of a golden path.
type loader struct {
	p     *Path
	found contents
	spec  specReader
	errs  []error
}

func (l *loader) add(err error) {
	for _, m := range strictyaml.Mistakes(err) {
		l.errs = append(l.errs, m)
	}
}

// document is a YAML file of the path that was decoded.
type document struct {
	file  string // as shown to people
	where strictyaml.Positions
	l     *loader
}

func (d *document) fail(at, format string, args ...any) {
	line, column := d.where.Place(at)
	d.l.errs = append(d.l.errs, strictyaml.Mistake{
		File: d.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...),
	})
}

// decode reads a YAML file of the path into dest. ok is false if there is none, or nothing can be read of it.
func (l *loader) decode(name string, dest any) (d *document, ok bool) {
	file, exists := l.found[name]
	if !exists {
		return nil, false
	}
	d = &document{file: l.p.Origin.at(name), l: l}
	docs, err := strictyaml.Read(d.file, file.data)
	switch {
	case err != nil:
		l.add(err)
		return d, false
	case len(docs) == 0:
		return d, true
	case len(docs) > 1:
		l.add(strictyaml.Mistake{File: d.file, Line: docs[1].Root.Line,
			Message: "the file has several YAML documents; keep only the first one"})
		return d, false
	}
	if err := docs[0].RefuseAliases(); err != nil {
		l.add(err)
		return d, false
	}
	where, err := docs[0].Decode(dest)
	d.where = where
	l.add(quoteHint(err, file.data))
	return d, true
}

// quoteHint adds to mistakes on lines with an unquoted placeholder, which YAML reads as a mapping, what to do.
func quoteHint(err error, text []byte) error {
	lines := strings.Split(string(text), "\n")
	var errs []error
	for _, m := range strictyaml.Mistakes(err) {
		if m.Line > 0 && m.Line <= len(lines) && unquoted.MatchString(lines[m.Line-1]) {
			m.Message += `; put a placeholder in quotes: "{{ service_name }}"`
		}
		errs = append(errs, m)
	}
	return errors.Join(errs...)
}

var unquoted = regexp.MustCompile(`(:|-)\s+\{\{`)

func (l *loader) load() {
	l.unknownFiles()
	var written description
	d, ok := l.decode(DescriptionFile, &written)
	if d == nil {
		l.add(strictyaml.Mistake{File: l.p.Origin.at(DescriptionFile), Message: "the file is missing; a golden path is a " +
			"directory with path.yaml: `dxctl path new DIR` writes one"})
		return
	}
	if !ok {
		return
	}
	l.p.where = d.where
	l.describe(d, &written)
	l.spec = newSpecReader(d, &written)
	l.p.Spec, l.p.supports = written.Spec, l.spec.supports
	l.spec.read()
	l.questions()
	l.files()
	l.actions()
	l.scorecards()
	l.template()
}

func (l *loader) describe(d *document, w *description) {
	p := l.p
	if w.APIVersion != "" && w.APIVersion != APIVersion {
		d.fail("apiVersion", "apiVersion is %q; write %s", w.APIVersion, APIVersion)
	}
	if w.Kind != "" && w.Kind != Kind {
		d.fail("kind", "kind is %q; write %s", w.Kind, Kind)
	}
	if p.Name = w.Name; p.Name == "" {
		p.Name = p.Origin.defaultName()
	}
	if !namePattern.MatchString(p.Name) || len(p.Name) > 63 {
		d.fail("name", "name %.80q is not lower-case letters, digits and single hyphens, at most 63; write for example "+
			"name: go-service", p.Name)
	}
	if p.Version = w.Version; p.Version != "" && !versionPattern.MatchString(p.Version) {
		d.fail("version", "version %.80q is not letters, digits, dots, hyphens, plus and underscores, at most 64; write "+
			"for example version: 1.2.0", p.Version)
	}
	if p.Title = strings.TrimSpace(w.Title); p.Title == "" {
		p.Title = p.Name
	}
	p.Description = strings.TrimSpace(w.Description)
	for i, name := range w.Scorecards {
		if !namePattern.MatchString(name) || slices.Index(w.Scorecards, name) != i {
			d.fail(fmt.Sprintf("scorecards[%d]", i), "scorecard %.80q is no name of a scorecard, or is listed twice", name)
		}
	}
	if w.Scorecards != nil && len(w.Scorecards) == 0 {
		d.fail("scorecards", "scorecards is empty; name at least one, or remove the key for %s",
			strings.Join(DefaultScorecards, ", "))
	}
	if p.Scorecards = w.Scorecards; len(p.Scorecards) == 0 {
		p.Scorecards = slices.Clone(DefaultScorecards)
	}
}

// DefaultScorecards are the built-in scorecards, which a golden path follows that names none.
var DefaultScorecards = []string{"production-readiness", "delivery", "developer-experience"}

// defaultName returns the name of a path that names none itself: that of its directory, in the form of names.
func (o Origin) defaultName() string {
	name := cmp.Or(o.base, o.Location)
	if o.Kind == FromGit && o.Subdir != "" && o.Subdir != "." {
		name = o.Subdir
	}
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	return strings.Trim(notName.ReplaceAllString(strings.ToLower(strings.TrimSuffix(name, ".git")), "-"), "-")
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// scorecards reads the scorecards of the path's own.
func (l *loader) scorecards() {
	for _, name := range slices.Sorted(maps.Keys(l.found)) {
		if path.Dir(name) == ScorecardsDir && !strings.HasSuffix(name, ".test.yaml") {
			l.p.Cards = append(l.p.Cards, Card{File: l.p.Origin.at(name), Data: l.found[name].data})
		}
	}
}

// Question returns a question.
func (p *Path) Question(name string) (Question, bool) {
	i := slices.IndexFunc(p.Questions, func(q Question) bool { return q.Name == name })
	if i < 0 {
		return Question{}, false
	}
	return p.Questions[i], true
}

// Supports returns the values that a key of path.yaml may have, such as "database".
func (p *Path) Supports(key string) []string { return slices.Clone(p.supports[key]) }

// At returns the name of a file of the path as it is shown to people.
func (p *Path) At(name string) string { return p.Origin.at(name) }

// Mistake returns an error about a value of path.yaml, such as "scorecards[1]", with its place.
func (p *Path) Mistake(at, format string, args ...any) strictyaml.Mistake {
	line, column := p.where.Place(at)
	return strictyaml.Mistake{
		File: p.At(DescriptionFile), Line: line, Column: column, Message: fmt.Sprintf(format, args...),
	}
}

// Lock returns the lock file of a service that was rendered from the path.
func (p *Path) Lock(a Answers, d Defaults, t Tree) *pathlock.Lock {
	l := &pathlock.Lock{
		Path: pathlock.Path{
			Name: p.Name, Version: p.Version, Source: p.Origin.Source(), Ref: p.Origin.Ref, Commit: p.Origin.Commit,
			Digest: p.Digest,
		},
		Answers:  p.Complete(a),
		Defaults: d.Values(),
		Files:    map[string]pathlock.Entry{},
	}
	for _, f := range t {
		l.Files[f.Path] = pathlock.NewEntry(f.Mode, f.Content)
	}
	return l
}
