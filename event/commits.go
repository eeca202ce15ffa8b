package event

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// KindDeployedCommits is the kind of [DeployedCommits].
const KindDeployedCommits Kind = "deployed_commits"

// Comparison says what comparing a deployment with those before it found.
type Comparison string

// The comparisons. All but UnknownCommits are complete: a change whose commits are not listed was not deployed.
const (
	KnownCommits Comparison = "known" // its commits are those that no earlier deployment held; there may be none
	// the first known deployment of a service to an environment: it delivers nothing
	BaselineCommits Comparison = "baseline"
	RollbackCommits Comparison = "rollback" // what it holds had been there before
	UnknownCommits  Comparison = "unknown"  // it could not be compared; Reason says why
)

// DeploymentKey is the identity of a deployment among all sources.
type DeploymentKey struct {
	Source      string
	Scope       string
	ID          string
	Attempt     uint16
	Environment string // Deployment.EnvironmentKey
}

// Commit is a commit of a repository.
type Commit struct {
	SHA         string    // whole, in lower case
	AuthoredAt  time.Time // when it was first written; a rebase keeps it
	CommittedAt time.Time // when it came to be in this form
}

// DeployedCommits are the commits that a deployment delivered to its environment, by the history of one repository.
// Its Origin is the repository: Provider and Scope are those of the repository's changes, ID is the deployment's id. A
// later observation replaces the whole list.
type DeployedCommits struct {
	Origin
	Deployment DeploymentKey // its ID is Origin.ID
	SHA        string        // what was deployed; empty when the deployment does not say
	Previous   string        // what had been deployed before; empty when nothing is known to have been
	Comparison Comparison
	Reason     string // why it could not be compared
	Basis      string // digest of what the comparison rests on: equal basis, equal commits
	Commits    []Commit
}

// Kind returns KindDeployedCommits.
func (DeployedCommits) Kind() Kind { return KindDeployedCommits }

// Identity returns the repository and the deployment.
func (d DeployedCommits) Identity() Identity {
	id := d.identity(KindDeployedCommits)
	id.Parent = d.Deployment.Source + "/" + d.Deployment.Scope
	id.Attempt = d.Deployment.Attempt
	id.Environment = d.Deployment.Environment
	return id
}

// Began returns the zero time: commits are compared and do not begin.
func (DeployedCommits) Began() time.Time { return time.Time{} }

func (d DeployedCommits) normalized() Event {
	d.URL = address(d.URL)
	cutAll(MaxText, &d.Reason)
	return d
}

var wholeSHA = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// Validate checks the identities and that every commit is named in full.
func (d DeployedCommits) Validate() error {
	errs := []error{d.validate(KindDeployedCommits)}
	if d.Deployment.Source == "" || d.Deployment.Scope == "" || d.Deployment.ID != d.ID {
		errs = append(
			errs,
			fmt.Errorf(
				"%s %s: it is of deployment %+v, which is not a whole identity of it",
				KindDeployedCommits,
				d.ID,
				d.Deployment,
			),
		)
	}
	switch d.Comparison {
	case KnownCommits, BaselineCommits, RollbackCommits:
	case UnknownCommits:
		if d.Reason == "" {
			errs = append(errs, fmt.Errorf("%s %s: unknown without a reason", KindDeployedCommits, d.ID))
		}
	default:
		errs = append(errs, fmt.Errorf("%s %s: unknown comparison %q", KindDeployedCommits, d.ID, string(d.Comparison)))
	}
	if d.Comparison != KnownCommits && len(d.Commits) > 0 {
		errs = append(
			errs,
			fmt.Errorf("%s %s: commits of a deployment that is compared as %s", KindDeployedCommits, d.ID, d.Comparison),
		)
	}
	for _, c := range d.Commits {
		if !wholeSHA.MatchString(c.SHA) {
			errs = append(errs, fmt.Errorf("%s %s: %q is not a commit's whole id", KindDeployedCommits, d.ID, c.SHA))
		}
		errs = append(
			errs,
			validateTimes(
				KindDeployedCommits,
				d.ID,
				namedTime{"authored_at of " + c.SHA, c.AuthoredAt},
				namedTime{"committed_at of " + c.SHA, c.CommittedAt},
			),
		)
		if len(errs) > 10 {
			break
		}
	}
	return errors.Join(errs...)
}
