package argocd

import "slices"

// place returns what the collector of this configuration calls an application's scope and environment; false when it
// does not read the application.
func (c Config) place(a application) (scope, environment string, taken bool) {
	if len(c.Projects) > 0 && !slices.Contains(c.Projects, a.Spec.Project) {
		return "", "", false
	}
	if len(c.Applications) > 0 &&
		!slices.ContainsFunc(c.Applications, func(name string) bool { return compile(name).matches(a.Metadata.Name) }) {
		return "", "", false
	}
	rules, _ := compileRules(c.Environments)
	return a.Metadata.scope(c.QualifiedNames), (&Collector{cfg: c, rules: rules}).environment(a), true
}
