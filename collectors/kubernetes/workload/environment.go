package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// EnvironmentRule gives workloads their environment. All conditions that are given must hold; in names *
// is anything. The environment is Environment, or where that is empty the value of Label.
type EnvironmentRule struct {
	Namespace   string `yaml:"namespace"`   // "*-staging"
	Workload    string `yaml:"workload"`    // its name: "*-canary"
	Label       string `yaml:"label"`       // the workload has this label (env), or has it with this value (env=prd)
	Environment string `yaml:"environment"` // production, staging …
}

// Validate reports every mistake, joined.
func (r EnvironmentRule) Validate() error {
	var errs []error
	if r.Namespace == "" && r.Workload == "" && r.Label == "" {
		errs = append(errs, errors.New("give what it applies to: namespace, workload or label"))
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
	namespace, workload, value *regexp.Regexp
	label, environment         string
}

// Environments gives workloads their environments.
type Environments struct {
	rules   []compiledRule
	cluster string // what the cluster is; empty: the namespace is the environment
	digest  string
}

// NewEnvironments compiles the rules. cluster is the environment of workloads that no rule matches; empty: it is their
// namespace.
func NewEnvironments(cluster string, rules []EnvironmentRule) Environments {
	all := make([]compiledRule, len(rules))
	for i, r := range rules {
		label, value, _ := strings.Cut(r.Label, "=")
		all[i] = compiledRule{compile(r.Namespace), compile(r.Workload), compile(value), label, r.Environment}
	}
	text, err := json.Marshal(struct {
		E string
		R []EnvironmentRule
	}{cluster, rules})
	if err != nil { // a struct of strings
		panic(err)
	}
	sum := sha256.Sum256(text)
	return Environments{rules: all, cluster: cluster, digest: hex.EncodeToString(sum[:6])}
}

// Digest returns a text that is another one when the environment of a workload may be.
func (e Environments) Digest() string { return e.digest }

// Of returns the environment of a workload: by the first rule that matches, else the cluster's, else its namespace.
func (e Environments) Of(w *Workload) string {
	for _, r := range e.rules {
		value, has := w.labels[r.label]
		if r.label != "" && (!has || !matches(r.value, value)) || !matches(r.namespace, w.Namespace) ||
			!matches(r.workload, w.Name) {
			continue
		}
		if r.environment != "" {
			return r.environment
		}
		if value != "" {
			return value
		}
	}
	if e.cluster != "" {
		return e.cluster
	}
	return w.Namespace
}

// compile reads a pattern in which * is anything; nil, for the empty one, matches everything.
func compile(pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	return regexp.MustCompile(`(?s)^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`)
}

func matches(pattern *regexp.Regexp, name string) bool {
	return pattern == nil || pattern.MatchString(name)
}
