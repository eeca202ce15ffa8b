package source

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// FactNames are the names of the facts that a source reports itself: complete names such as security.open_alerts, and
// prefixes such as security.*. A fact has one source, so the names of two sources must not overlap.
type FactNames []string

// ownFacts are the first parts of the names of facts that dxctl itself observes or computes. No configured source may
// report such facts: they could not be distinguished from those of dxctl.
var ownFacts = []string{"catalog", "repository", "ci", "deploy", "change", "service", "scorecard", "link"}

// MaxFactNames is how many names and prefixes one source may declare.
const MaxFactNames = 200

var (
	factName = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$`)
	// factPattern is a complete name, or a prefix that ends with ".*".
	factPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*\.(\*|[a-z0-9_-]+)$`)
)

// ValidFactName returns an error if name cannot be the name of a fact that a source reports.
func ValidFactName(name string) error {
	if factName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%.80q is not the name of a fact; use lower-case parts with dots between them, such as "+
		"security.open_alerts", name)
}

// Validate reports every name that is malformed, listed twice or one of dxctl's own facts.
func (n FactNames) Validate() error {
	var errs []error
	if len(n) > MaxFactNames {
		errs = append(errs, fmt.Errorf("facts has %d names; declare at most %d, or a prefix such as security.*", len(n),
			MaxFactNames))
	}
	for i, name := range n {
		first, _, _ := strings.Cut(name, ".")
		switch {
		case !factPattern.MatchString(name):
			errs = append(errs, fmt.Errorf("facts[%d]: %.80q is neither the name of a fact, such as security.open_alerts, "+
				"nor a prefix, such as security.*", i, name))
		case slices.Contains(ownFacts, first):
			errs = append(errs, fmt.Errorf("facts[%d]: %q: dxctl itself gives the facts %s.*; choose another prefix", i, name,
				first))
		case slices.Contains(n[:i], name):
			errs = append(errs, fmt.Errorf("facts[%d]: %q is listed twice", i, name))
		}
	}
	return errors.Join(errs...)
}

// Contains reports whether the source may report the fact.
func (n FactNames) Contains(name string) bool {
	return slices.ContainsFunc(n, func(pattern string) bool { return matchesFact(pattern, name) })
}

// Overlap returns the first of n and of other that have a fact in common; empty if there is none.
func (n FactNames) Overlap(other FactNames) (mine, theirs string) {
	for _, a := range n {
		for _, b := range other {
			if matchesFact(a, b) || matchesFact(b, a) {
				return a, b
			}
		}
	}
	return "", ""
}

// matchesFact reports whether a pattern contains a name, or every name of another pattern.
func matchesFact(pattern, name string) bool {
	if prefix, wild := strings.CutSuffix(pattern, "*"); wild {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}
