package named

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/manifest"
)

// containerPlaces is an entry of a fact with places in Dockerfiles. find returns why it is unknown for one, or "".
func containerPlaces(
	name, label, description string, find func(r *reader, d *container.Dockerfile, p *places) (doubt string),
) entry {
	return entry{Definition{
		Name:        "repository.containers." + name,
		Type:        event.ListFact,
		Places:      true,
		Label:       label,
		Description: description,
	}, func(r *reader) value {
		var p places
		doubt := r.doubt(r.unreadableContainers())
		for _, d := range r.containers() {
			if reason := find(r, &d, &p); doubt == "" {
				doubt = reason
			}
		}
		return p.value(doubt)
	}}
}

var containers = []entry{
	{Definition{
		Name:  "repository.containers.count",
		Type:  event.NumberFact,
		Label: "the number of containers that it builds",
		Description: "Dockerfiles of what the service runs: none for development, tests or examples; also those that " +
			"cannot be read. Unknown if only a tool that needs no Dockerfile builds one.",
	}, func(r *reader) value {
		n := len(r.containers()) + len(r.unreadableContainers())
		doubt := r.doubt()
		if n == 0 && doubt == "" {
			if by := r.builtOtherwise(); by != "" {
				doubt = by + ", and what it starts from and its user are in no Dockerfile"
			}
		}
		return count(n, doubt)
	}},
	containerPlaces("root_users", "the containers that run as root",
		"Dockerfiles whose last stage runs as root, by its USER or by that of an image that is known; none if every "+
			"workload of the service sets another user.",
		func(r *reader, d *container.Dockerfile, p *places) string {
			if user := d.User(); user.Value.Root && !ambiguous(d) && !r.neverRoot() {
				p.add(user.At, "%s", rootText(user))
			}
			return ""
		}),
	containerPlaces("ambiguous_users", "the containers whose user a person has to check",
		"Dockerfiles whose user is that of an image that is not read, comes from an argument, or is changed by the "+
			"entry point.",
		func(r *reader, d *container.Dockerfile, p *places) string {
			user := d.User()
			at, drops := d.Drops()
			switch {
			case !d.Starts():
			case r.neverRoot():
			case !user.Known:
				p.add(user.At, "%s", user.Reason)
			case user.Value.Root && drops:
				p.add(at, "it starts as root, and its entry point can change to another user")
			}
			return ""
		}),
	containerPlaces("latest_bases", "the base images without a version",
		"Images that a Dockerfile starts from with the tag latest, or without a tag.",
		func(_ *reader, d *container.Dockerfile, p *places) string {
			return bases(d, func(at fact.Location, i container.Image) {
				if i.Pin == container.PinLatest {
					p.add(at, "the base image %s has no version", i.Text)
				}
			})
		}),
	containerPlaces("bases_without_digest", "the base images without a digest",
		"Images that a Dockerfile starts from without a digest, so that their content can change.",
		func(_ *reader, d *container.Dockerfile, p *places) string {
			return bases(d, func(at fact.Location, i container.Image) {
				if i.Pin == container.PinLatest || i.Pin == container.PinTag {
					p.add(at, "the base image %s has no digest", i.Text)
				}
			})
		}),
}

func rootText(user fact.Value[container.User]) string {
	switch user.Value.Name {
	case "", "root":
		return "the container runs as root"
	}
	return "the container runs as root (user " + user.Value.Name + ")"
}

// ambiguous reports whether a container that starts as root may go on as another user, or does not start at all.
func ambiguous(d *container.Dockerfile) bool {
	_, drops := d.Drops()
	return drops || !d.Starts()
}

// bases calls a function for each base image, and returns why one is unknown.
func bases(d *container.Dockerfile, each func(at fact.Location, i container.Image)) (doubt string) {
	for _, s := range d.BaseImages() {
		if image, ok := s.Image.Get(); ok {
			each(s.At, image)
		} else if doubt == "" {
			doubt = s.At.String() + ": the base image is unknown: " + s.Image.Reason
		}
	}
	return doubt
}

var (
	forDevelopment = regexp.MustCompile(`(?i)(^|[._-])(dev|devel|development|test|tests|testing|e2e|playwright|cypress|ci|debug|build|builder|base|` +
		`lint|docs|local|devcontainer|tilt|gitpod)($|[._-])`)
	// developmentDir finds directories of images for development: also "local-postgres" and "pubsub-emulator".
	developmentDir = regexp.MustCompile(`(^|/)(local[-_](db|database|dev|env|stack|postgres\w*|mysql|mariadb|redis|mongo\w*|kafka|rabbitmq|` +
		`elasticsearch|opensearch|minio|registry)|([\w.]+[-_])?emulators?|\.devcontainer|\.github|\.gitpod|\.circleci|\.gitlab|\.buildkite|\.ci|ci|dev|e2e|hack|genproto|` +
		`playwright|cypress|molecule|builders?|test[-_]images?|rpm|deb|packag(ing|es?)/debian)/`)
)

// runs reports whether a Dockerfile is for what the service runs, by its name: "Dockerfile.dev" is for development.
func runs(name string) bool {
	return !forDevelopment.MatchString(path.Base(name)) && !developmentDir.MatchString(strings.ToLower(name))
}

func (r *reader) containers() []container.Dockerfile {
	var all []container.Dockerfile
	for _, d := range r.Containers.Files {
		if runs(d.Path) {
			all = append(all, d)
		}
	}
	return all
}

func (r *reader) unreadableContainers() []fact.Problem {
	var all []fact.Problem
	for _, p := range r.Containers.Unreadable {
		if runs(p.At.Path) {
			all = append(all, p)
		}
	}
	return all
}

// neverRoot reports whether Kubernetes starts none of the service's containers as root: each container of its workloads
// has a user of its own, or is refused as root.
func (r *reader) neverRoot() bool {
	workloads := slices.DeleteFunc(slices.Clone(r.workloads()), func(w manifest.Workload) bool { return foreign(&w) })
	for i := range workloads {
		for _, c := range workloads[i].Containers {
			user, refused := c.Security.RunAsUser, c.Security.RunAsNonRoot
			if (user == nil || *user == 0) && (refused == nil || !*refused) {
				return false
			}
		}
	}
	return len(workloads) > 0 && r.doubt(r.Manifests.Unreadable) == ""
}
