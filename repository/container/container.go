// Package container reads Dockerfiles: their stages, the images that they start from with build arguments resolved,
// and the user and the health check of the image that results.
package container

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// Dockerfile is a parsed Dockerfile or Containerfile.
type Dockerfile struct {
	Path   string
	Stages []Stage // at least one; the last one is the image
}

// Stage is what follows one FROM.
type Stage struct {
	Name     string // after AS; "" if it has none
	At       fact.Location
	Platform string
	// Base is the index in Stages of an earlier stage that this one starts from; -1 if it starts from an image.
	Base  int
	Image fact.Value[Image] // that it starts from; unknown with Base ≥ 0, or if an argument has no default

	user        *instructions.UserCommand
	userAt      int
	health      *instructions.HealthCheckCommand
	healthAt    int
	starts      bool // it has a CMD or an ENTRYPOINT
	drops       fact.Location
	environment map[string]string // what ARG and ENV of the stage define
}

// Set is what a repository has of Dockerfiles.
type Set struct {
	Files      []Dockerfile
	Unreadable []fact.Problem
	Builders   []Builder
	Artifacts  []Artifact
}

// maxInstructions bounds the instructions of a file.
const maxInstructions = 5_000

var fileName = regexp.MustCompile(`(?i)^((docker|container)file([._-][\w.-]+)?|[\w.-]+\.(docker|container)file)$`)

// IsDockerfile reports whether a file is a Dockerfile by its name.
func IsDockerfile(name string) bool {
	base := path.Base(name)
	if !fileName.MatchString(base) {
		return false
	}
	switch strings.ToLower(path.Ext(base)) {
	case ".dockerignore", ".containerignore", ".md", ".go", ".py", ".js", ".ts", ".sh", ".yml", ".yaml", ".json", ".txt":
		return false
	}
	return !tree.Template(base)
}

// Read reads the Dockerfiles of a repository, except those of vendored code, tests and examples. A file that cannot be
// read is in Unreadable and costs no other.
func Read(t *tree.Tree) Set {
	var s Set
	s.readBuilders(t)
	for _, f := range t.Files {
		if !IsDockerfile(f.Path) || f.Link || !t.Own(f.Path) {
			continue
		}
		err := fact.Contain(func() error {
			text, err := t.Text(f)
			if err != nil {
				return err
			}
			d, err := Parse(f.Path, text)
			if err == nil {
				s.Files = append(s.Files, *d)
			}
			return err
		})
		if err != nil {
			s.Unreadable = append(s.Unreadable, fact.Problem{At: fact.Location{Path: f.Path}, Reason: err.Error()})
		}
	}
	return s
}

// Parse reads a Dockerfile with the parser of BuildKit.
func Parse(file, text string) (*Dockerfile, error) {
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("it is not a Dockerfile: %w", err)
	}
	if len(parsed.AST.Children) > maxInstructions {
		return nil, fmt.Errorf("it has more than %d instructions", maxInstructions)
	}
	stages, global, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, fmt.Errorf("it is not a Dockerfile: %w", err)
	}
	if len(stages) == 0 {
		return nil, errors.New("it has no FROM")
	}
	arguments := map[string]string{}
	for _, command := range global {
		define(arguments, command.Args, nil)
	}
	d := &Dockerfile{Path: file}
	for _, s := range stages {
		d.Stages = append(d.Stages, d.stage(s, arguments))
	}
	return d, nil
}

// unquoted removes the quotes of a word, as BuildKit does.
var unquoted = strings.NewReplacer(`"`, "", "'", "")

// define adds build arguments to a scope. One without a default takes the value of the global one of the same name.
func define(scope map[string]string, args []instructions.KeyValuePairOptional, global map[string]string) {
	for _, arg := range args {
		if arg.Value == nil {
			if value, ok := global[arg.Key]; ok {
				scope[arg.Key] = value
			} else {
				delete(scope, arg.Key)
			}
			continue
		}
		if value, missing := expand(*arg.Value, scope); missing == "" {
			scope[arg.Key] = unquoted.Replace(value)
		} else {
			delete(scope, arg.Key)
		}
	}
}

func (d *Dockerfile) stage(parsed instructions.Stage, global map[string]string) Stage {
	s := Stage{
		Name:        parsed.Name,
		At:          fact.Location{Path: d.Path, Line: line(parsed.Location)},
		Platform:    parsed.Platform,
		Base:        -1,
		environment: map[string]string{},
	}
	base, missing := expand(parsed.BaseName, global)
	base = unquoted.Replace(base)
	for i, earlier := range d.Stages {
		if strings.EqualFold(earlier.Name, base) && base != "" {
			s.Base = i
		}
	}
	switch {
	case missing != "":
		s.Image = fact.Unknown[Image](s.At, "the build argument %s has no default", missing)
	case s.Base >= 0:
		s.Image = fact.Unknown[Image](s.At, "it starts from the stage %s", base)
	case IsPlaceholder(base):
		s.Image = fact.Unknown[Image](s.At, "the image is the placeholder %q", base)
	default:
		s.Image = fact.Known(ParseImage(base), s.At)
	}
	if s.Base >= 0 {
		for key, value := range d.Stages[s.Base].environment {
			s.environment[key] = value
		}
	}
	for _, command := range parsed.Commands {
		switch c := command.(type) {
		case *instructions.ArgCommand:
			define(s.environment, c.Args, global)
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				if value, missing := expand(pair.Value, s.environment); missing == "" {
					s.environment[pair.Key] = value
				} else {
					delete(s.environment, pair.Key)
				}
			}
		case *instructions.UserCommand:
			s.user, s.userAt = c, line(c.Location())
		case *instructions.HealthCheckCommand:
			s.health, s.healthAt = c, line(c.Location())
		case *instructions.CmdCommand, *instructions.EntrypointCommand:
			s.starts = true
		}
		if text, ok := command.(fmt.Stringer); ok && dropsUser.MatchString(text.String()) {
			s.drops = fact.Location{Path: d.Path, Line: line(command.Location())}
		}
	}
	return s
}

// dropsUser finds programs with which an entry point that starts as root goes on as another user.
var dropsUser = regexp.MustCompile(`\b(gosu|su-exec|setpriv|s6-setuidgid|s6-overlay|runuser)\b`)

// Drops returns where the image gets a program with which its entry point can change to another user. ok is false if
// there is none.
func (d *Dockerfile) Drops() (at fact.Location, ok bool) {
	for s := d.Final(); ; s = &d.Stages[s.Base] {
		if s.drops.Path != "" {
			return s.drops, true
		}
		if s.Base < 0 {
			return fact.Location{}, false
		}
	}
}

// Starts reports whether the image starts a program by itself. One that is made of nothing and has neither a CMD nor an
// ENTRYPOINT only carries files.
func (d *Dockerfile) Starts() bool {
	for s := d.Final(); ; s = &d.Stages[s.Base] {
		if s.starts {
			return true
		}
		if s.Base < 0 {
			return s.Image.Value.Pin != PinNothing
		}
	}
}

func line(ranges []parser.Range) int {
	if len(ranges) == 0 {
		return 0
	}
	return ranges[0].Start.Line
}

// Final returns the stage whose image results.
func (d *Dockerfile) Final() *Stage { return &d.Stages[len(d.Stages)-1] }

// BaseImages returns the stages that start from an image: earlier stages and the empty image "scratch" are left out.
func (d *Dockerfile) BaseImages() []*Stage {
	var stages []*Stage
	for i := range d.Stages {
		if s := &d.Stages[i]; s.Base < 0 && s.Image.Value.Name != "scratch" {
			stages = append(stages, s)
		}
	}
	return stages
}

// User returns the user as which the container runs: that of the last USER of the final stage, or of the stages and
// the image that it starts from. It is unknown if only the image decides, and the image is not known to this package.
func (d *Dockerfile) User() fact.Value[User] {
	s := d.Final()
	for {
		if s.user != nil {
			at := fact.Location{Path: d.Path, Line: s.userAt}
			name, missing := expand(s.user.User, s.environment)
			if missing != "" {
				return fact.Unknown[User](at, "the user is %s, and %s has no default", s.user.User, missing)
			}
			return fact.Known(ParseUser(name), at)
		}
		if s.Base < 0 {
			break
		}
		s = &d.Stages[s.Base]
	}
	if !s.Image.Known {
		return fact.Unknown[User](s.At, "there is no USER, and the image is unknown: %s", s.Image.Reason)
	}
	if user, ok := s.Image.Value.defaultUser(); ok {
		return fact.Known(ParseUser(user), s.At)
	}
	return fact.Unknown[User](s.At, "there is no USER, so the image %s decides, which is not read", s.Image.Value.Text)
}

// HealthCheck returns whether the image has a HEALTHCHECK. One of the image that it starts from is not known.
func (d *Dockerfile) HealthCheck() fact.Value[bool] {
	for s := d.Final(); ; s = &d.Stages[s.Base] {
		if s.health != nil {
			none := s.health.Health == nil || len(s.health.Health.Test) > 0 && s.health.Health.Test[0] == "NONE"
			return fact.Known(!none, fact.Location{Path: d.Path, Line: s.healthAt})
		}
		if s.Base < 0 {
			return fact.Known(false, d.Final().At)
		}
	}
}
