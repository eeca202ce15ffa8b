package argocd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// EnvironmentRule says of which applications the environment is which. All conditions that are given must hold; in
// names
// * is anything. The environment is Environment, or where that is empty the value of Label.
type EnvironmentRule struct {
	Application string `yaml:"application"` // its name: "*-prod"
	Project     string `yaml:"project"`
	Cluster     string `yaml:"cluster"`     // the destination's name or server: "prod-*", "https://10.0.0.1:6443"
	Namespace   string `yaml:"namespace"`   // the destination's namespace
	Label       string `yaml:"label"`       // the application has this label (env), or has it with this value (env=prd)
	Environment string `yaml:"environment"` // production, staging …
}

// Validate reports every mistake, joined.
func (r EnvironmentRule) Validate() error {
	var errs []error
	if r.Application == "" && r.Project == "" && r.Cluster == "" && r.Namespace == "" && r.Label == "" {
		errs = append(errs, errors.New("give what it applies to: application, project, cluster, namespace or label"))
	}
	name, value, _ := strings.Cut(r.Label, "=")
	if r.Label != "" && name == "" {
		errs = append(errs, errors.New("label: give the name of a label, or name=value"))
	}
	if r.Environment == "" && (name == "" || value != "") {
		errs = append(errs, errors.New("give environment: name, or label: the label whose value it is"))
	}
	return errors.Join(errs...)
}

type compiledRule struct {
	application, project, cluster, namespace, value glob
	label, environment                              string
}

// compileRules returns the rules ready to match, and a digest that changes when they do.
func compileRules(rules []EnvironmentRule) ([]compiledRule, string) {
	if len(rules) == 0 {
		return nil, ""
	}
	all := make([]compiledRule, len(rules))
	for i, r := range rules {
		label, value, _ := strings.Cut(r.Label, "=")
		all[i] = compiledRule{
			compile(r.Application),
			compile(r.Project),
			compile(r.Cluster),
			compile(r.Namespace),
			compile(value),
			label,
			r.Environment,
		}
	}
	text, err := json.Marshal(rules)
	if err != nil { // a struct of strings
		panic(err)
	}
	sum := sha256.Sum256(text)
	return all, hex.EncodeToString(sum[:6])
}

// environmentLabels are asked in this order where no rule matches.
var environmentLabels = []string{"environment", "env", "app.kubernetes.io/environment"}

// environment is the environment of an application: by the first rule that matches, else by a label that says so, else
// the destination: the cluster's name, and where it has none the namespace.
func (c *Collector) environment(a application) string {
	labels, to := a.Metadata.Labels, a.Spec.Destination
	for _, r := range c.rules {
		value, has := labels[r.label]
		if r.label != "" && (!has || !r.value.matches(value)) {
			continue
		}
		if !r.application.matches(a.Metadata.Name) || !r.project.matches(a.Spec.Project) ||
			!r.namespace.matches(to.Namespace) ||
			!r.cluster.matches(to.Name) && !r.cluster.matches(to.Server) {
			continue
		}
		if r.environment != "" {
			return r.environment
		}
		if value != "" {
			return value
		}
	}
	for _, l := range environmentLabels {
		if labels[l] != "" {
			return labels[l]
		}
	}
	if to.Name != "" && to.Name != "in-cluster" { // in-cluster: where Argo CD itself runs, which says nothing
		return to.Name
	}
	return to.Namespace
}

// glob is a pattern of names; nil matches everything.
type glob struct{ re *regexp.Regexp }

// compile reads a pattern in which * is anything. The empty pattern matches everything.
func compile(pattern string) glob {
	if pattern == "" {
		return glob{}
	}
	return glob{regexp.MustCompile(`(?s)^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`)}
}

func (g glob) matches(name string) bool { return g.re == nil || g.re.MatchString(name) }
