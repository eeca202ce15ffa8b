package argocd

import "slices"

// Place says of an application, a JSON document as Argo CD's API and its notifications have it, what the collector of
// this configuration calls its scope and its environment, and whether it reads it at all.
func (c Config) Place(doc []byte) (scope, environment string, taken bool) {
	a, err := parseApplication(doc)
	if err != nil {
		return "", "", false
	}
	if len(c.Projects) > 0 && !slices.Contains(c.Projects, a.Spec.Project) {
		return "", "", false
	}
	if len(c.Applications) > 0 && !slices.ContainsFunc(c.Applications, func(name string) bool { return compile(name).matches(a.Metadata.Name) }) {
		return "", "", false
	}
	rules, _ := compileRules(c.Environments)
	return a.Metadata.scope(c.QualifiedNames), (&Collector{cfg: c, rules: rules}).environment(a), true
}
