package manifest

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Kustomize itself clones repositories, downloads files and starts programs when a kustomization names them. So each
// kustomization is parsed here first, with the parser of Kustomize, and only one whose every reference is a file or a
// directory of the tree is handed to it, together with a file system in memory that has nothing else.

const (
	maxOverlays = 200     // rendered in a repository
	maxLoads    = 300     // kustomizations that one overlay loads, each time that it does
	maxInput    = 4 << 20 // bytes that one overlay reads
)

// kustomization is a parsed kustomization file.
type kustomization struct {
	file    string
	content types.Kustomization
	dirs    []string // of the kustomizations that it is based on
	files   []string // that it reads
	problem string   // why it cannot be rendered
}

// kustomizations are those of a repository, by directory.
type kustomizations struct {
	byDir map[string]*kustomization
	used  map[string]bool // files that any of them reads, and the kustomization files themselves
	based map[string]bool // directories that another one, which is no test or example, is based on
}

func (k *kustomizations) uses(file string) bool { return k.used[file] }

func findKustomizations(t *tree.Tree) *kustomizations {
	all := &kustomizations{byDir: map[string]*kustomization{}, used: map[string]bool{}, based: map[string]bool{}}
	for _, f := range t.Files {
		if slices.Contains(konfig.RecognizedKustomizationFileNames(), f.Base()) && !tree.Vendored(f.Path) {
			all.used[f.Path] = true
			if other := all.byDir[f.Dir()]; other != nil {
				other.problem = "the directory has more than one kustomization file"
				continue
			}
			all.byDir[f.Dir()] = &kustomization{file: f.Path}
		}
	}
	for dir, k := range all.byDir {
		if err := fact.Contain(func() error { return k.read(t, dir, all.byDir) }); err != nil && k.problem == "" {
			k.problem = err.Error()
		}
		for _, file := range k.files {
			all.used[file] = true
		}
		if left(k.file) {
			continue // a test or an example may build on what is deployed
		}
		for _, base := range k.dirs {
			all.based[base] = true
		}
	}
	return all
}

// read parses the file and checks its references.
func (k *kustomization) read(t *tree.Tree, dir string, byDir map[string]*kustomization) error {
	f, _ := t.File(k.file)
	text, err := t.Text(f)
	if err != nil {
		return err
	}
	if _, err := yamlfile.Parse(text); err != nil { // bounds aliases before the parser of Kustomize expands them
		return err
	}
	if err := k.content.Unmarshal([]byte(text)); err != nil {
		return fmt.Errorf("it is not a valid kustomization: %w", err)
	}
	k.content.FixKustomization()
	c := &k.content
	switch {
	case len(c.HelmCharts) > 0 || c.HelmGlobals != nil:
		return fmt.Errorf("it inflates a Helm chart, which is not rendered")
	case len(c.Generators)+len(c.Transformers)+len(c.Validators) > 0:
		return fmt.Errorf("it uses plugins (generators, transformers or validators), which are not run")
	case len(c.OpenAPI) > 0:
		return fmt.Errorf("it replaces the OpenAPI schema, which is not supported")
	case len(c.Vars) > 0: //nolint:staticcheck // deprecated fields are still read, to refuse or to move them
		return fmt.Errorf("it uses vars, which Kustomize has replaced by replacements; they are not supported")
	}
	for _, ref := range slices.Concat(c.Resources, c.Components) {
		name, err := local(dir, ref)
		if err != nil {
			return err
		}
		if file, found := t.File(name); found && !file.Link {
			k.files = append(k.files, name)
		} else if byDir[name] != nil {
			k.dirs = append(k.dirs, name)
		} else {
			return fmt.Errorf("%q is neither a file nor a kustomization of the repository", ref)
		}
	}
	for _, ref := range k.references() {
		name, err := local(dir, ref)
		if err != nil {
			return err
		}
		if file, found := t.File(name); !found || file.Link {
			return fmt.Errorf("%q is not a file of the repository", ref)
		}
		k.files = append(k.files, name)
	}
	return nil
}

// references returns everything else that Kustomize would load as a file.
func (k *kustomization) references() []string {
	c := &k.content
	refs := slices.Concat(c.Crds, c.Configurations)
	patches := slices.Concat(c.Patches, c.PatchesJson6902) //nolint:staticcheck // moved
	for _, p := range c.PatchesStrategicMerge {            //nolint:staticcheck // moved
		// An entry is a path or a patch. Kustomize tries to load it first, so what is no patch must be a local path.
		if text := string(p); strings.Contains(text, "\n") && isManifest.MatchString(text) {
			patches = append(patches, types.Patch{Patch: text})
		} else {
			patches = append(patches, types.Patch{Path: text})
		}
	}
	c.Patches = patches
	c.PatchesJson6902 = nil       //nolint:staticcheck // moved
	c.PatchesStrategicMerge = nil //nolint:staticcheck // moved
	for _, p := range patches {
		if p.Path != "" {
			refs = append(refs, p.Path)
		}
	}
	for _, r := range c.Replacements {
		if r.Path != "" {
			refs = append(refs, r.Path)
		}
	}
	sources := make([]types.KvPairSources, 0, len(c.ConfigMapGenerator)+len(c.SecretGenerator))
	for _, g := range c.ConfigMapGenerator {
		sources = append(sources, g.KvPairSources)
	}
	for _, g := range c.SecretGenerator {
		sources = append(sources, g.KvPairSources)
	}
	for _, s := range sources {
		refs = append(refs, s.EnvSources...)
		for _, file := range s.FileSources {
			if _, after, found := strings.Cut(file, "="); found {
				file = after
			}
			refs = append(refs, file)
		}
	}
	return refs
}

// localPath is a path that Kustomize cannot take for a remote one: a URL has a scheme, and a repository a user, a
// colon, or the host github.com in front.
var localPath = regexp.MustCompile(`^[A-Za-z0-9_./ +,=~%-]+$`)

// local returns the path in the tree of a reference in a kustomization of a directory.
func local(dir, ref string) (string, error) {
	if !localPath.MatchString(ref) || strings.HasPrefix(strings.ToLower(ref), "github.com") ||
		strings.Contains(ref, "//") || strings.Contains(ref, "_git/") {
		return "", fmt.Errorf("%q is remote, and no connection is opened", ref)
	}
	if path.IsAbs(ref) {
		return "", fmt.Errorf("%q is an absolute path", ref)
	}
	name := path.Join(dir, ref)
	if name == ".." || strings.HasPrefix(name, "../") {
		return "", fmt.Errorf("%q is outside the repository", ref)
	}
	return name, nil
}

// circular returns the directories that are only based on by themselves or each other, so that no overlay reaches them.
func (k *kustomizations) circular() []string {
	reached := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		if reached[dir] || k.byDir[dir] == nil {
			return
		}
		reached[dir] = true
		for _, base := range k.byDir[dir].dirs {
			visit(base)
		}
	}
	for dir := range k.byDir {
		if !k.based[dir] {
			visit(dir)
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(k.byDir)), func(dir string) bool { return reached[dir] })
}

// closure returns the directories and files that rendering a directory loads.
func (k *kustomizations) closure(dir string) (dirs, files []string, err error) {
	loads := 0
	seenDirs, seenFiles := map[string]bool{}, map[string]bool{}
	var visit func(dir string, above []string) error
	visit = func(dir string, above []string) error {
		if slices.Contains(above, dir) {
			return fmt.Errorf("%s is based on itself", dir)
		}
		// A base that is loaded twice costs twice, so the bound counts each time.
		if loads++; loads > maxLoads {
			return fmt.Errorf("it loads more than %d kustomizations", maxLoads)
		}
		one := k.byDir[dir]
		if one.problem != "" {
			return fmt.Errorf("%s: %s", one.file, one.problem)
		}
		seenDirs[dir] = true
		for _, file := range one.files {
			seenFiles[file] = true
		}
		for _, base := range one.dirs {
			if err := visit(base, append(above, dir)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(dir, nil); err != nil {
		return nil, nil, err
	}
	return slices.Sorted(maps.Keys(seenDirs)), slices.Sorted(maps.Keys(seenFiles)), nil
}
