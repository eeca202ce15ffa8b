package edits

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/named"
	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// writeBills lets what builds a release write its bill of materials, too.
func writeBills(e *editor) {
	if e.Facts.Workflows.Bills.Path != "" {
		return
	}
	tried, bills := false, false
	for _, w := range named.ReleasesWithout(e.Facts, workflow.PurposeSBOM) {
		if e.buildInput(w, splice.Pair{Key: "sbom", Value: true}) {
			continue
		}
		// The configuration is of all workflows.
		if !tried {
			tried, bills = true, e.goReleaserBills()
		}
		if bills && uses(w, "goreleaser/goreleaser-action") {
			continue
		}
		e.ask(w.Path, 0, "write a bill of materials of what is released, for example with anchore/sbom-action: where the "+
			"workflow has what it releases is not known")
	}
}

// attestBuilds lets BuildKit attest where an image comes from.
func attestBuilds(e *editor) {
	for _, w := range named.ReleasesWithout(e.Facts, workflow.PurposeProvenance) {
		if secret := e.secretsOfBuilds(w); secret != nil {
			e.ask(w.Path, secret.Line, "pass secrets to the build by secrets instead of build arguments, and add "+
				"`provenance: mode=max` then: the attestation has the values of arguments and is published with the image")
			continue
		}
		if !e.buildInput(w, splice.Pair{Key: "provenance", Value: "mode=max"}) {
			e.ask(w.Path, 0, "attest the build of what is released with actions/attest-build-provenance: its files are not "+
				"known. It needs a public repository or an enterprise plan")
		}
	}
}

// public finds expressions whose values everybody sees who sees the image or its repository.
var public = regexp.MustCompile(`^(github\.(ref|ref_name|ref_type|sha|run_id|run_number|run_attempt|repository|` +
	`repository_owner|server_url|workflow|event_name)|matrix\.[A-Za-z_][\w-]*|runner\.(os|arch))$`)

// secretName finds names of build arguments that are usual for secrets.
var secretName = regexp.MustCompile(`(?i)token|secret|passw|passphrase|credential|private|auth|(^|_)(key|pat|pwd|dsn)($|_)`)

// argument splits a build argument.
var argument = regexp.MustCompile(`^["']?([A-Za-z_]\w*)=(.*)$`)

// secretsOfBuilds returns the first input of a step that builds an image, by which a secret may be passed that BuildKit
// writes into the provenance: with mode=max it has the values of build arguments and the addresses of contexts
// (https://docs.docker.com/build/metadata/attestations/slsa-provenance/). nil if there is none.
func (e *editor) secretsOfBuilds(w *workflow.Workflow) (found *yaml.Node) {
	e.yaml(w.Path, func(f *splice.File) error {
		return jobs(f, func(_ string, job *yaml.Node) error {
			for _, step := range items(splice.Field(job, "steps")) {
				with := splice.Field(step, "with")
				action, _, _ := strings.Cut(yamlfile.Text(splice.Field(step, "uses")), "@")
				if found != nil || !strings.EqualFold(action, "docker/build-push-action") {
					continue
				}
				for _, key := range []string{"build-args", "build-contexts", "context", "labels"} {
					if input := splice.Field(with, key); input != nil && !withoutSecrets(key, input) {
						found = input
						return nil
					}
				}
			}
			return nil
		})
	})
	return found
}

// withoutSecrets reports whether an input of a build has no secret for sure.
func withoutSecrets(key string, input *yaml.Node) bool {
	if input.Kind != yaml.ScalarNode {
		return false
	}
	for _, o := range expressionsOf(input.Value) {
		// Labels are in the image itself: what another step computed for them is published today.
		if !public.MatchString(o.inner) && (key != "labels" || !strings.HasPrefix(o.inner, "steps.")) {
			return false
		}
	}
	if key == "context" || key == "build-contexts" {
		return !strings.Contains(input.Value, "@")
	}
	if key != "build-args" {
		return true
	}
	for line := range strings.Lines(input.Value) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		// An argument without a value has that of the environment.
		parts := argument.FindStringSubmatch(line)
		if parts == nil || secretName.MatchString(parts[1]) || strings.Contains(parts[2], "://") {
			return false
		}
	}
	return true
}

// imagesOnly finds what takes no image with attestations: with them, the tag is that of an index of manifests.
var imagesOnly = regexp.MustCompile(`(?i)docker manifest (create|push)|BUILDX_NO_DEFAULT_ATTESTATIONS|\blambda\b|heroku`)

// buildInput adds an input to the steps of a workflow that build and push images. changed is whether there is one, and
// none that somebody set otherwise.
func (e *editor) buildInput(w *workflow.Workflow, input splice.Pair) (changed bool) {
	if content, _ := e.content(w.Path); imagesOnly.Match(content) {
		return false
	}
	e.yaml(w.Path, func(f *splice.File) error {
		return jobs(f, func(_ string, job *yaml.Node) error {
			buildx := false
			for _, step := range items(splice.Field(job, "steps")) {
				action, _, _ := strings.Cut(yamlfile.Text(splice.Field(step, "uses")), "@")
				with := splice.Field(step, "with")
				// Only the builder of setup-buildx-action can write attestations.
				if strings.EqualFold(action, "docker/setup-buildx-action") {
					buildx = yamlfile.Text(splice.Field(with, "driver")) != "docker"
				}
				off := func(key string) bool { return yamlfile.Text(splice.Field(with, key)) == "false" }
				if off("provenance") || off("sbom") { // somebody wants an image without attestations
					continue
				}
				push := yamlfile.Text(splice.Field(with, "push"))
				if !strings.EqualFold(action, "docker/build-push-action") || !buildx || push == "" || push == "false" ||
					splice.Field(with, input.Key) != nil || splice.Field(with, "outputs") != nil || splice.Field(with, "load") != nil {
					continue
				}
				if err := f.Insert(with, "push", input.Key, input.Value); err != nil {
					return err
				}
				changed = true
			}
			return nil
		})
	})
	return changed
}

// oldReleaser finds versions of GoReleaser that refuse a configuration with bills, which are those before 1.2, and
// versions that only the run decides.
var oldReleaser = regexp.MustCompile(`^[~^<>=\s]*v?(0(\.|$)|1\.[01](\.|$))|\$\{\{|<`)

// releaserRun finds commands that run GoReleaser so that it would write the bills, for which they need Syft.
var releaserRun = regexp.MustCompile(`\bgoreleaser\b[^\n]*(\brelease\b|--snapshot|--clean|--rm-dist|\$)`)

// goReleaserBills configures the bills of GoReleaser, which Syft writes, and installs Syft wherever GoReleaser runs.
func (e *editor) goReleaserBills() bool {
	var config string
	for _, name := range releaserFiles {
		if config == "" && e.exists(name) {
			config = name
		}
	}
	syft, known := e.newest("anchore/sbom-action")
	if config == "" || !known || !e.releaserWrites() {
		return false
	}
	done := false
	for i := range e.Facts.Workflows.Workflows {
		name := e.Facts.Workflows.Workflows[i].Path
		e.yaml(name, func(f *splice.File) error {
			return jobs(f, func(_ string, job *yaml.Node) error {
				list := splice.Field(job, "steps")
				steps := items(list)
				for n := len(steps) - 1; n >= 0; n-- { // from the end, because an item moves those after it
					if !runsReleaser(steps[n]) {
						continue
					}
					done = true
					install := "anchore/sbom-action/download-syft@" + syft.Commit
					if err := f.InsertItem(list, n, splice.Map{{Key: "uses", Value: install}}); err != nil {
						return err
					}
				}
				return nil
			})
		})
		if content, ok := e.result.Files[name]; ok {
			bare := regexp.MustCompile(`(download-syft@` + syft.Commit + `)(\r?\n)`)
			e.put(name, bare.ReplaceAll(content, []byte("${1} # "+syft.Tag+"${2}")))
		}
	}
	if !done {
		return false
	}
	e.yaml(config, func(f *splice.File) error {
		if len(f.Docs) == 0 {
			return nil
		}
		return f.Insert(f.Docs[0], "", "sboms", splice.List{splice.Map{{Key: "artifacts", Value: "archive"}}})
	})
	return true
}

// uses reports whether a step of a workflow uses an action.
func uses(w *workflow.Workflow, action string) bool {
	return slices.ContainsFunc(w.Jobs, func(j workflow.Job) bool {
		return slices.ContainsFunc(j.Steps, func(s workflow.Step) bool {
			return s.Uses != nil && strings.EqualFold(s.Uses.Action, action)
		})
	})
}

// runsReleaser reports whether a step runs GoReleaser so that it would write the bills.
func runsReleaser(step *yaml.Node) bool {
	action, _, _ := strings.Cut(yamlfile.Text(splice.Field(step, "uses")), "@")
	args := strings.Fields(yamlfile.Text(splice.Field(step, "with", "args")))
	return strings.EqualFold(action, "goreleaser/goreleaser-action") &&
		(len(args) == 0 || !slices.Contains([]string{"build", "check", "healthcheck"}, args[0])) &&
		yamlfile.Text(splice.Field(step, "with", "install-only")) != "true"
}

// releaserWrites reports whether every run of GoReleaser that is found is a step of its action, in a version that
// writes bills. What runs it otherwise would fail for want of Syft.
func (e *editor) releaserWrites() bool {
	for i := range e.Facts.Workflows.Workflows {
		for _, j := range e.Facts.Workflows.Workflows[i].Jobs {
			for _, s := range j.Steps {
				installs := s.Uses != nil && strings.EqualFold(s.Uses.Action, "goreleaser/goreleaser-action") &&
					(oldReleaser.MatchString(s.With["version"]) || s.With["install-only"] == "true")
				if installs || releaserRun.MatchString(s.Run) {
					return false
				}
			}
		}
	}
	for _, name := range []string{"Makefile", "makefile", "GNUmakefile", "Taskfile.yml", "Taskfile.yaml", "justfile"} {
		if content, ok := e.content(name); ok && releaserRun.Match(content) {
			return false
		}
	}
	return true
}
