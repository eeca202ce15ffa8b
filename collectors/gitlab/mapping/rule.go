package mapping

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/dxctl/dxctl/event"
)

// DeploymentRule selects jobs that mean a deployment. Patterns are globs over whole names; an empty one matches all.
type DeploymentRule struct {
	Job                  string `yaml:"job"`                   // name of the job
	Workflow             string `yaml:"workflow"`              // branch or tag that the pipeline ran for
	Environment          string `yaml:"environment"`           // what the deployment's environment is called
	EnvironmentParameter string `yaml:"environment_parameter"` // not for GitLab, whose jobs show no variables
	VersionParameter     string `yaml:"version_parameter"`     // not for GitLab either
}

// Validate reports what the rule lacks.
func (r DeploymentRule) Validate() error {
	var errs []error
	if r.Job == "" {
		errs = append(errs, errors.New("job is missing: give the job's name, or a glob such as deploy-*"))
	}
	if r.Environment == "" {
		errs = append(errs, errors.New("environment is missing: say what the environment is called, such as production"))
	}
	if r.EnvironmentParameter != "" || r.VersionParameter != "" {
		errs = append(errs, errors.New("environment_parameter and version_parameter: GitLab does not show a job's "+
			"variables; give environment"))
	}
	for _, pattern := range []string{r.Job, r.Workflow} {
		if !doublestar.ValidatePattern(pattern) {
			errs = append(errs, fmt.Errorf("%q is not a valid glob; write for example deploy-*", pattern))
		}
	}
	return errors.Join(errs...)
}

// RuledDeployment returns the deployment that the first matching rule sees in a job; false when none matches. Its id
// cannot be one of GitLab's.
func (m Mapper) RuledDeployment(rules []DeploymentRule, j Job) (event.Deployment, bool) {
	for _, r := range rules {
		if !matches(r.Job, j.Name) || !matches(r.Workflow, j.Ref) {
			continue
		}
		mapped := unlessAllowed(deploymentStatuses.Of(j.Status), j.AllowFailure)
		d := event.Deployment{
			Origin:      m.Origin("job/"+strconv.FormatInt(j.ID, 10), j.WebURL),
			Attempt:     1,
			Environment: r.Environment,
			Status:      mapped,
			StatusRaw:   j.Status,
			CreatedAt:   j.CreatedAt.Time,
			StartedAt:   j.StartedAt.Time,
			SHA:         j.Pipeline.SHA,
			Ref:         j.Ref,
			Actor:       j.User.login(),
			Bot:         j.User.IsBot(),
			Trigger:     j.Pipeline.Source,
		}
		if j.Tag {
			d.Version = j.Ref
		}
		if j.Commit != nil && j.Commit.ID != "" {
			d.SHA = j.Commit.ID
		}
		if mapped.Final() {
			d.FinishedAt = j.FinishedAt.Time
		}
		return d, true
	}
	return event.Deployment{}, false
}

// matches reports whether the glob matches the whole name. A star stops at a slash, as it does in paths.
func matches(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	return doublestar.MatchUnvalidated(pattern, name)
}
