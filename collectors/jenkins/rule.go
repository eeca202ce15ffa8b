package jenkins

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/dxctl/dxctl/catalog/identifier"
)

// DeploymentRule says which builds are deployments. A build matches when its job does (Job, where it is given) and it
// names an environment: by the parameter EnvironmentParameter where it has that, else by Environment. In names * is
// anything but a slash and ** anything.
type DeploymentRule struct {
	// full name of the job, of a branch with the branch: team/deploy-*, team/service/main
	Job                  string `yaml:"job"`
	Workflow             string `yaml:"workflow"`              // Jenkins has none
	Environment          string `yaml:"environment"`           // the environment that the job deploys to
	EnvironmentParameter string `yaml:"environment_parameter"` // or the parameter that names it
	VersionParameter     string `yaml:"version_parameter"`     // the parameter that names the version
}

// Validate reports every mistake, joined.
func (r DeploymentRule) Validate() error {
	var errs []error
	if r.Workflow != "" {
		errs = append(errs, errors.New("workflow: Jenkins has no workflows; give job"))
	}
	if r.Environment == "" && r.EnvironmentParameter == "" {
		errs = append(errs, errors.New("give environment: name, or environment_parameter: the build parameter that holds it"))
	}
	if r.Job == "" && r.EnvironmentParameter == "" {
		errs = append(errs, errors.New("give job: full name, or every build of every job would be a deployment"))
	}
	return errors.Join(errs...)
}

type compiledRule struct {
	DeploymentRule
	job glob
}

// compileRules returns the rules ready to match, and a digest that changes when they do.
func compileRules(rules []DeploymentRule) ([]compiledRule, string) {
	if len(rules) == 0 {
		return nil, ""
	}
	all := make([]compiledRule, len(rules))
	for i, r := range rules {
		all[i] = compiledRule{DeploymentRule: r, job: compile(r.Job)}
	}
	text, err := json.Marshal(rules)
	if err != nil { // a struct of strings
		panic(err)
	}
	sum := sha256.Sum256(text)
	return all, hex.EncodeToString(sum[:6])
}

// deployment returns the environment and version of a build of the job, if a rule makes it a deployment.
func (c *Collector) deployment(job string, parameter func(string) string) (environment, version string, ok bool) {
	for _, r := range c.rules {
		if r.Job != "" && !r.job.matches(job) {
			continue
		}
		environment = parameter(r.EnvironmentParameter)
		if environment == "" && (r.Job != "" || r.EnvironmentParameter == "") {
			environment = r.Environment
		}
		if environment == "" {
			continue
		}
		return environment, parameter(r.VersionParameter), true
	}
	return "", "", false
}

// wantsParameters reports whether a rule looks at parameters. They may hold what is not ours to read, so they are
// only asked for then.
func (c *Collector) wantsParameters() bool {
	for _, r := range c.rules {
		if r.EnvironmentParameter != "" || r.VersionParameter != "" {
			return true
		}
	}
	return false
}

// glob is a pattern of full names.
type glob struct{ exact, below *regexp.Regexp }

// compile reads a pattern: ** is anything, * anything but a slash, ? one character but a slash.
func compile(pattern string) glob {
	var b strings.Builder
	for p := strings.Trim(strings.TrimSpace(strings.ToValidUTF8(pattern, "�")), "/"); p != ""; {
		switch {
		case strings.HasPrefix(p, "**/"):
			b.WriteString(`(?:.*/)?`)
			p = p[3:]
			continue
		case strings.HasPrefix(p, "**"):
			b.WriteString(`.*`)
			p = p[2:]
			continue
		case p[0] == '*':
			b.WriteString(`[^/]*`)
		case p[0] == '?':
			b.WriteString(`[^/]`)
		default:
			end := strings.IndexAny(p, "*?")
			if end < 0 {
				end = len(p)
			}
			b.WriteString(regexp.QuoteMeta(p[:end]))
			p = p[end:]
			continue
		}
		p = p[1:]
	}
	return glob{
		regexp.MustCompile(`(?s)^(?:` + b.String() + `)$`),
		regexp.MustCompile(`(?s)^(?:` + b.String() + `)(?:/.*)?$`),
	}
}

// compileAll reads patterns. The address of a job's page names the job, and no more.
func compileAll(patterns []string) []glob {
	all := make([]glob, len(patterns))
	for i, p := range patterns {
		if strings.Contains(p, "://") {
			if name, err := identifier.JenkinsJob(strings.TrimSpace(p)); err == nil {
				p = name
			}
		}
		all[i] = compile(p)
	}
	return all
}

func (g glob) matches(name string) bool { return g.exact.MatchString(name) }

// covers reports whether the pattern names the job or a folder above it.
func (g glob) covers(name string) bool { return g.below.MatchString(name) }
