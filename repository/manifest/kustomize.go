package manifest

import (
	"errors"
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
	// maxWork and maxWorkAll bound the work of one overlay and of all, in objects times transformations. Rendering cannot
	// be interrupted; a second is about 75,000.
	maxWork    = 200_000
	maxWorkAll = 1_000_000
)

// kustomization is a parsed kustomization file.
type kustomization struct {
	file    string
	content types.Kustomization
	dirs    []string // of the kustomizations that it is based on
	files   []string // that it reads
	named   []string // files of the tree that the text names, also if it cannot be rendered
	problem string   // why it cannot be rendered
	objects int      // in its own files, at most
	changes int      // transformations that it applies to each object
}

// kustomizations are those of a repository, by directory.
type kustomizations struct {
	byDir map[string]*kustomization
	work  int             // of the overlays so far
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
		for _, file := range slices.Concat(k.files, k.named) {
			all.used[file] = true
		}
		if left(t, k.file) {
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
	var docs []yamlfile.Document
	if err == nil {
		docs, err = yamlfile.Parse(text) // bounds aliases before the parser of Kustomize expands them
	}
	// A patch must not be taken for a whole manifest, whatever is wrong with the kustomization.
	k.named = named(t, dir, docs)
	if err != nil {
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
			text, err := t.Text(file)
			if err != nil {
				return err
			}
			k.objects += 1 + strings.Count(text, "\n---") + strings.Count(text, "\n- apiVersion")
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
	k.changes = transformations(c)
	return nil
}

// named returns the files that the documents of a kustomization name anywhere, or all files of the directory if it
// cannot be parsed.
func named(t *tree.Tree, dir string, docs []yamlfile.Document) []string {
	var files []string
	broken := len(docs) == 0
	for _, d := range docs {
		broken = broken || d.Err != nil
		for _, text := range yamlfile.Scalars(d.Root) {
			if name, err := local(dir, text); err == nil {
				if f, ok := t.File(name); ok {
					files = append(files, f.Path)
				}
			}
		}
	}
	if broken {
		for _, f := range t.In(dir) {
			files = append(files, f.Path)
		}
	}
	return files
}

// transformations returns about how many changes are tried on each object.
func transformations(c *types.Kustomization) int {
	labels := len(c.Labels) + len(c.CommonLabels) //nolint:staticcheck // deprecated, and counted
	return labels + len(c.Patches) + len(c.Images) + len(c.Replicas) + len(c.Replacements) +
		len(c.ConfigMapGenerator) + len(c.SecretGenerator) + len(c.Configurations) + len(c.Crds)
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
	loads, work := 0, 0
	seenDirs, seenFiles := map[string]bool{}, map[string]bool{}
	var visit func(dir string, above []string) (objects int, err error)
	visit = func(dir string, above []string) (objects int, err error) {
		if slices.Contains(above, dir) {
			return 0, fmt.Errorf("%s is based on itself", dir)
		}
		// A base that is loaded twice costs twice, so the bound counts each time.
		if loads++; loads > maxLoads {
			return 0, fmt.Errorf("it loads more than %d kustomizations", maxLoads)
		}
		one := k.byDir[dir]
		if one.problem != "" {
			return 0, fmt.Errorf("%s: %s", one.file, one.problem)
		}
		objects = one.objects
		seenDirs[dir] = true
		for _, file := range one.files {
			seenFiles[file] = true
		}
		for _, base := range one.dirs {
			below, err := visit(base, append(above, dir))
			if err != nil {
				return 0, err
			}
			objects += below
		}
		// References by name compare each object with the others, at about a quarter of the cost of a patch.
		if work += objects * (1 + one.changes + objects/4); work > maxWork {
			return 0, fmt.Errorf("it has too many objects and patches to render (%d objects)", objects)
		}
		return objects, nil
	}
	if _, err := visit(dir, nil); err != nil {
		return nil, nil, err
	}
	if k.work += work; k.work > maxWorkAll {
		return nil, nil, errors.New("the overlays of the repository have too many objects and patches to render all")
	}
	return slices.Sorted(maps.Keys(seenDirs)), slices.Sorted(maps.Keys(seenFiles)), nil
}
