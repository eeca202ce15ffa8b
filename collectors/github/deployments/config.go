package deployments

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bmatcuk/doublestar/v4"
)

// Config says which records of a repository are deployments.
type Config struct {
	From        []Kind `yaml:"from"`        // default: deployments
	Environment string `yaml:"environment"` // of releases and tags; default production
	// Prereleases is the environment of prereleases; empty: they are not deployments.
	Prereleases string `yaml:"prereleases"`
	Tags        string `yaml:"tags"` // of releases and tags, only those whose tag matches: v*, shop-v*; default all
}

// Kind is a kind of record that can be a deployment.
type Kind string

// The values of Config.From.
const (
	FromDeployments Kind = "deployments"
	FromReleases    Kind = "releases"
	FromTags        Kind = "tags"
)

// Validate returns every mistake, joined.
func (d Config) Validate() error {
	var errs []error
	for i, from := range d.From {
		switch from {
		case FromDeployments, FromReleases, FromTags:
		default:
			errs = append(errs, fmt.Errorf("deployments.from %q: give deployments, releases or tags", string(from)))
		}
		if slices.Contains(d.From[:i], from) {
			errs = append(errs, fmt.Errorf("deployments.from: %s is listed twice", string(from)))
		}
	}
	if d.has(FromReleases) && d.has(FromTags) {
		errs = append(errs, errors.New("deployments.from: a release has a tag, so releases and tags together count a "+
			"version twice; give one of them"))
	}
	if !doublestar.ValidatePattern(d.Tags) {
		errs = append(errs, fmt.Errorf("deployments.tags %q: write a pattern such as v* or shop-v[0-9]*", d.Tags))
	}
	if !d.has(FromReleases) && !d.has(FromTags) && (d.Environment != "" || d.Tags != "" || d.Prereleases != "") {
		errs = append(errs, errors.New("deployments: environment, prereleases and tags are for from: [releases] or from: "+
			"[tags]; a deployment names its environment itself"))
	}
	return errors.Join(errs...)
}

// has reports whether records of a kind are deployments.
func (d Config) has(from Kind) bool {
	if len(d.From) == 0 {
		return from == FromDeployments
	}
	return slices.Contains(d.From, from)
}

// environment returns the environment of releases and tags.
func (d Config) environment() string {
	if d.Environment == "" {
		return "production"
	}
	return d.Environment
}

// wants reports whether a release or a tag with this name is a deployment.
func (d Config) wants(tag string) bool {
	if d.Tags == "" {
		return true
	}
	return doublestar.MatchUnvalidated(d.Tags, tag)
}
