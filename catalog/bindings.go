package catalog

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Binding says that a scope of a provider belongs to a component.
type Binding struct {
	Provider string
	Scope    string // in lower case
	Service  string // entity ref
}

func scopeKey(provider, scope string) string {
	return provider + "\x00" + strings.ToLower(scope)
}

// claim is a component's word that a scope is its own.
type claim struct {
	Binding
	entity int
	line   int
	weak   bool // only derived: two weak claims cancel each other without a warning
}

const sourceLocationAnnotation = "backstage.io/source-location"

// bindingAnnotations are the annotations that name a scope at a provider, and how each is read.
var bindingAnnotations = []struct {
	name     string
	provider string
	scopes   func(value string) (strong, weak []string)
}{
	{"github.com/project-slug", "github", slugScopes},
	{"gitlab.com/project-slug", "gitlab", slugScopes},
	{"jenkins.io/job-full-name", "jenkins", jenkinsScopes},
	{"jenkins.io/github-folder", "jenkins", jenkinsScopes}, // its older name
	{"circleci.com/project-slug", "circleci", circleScopes},
	{"argocd/app-name", "argocd", listedScopes},
	{"backstage.io/kubernetes-id", "kubernetes", listedScopes},
	{"pagerduty.com/service-id", "pagerduty", plainScopes},
	{"opsgenie.com/service-id", "opsgenie", listedScopes},
	{"opsgenie.com/team", "opsgenie", listedScopes},
}

// listedScopes reads names separated by commas: a service is often one application for each environment.
func listedScopes(value string) (strong, weak []string) {
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name != "" {
			strong = append(strong, name)
		}
	}
	return strong, nil
}

func plainScopes(value string) (strong, weak []string) {
	return []string{strings.TrimSpace(value)}, nil
}

// slugScopes reads owner/name, and the address of a repository for those who paste one.
func slugScopes(value string) (strong, weak []string) {
	value = strings.TrimSpace(value)
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		value = u.Path
	}
	value = strings.TrimSuffix(strings.Trim(value, "/"), ".git")
	if !strings.Contains(value, "/") {
		return nil, nil
	}
	return []string{value}, nil
}

// jenkinsScopes reads [instance:]folder/job, several separated by commas. Jenkins forbids colons in names, so the
// first one ends the instance. A job is bound with its instance, and by its path alone where no other instance has it.
func jenkinsScopes(value string) (strong, weak []string) {
	for job := range strings.SplitSeq(value, ",") {
		job = strings.TrimSpace(job)
		instance, path, found := strings.Cut(job, ":")
		if !found {
			instance, path = "", job
		}
		path = strings.Trim(path, "/")
		switch {
		case path == "":
		case instance == "":
			strong = append(strong, path)
		default:
			strong = append(strong, instance+":"+path)
			weak = append(weak, path)
		}
	}
	return strong, weak
}

// circleScopes binds both spellings that CircleCI uses for the place where the code lives: gh and github.
func circleScopes(value string) (strong, weak []string) {
	value = strings.Trim(strings.TrimSpace(value), "/")
	vcs, rest, found := strings.Cut(value, "/")
	if !found {
		return nil, nil
	}
	for _, pair := range [][2]string{{"gh", "github"}, {"bb", "bitbucket"}} {
		if vcs == pair[0] || vcs == pair[1] {
			return []string{pair[0] + "/" + rest, pair[1] + "/" + rest}, nil
		}
	}
	return []string{value}, nil
}

// bindingLines returns the lines of the annotations that bind.
func bindingLines(doc document) map[string]int {
	lines := map[string]int{}
	for _, a := range bindingAnnotations {
		lines[a.name] = annotationLine(doc, a.name)
	}
	lines[sourcePathsAnnotation] = annotationLine(doc, sourcePathsAnnotation)
	return lines
}

// bind decides which component each scope belongs to. A service's claim comes before that of a library in the same
// repository; two services' claims to one scope cancel each other.
func (l *loader) bind() {
	l.bindPaths()
	claims := map[string][]claim{}
	for i, e := range l.catalog.entities {
		if e.Kind == "Component" {
			for _, c := range l.claims(i, e) {
				key := scopeKey(c.Provider, c.Scope)
				claims[key] = append(claims[key], c)
			}
		}
	}
	keys := make([]string, 0, len(claims))
	for key := range claims {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if b, ok := l.settle(claims[key]); ok {
			l.catalog.bindings = append(l.catalog.bindings, b)
			l.catalog.byScope[key] = b.Service
		}
	}
}

func (l *loader) claims(index int, e Entity) []claim {
	var out []claim
	add := func(provider string, line int, weak bool, scopes []string) {
		for _, scope := range scopes {
			out = append(out, claim{Binding: Binding{provider, strings.ToLower(scope), e.Ref}, entity: index, line: line, weak: weak})
		}
	}
	for _, a := range bindingAnnotations {
		value := e.Annotations[a.name]
		if strings.TrimSpace(value) == "" {
			continue
		}
		line := l.catalog.lines[index][a.name]
		strong, weak := a.scopes(value)
		if len(strong) == 0 {
			l.warn(e.File, line, "annotation %s: %q names no project; write it like %s", a.name, value, annotationExample(a.provider))
		}
		add(a.provider, line, false, strong)
		add(a.provider, line, true, weak)
	}
	if provider, scope, folder, ok := sourceLocation(e.Annotations[sourceLocationAnnotation]); ok && folder == "" && e.Annotations[provider+".com/project-slug"] == "" {
		add(provider, e.Line, true, []string{scope})
	} else if provider, scope, ok := e.foundScope(); ok && e.Annotations[provider+".com/project-slug"] == "" && e.Annotations[sourceLocationAnnotation] == "" {
		add(provider, e.Line, true, []string{scope})
	}
	return out
}

func annotationExample(provider string) string {
	switch provider {
	case "jenkins":
		return "folder/job or instance:folder/job"
	case "circleci":
		return "gh/myorg/payment-service"
	case "argocd", "kubernetes":
		return "payment-service"
	}
	return "myorg/payment-service"
}

// sourceLocation reads url:https://github.com/myorg/payment-service/, and the folder in url:…/tree/main/services/payment/,
// of which the first name after tree is taken as the branch. A folder within a repository says nothing about whose the
// repository is, but much about whose the folder is.
func sourceLocation(value string) (provider, scope, folder string, ok bool) {
	address, found := strings.CutPrefix(strings.TrimSpace(value), "url:")
	if !found {
		return "", "", "", false
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", "", "", false
	}
	switch u.Host {
	case "github.com", "gitlab.com":
		provider = strings.TrimSuffix(u.Host, ".com")
	default:
		return "", "", "", false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i := 2; i < len(parts); i++ {
		if parts[i] == "tree" || parts[i] == "blob" || parts[i] == "-" {
			below := strings.SplitN(strings.TrimPrefix(strings.Join(parts[i:], "/"), "-/"), "/", 3) // tree, main, services/payment
			if len(below) == 3 {
				if below[0] == "blob" { // a file stands for the folder that it is in
					below[2] = path.Dir(below[2])
				}
				var inside bool
				if folder, inside = cleanPath(below[2]); !inside && folder != "" {
					return "", "", "", false
				}
			}
			parts = parts[:i]
		}
	}
	if len(parts) < 2 || (provider == "github" && len(parts) != 2) {
		return "", "", "", false
	}
	return provider, strings.TrimSuffix(strings.Join(parts, "/"), ".git"), folder, true
}

func (l *loader) settle(claims []claim) (Binding, bool) {
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.Service, b.Service) })
	for _, stronger := range []func(claim) bool{
		func(c claim) bool { return l.catalog.entities[c.entity].IsService() && !c.weak },
		func(c claim) bool { return l.catalog.entities[c.entity].IsService() },
		func(c claim) bool { return !c.weak },
		func(claim) bool { return true },
	} {
		var claimants []claim
		for _, c := range claims {
			if stronger(c) && (len(claimants) == 0 || claimants[len(claimants)-1].Service != c.Service) {
				claimants = append(claimants, c)
			}
		}
		switch len(claimants) {
		case 0:
			continue
		case 1:
			return claimants[0].Binding, true
		}
		if !claimants[0].weak && !l.sharedKnowingly(claimants) {
			l.warnShared(claimants)
		}
		return Binding{}, false
	}
	return Binding{}, false
}

func (l *loader) warnShared(claims []claim) {
	others := make([]string, 0, len(claims)-1)
	for _, c := range claims[1:] {
		e := l.catalog.entities[c.entity]
		others = append(others, c.Service+" ("+Warning{File: e.File, Line: c.line}.position()+")")
	}
	first := l.catalog.entities[claims[0].entity]
	l.warn(first.File, claims[0].line, "%s %s is claimed by %s and by %s; it is bound to none of them, and its events stay unmapped. "+
		"Keep the annotation on the one that is deployed from it and remove it from the rest, or give each its folders with "+sourcePathsAnnotation,
		claims[0].Provider, claims[0].Scope, claims[0].Service, strings.Join(others, ", "))
}
