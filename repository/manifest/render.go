package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// rendering serializes calls of Kustomize, which keeps its schema in a global variable.
var rendering sync.Mutex

// render renders every overlay that no other one is based on. One that cannot be rendered is in Unrendered.
func (s *Set) render(t *tree.Tree, all *kustomizations) {
	for _, dir := range all.circular() {
		s.Unrendered = append(s.Unrendered, fact.Problem{
			At:     fact.Location{Path: all.byDir[dir].file},
			Reason: "it is based on itself",
		})
	}
	rendered := 0
	for _, dir := range slices.Sorted(maps.Keys(all.byDir)) {
		k := all.byDir[dir]
		if all.based[dir] || left(t, k.file) || k.content.Kind == types.ComponentKind {
			continue
		}
		at := fact.Location{Path: k.file}
		if rendered++; rendered > maxOverlays {
			s.Unrendered = append(s.Unrendered, fact.Problem{
				At:     at,
				Reason: fmt.Sprintf("the repository has more than %d overlays", maxOverlays),
			})
			return
		}
		var g group
		if err := fact.Contain(func() error { return g.overlay(t, all, dir) }); err != nil {
			s.Unrendered = append(s.Unrendered, fact.Problem{At: at, Reason: err.Error()})
			continue
		}
		s.Workloads = append(s.Workloads, g.resolve(nil)...)
	}
}

// overlay renders a directory and adds the objects that result.
func (g *group) overlay(t *tree.Tree, all *kustomizations, dir string) error {
	dirs, files, err := all.closure(dir)
	if err != nil {
		return err
	}
	memory := filesys.MakeFsInMemory()
	input := 0
	for _, file := range files {
		f, _ := t.File(file)
		text, err := t.Text(f)
		if err != nil {
			return err
		}
		if _, err := yamlfile.Parse(text); err != nil && isManifest.MatchString(text) {
			return fmt.Errorf("%s: %w", file, err)
		}
		if input += len(text); input > maxInput {
			return fmt.Errorf("it reads more than %s", tree.Size(maxInput))
		}
		if err := memory.WriteFile("/"+file, []byte(text)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, d := range dirs {
		// The parsed form has no deprecated fields, about which Kustomize prints warnings.
		text, err := yaml.Marshal(withoutDeprecated(all.byDir[d].content))
		if err != nil {
			return fmt.Errorf("%s: %w", d, err)
		}
		if err := memory.WriteFile("/"+strings.TrimPrefix(d+"/kustomization.yaml", "./"), text); err != nil {
			return fmt.Errorf("%s: %w", d, err)
		}
	}
	objects, err := build(memory, "/"+strings.TrimPrefix(dir, "."))
	if err != nil {
		return fmt.Errorf("kustomize does not render it: %w", err)
	}
	for _, o := range objects.Resources() {
		if !recognized[o.GetKind()] {
			continue
		}
		data, err := o.MarshalJSON()
		if err != nil {
			return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
		}
		if err := g.addJSON(o.GetKind(), data, fact.Location{Path: all.byDir[dir].file}, nil); err != nil {
			return fmt.Errorf("%s: %w", o.GetName(), err)
		}
	}
	for i := range g.workloads {
		g.workloads[i].Overlay = dir
	}
	return nil
}

func build(memory filesys.FileSystem, dir string) (resmap.ResMap, error) {
	options := krusty.MakeDefaultOptions() // plugins are disabled
	// The file system has only files of the repository, so an overlay may also use those outside its directory.
	options.LoadRestrictions = types.LoadRestrictionsNone
	rendering.Lock()
	defer rendering.Unlock()
	return krusty.MakeKustomizer(options).Run(memory, dir)
}

// withoutDeprecated moves commonLabels to where Kustomize wants them. The other deprecated fields are moved when the
// file is read.
func withoutDeprecated(k types.Kustomization) types.Kustomization {
	if common := k.CommonLabels; len(common) > 0 { //nolint:staticcheck // the field is moved
		k.Labels = append(slices.Clone(k.Labels), types.Label{Pairs: common, IncludeSelectors: true})
		k.CommonLabels = nil //nolint:staticcheck // moved
	}
	return k
}
