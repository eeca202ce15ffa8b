package paths

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Config names golden paths besides those of the binary, and what all of them use.
type Config struct {
	// Sources are directories and git repositories with golden paths. Of several paths with one name the first counts,
	// and the built-in ones come last.
	Sources []Source `yaml:"sources"`
	// Defaults are the values of the organization.
	Defaults Defaults `yaml:"defaults"`
}

// Source is a directory or a git repository, or a directory in one. It is a golden path, or its directories are.
type Source struct {
	Git string `yaml:"git"` // address of a repository; "": Dir is a directory of this machine
	Ref string `yaml:"ref"` // tag or commit, required with Git
	Dir string `yaml:"dir"` // with Git: in the repository, "" for its root; else relative to the configuration
}

// Defaults are the values of an organization that templates use: {{ default "registry" }}.
type Defaults struct {
	Registry      string            `yaml:"registry"`       // of images: ghcr.io/acme
	BaseImages    map[string]string `yaml:"base_images"`    // by a name that templates use, such as go
	Runner        Labels            `yaml:"runner"`         // labels of the machine that runs workflows
	PackageMirror string            `yaml:"package_mirror"` // address from which packages are installed
	CloudIdentity string            `yaml:"cloud_identity"` // that workflows take to deploy: a role or a service account
	GitHubOwner   string            `yaml:"github_owner"`   // organization or user on GitHub that new repositories belong to
	// Answers are those that all new services have to questions of golden paths: organization, security_contact.
	Answers map[string]string `yaml:"answers"`
}

// Labels are one or several labels of a runner. They are written as a text or a list of texts.
type Labels []string

// UnmarshalYAML reads a text or a list of texts.
func (l *Labels) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		var text string
		err := n.Decode(&text)
		*l = Labels{text}
		return err
	}
	var list []string
	err := n.Decode(&list)
	*l = list
	return err
}

// String returns the labels as workflows have them: one label, or a list in brackets.
func (l Labels) String() string {
	if len(l) == 1 {
		return l[0]
	}
	if len(l) == 0 {
		return ""
	}
	return "[" + strings.Join(l, ", ") + "]"
}

// labels returns the labels that String returned.
func labels(text string) Labels {
	inner, ok := strings.CutPrefix(strings.TrimSuffix(text, "]"), "[")
	switch {
	case text == "":
		return nil
	case !ok:
		return Labels{text}
	}
	return strings.Split(inner, ", ")
}

var (
	registryPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
	imagePattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?$`)
	labelPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	identityPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:/@._+=,-]*$`)
	accountPattern  = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$`)
	imageName       = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)
)

const maxLabels = 20

// Validate reports what is wrong with the section, all at once.
func (c Config) Validate() error {
	var errs []error
	for i, s := range c.Sources {
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("paths.sources[%d]: %w", i, err))
		}
	}
	return errors.Join(append(errs, c.Defaults.Validate())...)
}

// Validate reports what is wrong with a source.
func (s Source) Validate() error {
	if s.Git == "" {
		switch {
		case strings.TrimSpace(s.Dir) == "":
			return errors.New("it names neither a directory nor a repository; write dir: golden-paths, or git: and ref")
		case s.Ref != "":
			return errors.New("ref is for repositories; remove it, or write git: with the address of the repository")
		}
		return nil
	}
	if s.Ref == "" {
		return errors.New("ref is missing; name a tag or a commit, so that the golden path changes only when you change it")
	}
	if !tagPattern.MatchString(s.Ref) || strings.Contains(s.Ref, "..") || strings.HasSuffix(s.Ref, ".lock") {
		return fmt.Errorf("ref %.80q is not the name of a tag or commit", s.Ref)
	}
	if s.Dir != "" && (path.IsAbs(s.Dir) || strings.HasPrefix(path.Clean(s.Dir), "..")) {
		return fmt.Errorf("dir %.80q lies outside the repository", s.Dir)
	}
	return checkAddress(s.Git)
}

// checkAddress refuses addresses of repositories that git would run a command for, and those that hold a secret.
func checkAddress(address string) error {
	if err := safeText(address); err != nil || strings.HasPrefix(address, "-") || strings.Contains(address, "::") {
		return fmt.Errorf("git %.80q is not the address of a repository, such as https://github.com/acme/golden-paths",
			address)
	}
	u, err := url.Parse(address)
	switch {
	case scpPattern.MatchString(address), !strings.Contains(address, "://"):
		return nil
	case err != nil:
		return errors.New("git is not an address that can be read; write for example https://github.com/acme/golden-paths")
	case !slices.Contains([]string{"https", "ssh", "file"}, u.Scheme):
		return fmt.Errorf("git has the scheme %.20q; use https, ssh or a directory", u.Scheme)
	}
	if _, secret := u.User.Password(); secret || u.Scheme == "https" && u.User != nil {
		return errors.New("git holds credentials; let git's credential helper give them, and remove them from the address")
	}
	return nil
}

// scpPattern matches addresses such as git@github.com:acme/golden-paths.
var scpPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^:]+$`)

// DefaultError is a mistake in a value of paths.defaults.
type DefaultError struct {
	Key     string // "runner", "base_images.go"
	Message string // begins with the key
}

// Error returns the sentence.
func (e DefaultError) Error() string { return "paths.defaults." + e.Message }

// Validate reports what is wrong with the defaults, all at once: the error joins a [DefaultError] for each mistake.
func (d Defaults) Validate() error {
	var errs []error
	fail := func(format string, args ...any) {
		message := fmt.Sprintf(format, args...)
		key := message[:strings.IndexAny(message, " :")]
		errs = append(errs, DefaultError{Key: key, Message: message})
	}
	if d.Registry != "" && !registryPattern.MatchString(d.Registry) {
		fail("registry %.80q is not a registry of images with the beginning of a name, such as ghcr.io/acme", d.Registry)
	}
	for _, name := range slices.Sorted(maps.Keys(d.BaseImages)) {
		if !imageName.MatchString(name) {
			fail("base_images: name %.80q is not lower-case letters, digits and hyphens", name)
		}
		if !imagePattern.MatchString(d.BaseImages[name]) {
			fail("base_images.%.80s %.80q is not an image, such as registry.acme.example/base/go:1.26", name, d.BaseImages[name])
		}
	}
	if len(d.Runner) > maxLabels {
		fail("runner has %d labels; at most %d are supported", len(d.Runner), maxLabels)
	}
	for _, label := range d.Runner {
		if !labelPattern.MatchString(label) {
			fail("runner: label %.80q is not letters, digits, dots, hyphens and underscores", label)
		}
	}
	if d.PackageMirror != "" {
		u, err := url.Parse(d.PackageMirror)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || safeText(d.PackageMirror) != nil ||
			strings.ContainsAny(d.PackageMirror, "'\" <>\\") {
			fail("package_mirror is not an address, such as https://packages.acme.example")
		} else if u.User != nil || u.RawQuery != "" {
			fail("package_mirror holds credentials or a query; services read them from their environment, so remove them here")
		}
	}
	if d.CloudIdentity != "" && !identityPattern.MatchString(d.CloudIdentity) {
		fail("cloud_identity %.80q is not the name of a role or a service account", d.CloudIdentity)
	}
	if d.GitHubOwner != "" && !accountPattern.MatchString(d.GitHubOwner) {
		fail("github_owner %.80q is not the name of an organization or a user on GitHub, such as acme", d.GitHubOwner)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Answers)) {
		if !questionPattern.MatchString(name) {
			fail("answers: %.80q is not the name of a question: lower-case letters, digits and single underscores", name)
		}
		if err := (&Question{Name: name}).Check(d.Answers[name]); err != nil {
			fail("answers.%.80s: the answer %v", name, err)
		}
	}
	return errors.Join(errs...)
}
