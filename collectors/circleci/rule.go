package circleci

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bmatcuk/doublestar/v4"
)

// DeploymentRule says which workflows or jobs are deployments. Patterns are globs over whole names, in which * is
// anything but a slash; an empty one matches all. With Job every such job is a deployment, without it the workflow is.
type DeploymentRule struct {
	Workflow    string `yaml:"workflow"`    // name of the workflow
	Job         string `yaml:"job"`         // name of the job
	Branch      string `yaml:"branch"`      // branch that the pipeline ran for
	Environment string `yaml:"environment"` // what the deployment's environment is called
}

// Validate reports every mistake, joined.
func (r DeploymentRule) Validate() error {
	var errs []error
	if r.Environment == "" {
		errs = append(errs, errors.New("environment is missing: say what the environment is called, such as production"))
	}
	if r.Job == "" && r.Workflow == "" {
		errs = append(errs, errors.New("give job or workflow: a name, or a glob such as deploy-*; else every workflow "+
			"would be a deployment"))
	}
	for _, pattern := range []string{r.Workflow, r.Job, r.Branch} {
		if !doublestar.ValidatePattern(pattern) {
			errs = append(errs, fmt.Errorf("%q is not a valid glob; write for example deploy-*", pattern))
		}
	}
	return errors.Join(errs...)
}

// digest changes when the rules do; it is empty without any.
func digest(rules []DeploymentRule) string {
	if len(rules) == 0 {
		return ""
	}
	text, err := json.Marshal(rules)
	if err != nil { // structs of strings
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// environment returns where a workflow, or one of its jobs, deploys to; false when no rule makes it a deployment. The
// job is empty when the workflow itself is asked about.
func (c *Collector) environment(workflow, job, branch string) (string, bool) {
	for _, r := range c.cfg.Deployments {
		if (r.Job == "") == (job == "") && matches(r.Workflow, workflow) && matches(r.Job, job) && matches(r.Branch, branch) {
			return r.Environment, true
		}
	}
	return "", false
}

func matches(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	return doublestar.MatchUnvalidated(pattern, name)
}
