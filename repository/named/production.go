package named

import (
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/container"
	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/manifest"
	"github.com/dxctl/dxctl/repository/workflow"
)

// Production returns the workloads of production, which the facts are about: those of other environments, by the names
// of their directories and files, only if there are no others.
func Production(f *repository.Facts) []manifest.Workload { return (&reader{Facts: f}).workloads() }

// Own reports whether a workload runs all the time and has a program of the service, not only databases and other
// programs of others.
func Own(w *manifest.Workload) bool { return steady(w) && !foreign(w) }

// Built returns the Dockerfiles of what the service runs: none for development, tests or examples.
func Built(f *repository.Facts) []container.Dockerfile { return (&reader{Facts: f}).containers() }

// Outdated returns the manifests whose dependencies nothing is configured to update, as the fact about them does.
func Outdated(f *repository.Facts) []dependency.Manifest {
	var all []dependency.Manifest
	for _, m := range f.Dependencies.Manifests {
		updated := f.Dependencies.Updated(m)
		switch {
		case m.Ecosystem == "docker-compose", m.Ecosystem == "devcontainers", m.Ecosystem == "docker" && !runs(m.Path):
		case updated.Known && !updated.Value && (!m.Depends.Known || m.Depends.Value):
			all = append(all, m)
		}
	}
	return all
}

// ReleasesWithout returns the workflows that release, and have no step for a purpose.
func ReleasesWithout(f *repository.Facts, purpose workflow.Purpose) []*workflow.Workflow {
	r := &reader{Facts: f}
	var all []*workflow.Workflow
	for _, w := range r.releases() {
		if s := r.search(w, purpose); s.found.Path == "" && s.doubt == "" {
			all = append(all, w)
		}
	}
	return all
}
