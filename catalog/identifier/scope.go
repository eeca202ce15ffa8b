package identifier

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Scope is a scope of a provider that an annotation names: a repository, a job, an application.
type Scope struct {
	Name string
	// Distance is 0 for what the annotation names itself; 1 for the same without its instance or its namespace, which
	// another service may have too; from 2 on for what contains it, so many levels up.
	Distance int
	Host     string // if the annotation names it: in lower case, with the port if it has one
	Instance string // if the annotation names one; perhaps a source's name
}

// Annotation is an annotation that names scopes.
type Annotation struct {
	Name     string
	Provider string
	Example  string // of a value
	// Scopes returns the scopes that a value names, and an error for each part of it that cannot be read. annotations
	// are all those of the entity.
	Scopes func(value string, annotations map[string]string) ([]Scope, []error)
}

// Annotations are all annotations that name scopes.
var Annotations = []Annotation{
	{"github.com/project-slug", "github", "myorg/payment-service", slugScopes("github")},
	{"gitlab.com/project-slug", "gitlab", "mygroup/payment-service", slugScopes("gitlab")},
	{"jenkins.io/job-full-name", "jenkins", "directory/job or instance:directory/job", jenkinsScopes},
	{"jenkins.io/github-directory", "jenkins", "directory/job or instance:directory/job", jenkinsScopes}, // its older name
	{"circleci.com/project-slug", "circleci", "github/myorg/payment-service", circleScopes},
	{"argocd/app-name", "argocd", "payment-service or namespace/payment-service", argoScopes},
	{"backstage.io/kubernetes-id", "kubernetes", "payment-service", plainScopes},
	{"pagerduty.com/service-id", "pagerduty", "PXXXXXX", idScopes("service-directory", "services")},
	{"opsgenie.com/service-id", "opsgenie", "4513b7ea-3b91-438f-b7e4-e3e54af9147c", idScopes("service", "services")},
	{"opsgenie.com/team", "opsgenie", "payments", plainScopes},
}

// each reads the parts of a list that is separated by commas. A part that cannot be read does not cost the others.
func each(value string, read func(part string) ([]Scope, error)) (scopes []Scope, errs []error) {
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		found, err := read(part)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", part, err))
		}
		scopes = append(scopes, found...)
	}
	if len(scopes)+len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%q names nothing", value))
	}
	return scopes, errs
}

// plainScopes reads names.
func plainScopes(value string, _ map[string]string) ([]Scope, []error) {
	return each(value, func(name string) ([]Scope, error) {
		switch {
		case strings.Contains(name, "://"):
			return nil, errors.New("it is an address, not a name")
		case blank(name):
			return nil, errors.New("it is not a name")
		}
		return []Scope{{Name: name}}, nil
	})
}

// slugScopes reads owner/name, and the address of a repository for those who paste one.
func slugScopes(provider string) func(string, map[string]string) ([]Scope, []error) {
	return func(value string, _ map[string]string) ([]Scope, []error) {
		r, err := ParseRepository(value, provider)
		if err != nil {
			return nil, []error{fmt.Errorf("%q: %w", strings.TrimSpace(value), err)}
		}
		return []Scope{{Name: r.Path, Host: r.Host}}, nil
	}
}

// jenkinsScopes reads [instance:]directory/job, several separated by commas. Jenkins forbids colons in names, so the
// first one ends the instance. A job is bound with its instance, and by its path alone where no other instance has it.
// What contains it is bound too: of a multibranch project, which is collected as a whole, the annotation may name one
// branch. Directories hold no builds themselves, so that binding them binds nothing else.
func jenkinsScopes(value string, _ map[string]string) ([]Scope, []error) {
	return each(value, func(part string) ([]Scope, error) {
		instance, host, names, err := jenkinsJob(part)
		if err != nil {
			return nil, err
		}
		full := strings.Join(names, "/")
		scopes := []Scope{{Name: full, Host: host}}
		if instance != "" {
			scopes = []Scope{{Name: instance + ":" + full}, {Name: full, Distance: 1, Instance: instance}}
		}
		for i := len(names) - 1; i > 0; i-- {
			scopes = append(scopes, Scope{strings.Join(names[:i], "/"), len(names) - i + 1, host, instance})
		}
		return scopes, nil
	})
}

// jenkinsJob returns the names that lead to a job. An address of its page names it too: …/job/team/job/shop/12/console.
func jenkinsJob(part string) (instance, host string, names []string, err error) {
	if strings.Contains(part, "://") {
		u, err := url.Parse(part)
		if err != nil || u.Host == "" {
			return "", "", nil, errors.New("the address cannot be read")
		}
		names = jenkinsPath(u.EscapedPath())
		if len(names) == 0 || slices.ContainsFunc(names, blank) {
			return "", "", nil, errors.New("the address is not that of a job: it has no /job/name")
		}
		return "", strings.ToLower(u.Host), names, nil
	}
	instance, path, found := strings.Cut(part, ":")
	if !found {
		instance, path = "", part
	}
	instance = strings.TrimSpace(instance)
	segments := strings.Split(strings.Trim(strings.TrimSpace(path), "/"), "/")
	if len(segments) > 3 && segments[0] == "job" && segments[2] == "job" || strings.HasPrefix(path, "/job/") {
		segments = jenkinsPath(path)
	}
	switch {
	case found && instance == "":
		return "", "", nil, errors.New("nothing is before the colon, where the instance is named")
	case strings.Contains(path, ":"):
		return "", "", nil, errors.New("no name in Jenkins has a colon; the only one follows the instance")
	case len(segments) == 0 || slices.ContainsFunc(segments, blank):
		return "", "", nil, errors.New("the name of a directory or of the job is empty")
	}
	return instance, "", segments, nil
}

func blank(name string) bool { return strings.Trim(name, "/ ") == "" }

// jenkinsPath returns the names in the path of a page of Jenkins or of Blue Ocean. Each is decoded once: the name of
// the branch feature/x is feature%2Fx, and its address has feature%252Fx.
func jenkinsPath(path string) (names []string) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			segments[i] = plain
		}
	}
	if i := slices.Index(segments, "organizations"); i > 0 && segments[i-1] == "blue" && len(segments) > i+2 {
		return strings.FieldsFunc(segments[i+2], func(r rune) bool { return r == '/' })
	}
	i := slices.Index(segments, "job")
	for i >= 0 && i+1 < len(segments) {
		switch segments[i] {
		case "job":
			names = append(names, segments[i+1])
		case "view": // a way to look at a directory
		default:
			return names
		}
		i += 2
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" })
}

// circlePlaces are the names of the places where code lives, as project slugs have them: short and long.
var circlePlaces = [][2]string{{"gh", "github"}, {"bb", "bitbucket"}}

// circleScopes reads the slug of a project, github/owner/name or circleci/organization/project, and the address of its
// page or of its repository. Both spellings that CircleCI uses for the place where the code lives are bound.
func circleScopes(value string, _ map[string]string) ([]Scope, []error) {
	return each(value, func(part string) ([]Scope, error) {
		segments, err := circleSlug(part)
		if err != nil {
			return nil, err
		}
		place := strings.ToLower(segments[0])
		rest := "/" + segments[1] + "/" + strings.TrimSuffix(segments[2], ".git")
		for _, pair := range circlePlaces {
			if slices.Contains(pair[:], place) {
				return []Scope{{Name: pair[0] + rest}, {Name: pair[1] + rest}}, nil
			}
		}
		return []Scope{{Name: place + rest}}, nil
	})
}

var circlePlace = regexp.MustCompile(`^(?i:[a-z]+)$`)

// circleSlug returns the three parts of a slug.
func circleSlug(part string) ([]string, error) {
	host, path := "", part
	if strings.Contains(part, "://") || strings.Contains(part, "@") {
		var err error
		if host, path, err = SplitAddress(part, ""); err != nil {
			return nil, err
		}
	}
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if p := hostsOf[host]; p != "" { // the repository's own address
		segments = append([]string{p}, segments...)
		if len(segments) > 3 {
			segments = segments[:3]
		}
	} else if host != "" { // pipelines/github/owner/name, settings/project/github/owner/name, gh/owner/name
		i := slices.IndexFunc(segments, func(s string) bool {
			s = strings.ToLower(s)
			return s == "circleci" ||
				slices.ContainsFunc(circlePlaces, func(pair [2]string) bool { return slices.Contains(pair[:], s) })
		})
		if i < 0 || len(segments) < i+3 {
			return nil, errors.New("the address is not that of a project's pipelines")
		}
		segments = segments[i : i+3]
	}
	if len(segments) != 3 || !circlePlace.MatchString(segments[0]) || slices.Contains(segments, "") ||
		strings.ContainsAny(path, " \t") {
		return nil, errors.New("a slug has three parts: where the code lives, the owner and the name")
	}
	return segments, nil
}

var applicationName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// argoScopes reads names of applications, [namespace/]name, or the addresses of their pages, separated by commas: a
// service is often one application for each environment. The namespace may also stand in an annotation of its own.
func argoScopes(value string, annotations map[string]string) ([]Scope, []error) {
	return each(value, func(part string) ([]Scope, error) {
		path, host := part, ""
		if strings.Contains(part, "://") {
			u, err := url.Parse(part)
			_, behind, found := "", "", false
			if err == nil {
				_, behind, found = strings.Cut(u.Path, "/applications/")
			}
			if !found {
				return nil, errors.New("the address is not that of an application: it has no /applications/name")
			}
			path, host = behind, strings.ToLower(u.Host)
		}
		segments := strings.Split(strings.Trim(path, "/"), "/")
		if len(segments) > 2 ||
			slices.ContainsFunc(segments, func(s string) bool { return !applicationName.MatchString(s) }) {
			return nil, errors.New("it is not the name of an application")
		}
		name := segments[len(segments)-1]
		if len(segments) == 2 {
			return []Scope{{Name: segments[0] + "/" + name, Host: host}, {Name: name, Distance: 1, Host: host}}, nil
		}
		scopes := []Scope{{Name: name, Host: host}}
		if namespace := strings.TrimSpace(annotations["argocd/app-namespace"]); applicationName.MatchString(namespace) {
			scopes = append(scopes, Scope{Name: namespace + "/" + name, Host: host})
		}
		return scopes, nil
	})
}

var serviceID = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// idScopes reads ids of services, or the addresses of their pages, in which the id follows one of the words.
func idScopes(words ...string) func(string, map[string]string) ([]Scope, []error) {
	return func(value string, _ map[string]string) ([]Scope, []error) {
		return each(value, func(part string) ([]Scope, error) {
			id := part
			if strings.Contains(part, "://") {
				u, err := url.Parse(part)
				if err != nil {
					return nil, errors.New("the address cannot be read")
				}
				segments := strings.Split(u.Path, "/")
				i := slices.IndexFunc(segments, func(s string) bool { return slices.Contains(words, s) })
				if i < 0 || i+1 == len(segments) {
					return nil, errors.New("the address is not that of a service")
				}
				id = segments[i+1]
			}
			if !serviceID.MatchString(id) {
				return nil, errors.New("it is not the id of a service, which the address of its page has")
			}
			return []Scope{{Name: id}}, nil
		})
	}
}
