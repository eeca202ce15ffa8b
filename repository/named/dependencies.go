package named

import (
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/fact"
)

var dependencies = []entry{
	{Definition{
		Name:        "repository.dependencies.ecosystems",
		Type:        event.ListFact,
		Label:       "the ecosystems of its dependencies",
		Description: "Package managers whose manifests the service has, by the names that Dependabot uses.",
	}, func(r *reader) value {
		var names []string
		for _, e := range r.Dependencies.Ecosystems() {
			names = append(names, string(e))
		}
		return texts(names, r.doubt())
	}},
	{Definition{
		Name:   "repository.dependencies.without_updates",
		Type:   event.ListFact,
		Places: true,
		Label:  "the manifests whose dependencies nothing updates",
		Description: "Manifests with dependencies that neither Dependabot nor Renovate is configured to keep up to date; " +
			"all workflows of GitHub are one, and Compose, dev containers and Dockerfiles for development are left out.",
	}, withoutUpdates},
	{Definition{
		Name:   "repository.dependencies.without_lock_file",
		Type:   event.ListFact,
		Places: true,
		Label:  "the manifests without a lock file",
		Description: "Manifests with dependencies for which no lock file is committed, next to them or in the workspace " +
			"above.",
	}, withoutLockFile},
}

func dependencyUpdates(r *reader) value {
	d, v := r.Dependencies.Dependabot, r.Dependencies.Renovate
	switch {
	case d.Value != nil, v.Value != nil, !d.Known && d.At.Path != "":
		return known(true)
	case !v.Known:
		return unknown(v.Reason)
	}
	return r.absent()
}

func withoutUpdates(r *reader) value {
	var p places
	doubt := r.doubt()
	first := func(v fact.Value[bool]) {
		if doubt == "" {
			doubt = v.Reason
		}
	}
	for _, m := range r.Dependencies.Manifests {
		updated := r.Dependencies.Updated(m)
		switch {
		case m.Ecosystem == "docker-compose", m.Ecosystem == "devcontainers", m.Ecosystem == "docker" && !runs(m.Path):
			// for development: not what the service consists of
		case m.Depends.Known && !m.Depends.Value, updated.Value:
		case !updated.Known:
			first(updated)
		case !m.Depends.Known:
			first(m.Depends)
		default:
			at := fact.Location{Path: m.Path}
			p.add(at, "neither Dependabot nor Renovate is configured for %s here", m.Ecosystem)
		}
	}
	return p.value(doubt)
}

func withoutLockFile(r *reader) value {
	var p places
	doubt := r.doubt()
	for _, m := range r.Dependencies.Manifests {
		switch {
		case m.NeedsLock.Known && !m.NeedsLock.Value, m.Lock.Value != "":
		case !m.NeedsLock.Known && doubt == "":
			doubt = m.NeedsLock.Reason
		case m.NeedsLock.Known && m.Lock.Known:
			p.add(fact.Location{Path: m.Path}, "no lock file of %s is committed", m.Ecosystem)
		}
	}
	return p.value(doubt)
}
