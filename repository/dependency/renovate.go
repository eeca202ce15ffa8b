package dependency

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// Renovate is the configuration of Renovate. Presets that it extends are not downloaded: they can change what is
// updated, but seldom turn it off.
type Renovate struct {
	Path            string
	Enabled         bool
	Extends         []string
	EnabledManagers []string // only these; none: all
	DisabledManager []string // "gomod": {"enabled": false}
	IgnorePaths     []string // patterns
	IncludePaths    []string // patterns; none: all
}

// renovateFiles are where Renovate looks, in its order.
var renovateFiles = []string{
	"renovate.json", "renovate.jsonc", "renovate.json5", ".github/renovate.json", ".github/renovate.jsonc",
	".github/renovate.json5", ".gitlab/renovate.json", ".gitlab/renovate.jsonc", ".gitlab/renovate.json5",
	".renovaterc", ".renovaterc.json", ".renovaterc.jsonc", ".renovaterc.json5",
}

func readRenovate(t *tree.Tree) fact.Value[*Renovate] {
	f, found := t.First(renovateFiles...)
	inPackage := false
	if !found {
		if f, found = t.File("package.json"); !found {
			return tree.Absent[*Renovate](t, nil)
		}
		inPackage = true
	}
	at := fact.Location{Path: f.Path}
	var r *Renovate
	err := fact.Contain(func() error {
		text, err := t.Text(f)
		if err != nil {
			return err
		}
		value, err := ParseJSON5(text)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		object, _ := value.(map[string]any)
		if inPackage {
			if object, _ = object["renovate"].(map[string]any); object == nil {
				return nil
			}
		} else if object == nil {
			return fmt.Errorf("%s is not an object", f.Path)
		}
		r = renovateOf(f.Path, object)
		return nil
	})
	switch {
	case err != nil:
		return fact.Unknown[*Renovate](at, "%v", err)
	case r == nil:
		return tree.Absent[*Renovate](t, nil)
	}
	return fact.Known(r, at)
}

func renovateOf(file string, object map[string]any) *Renovate {
	r := &Renovate{
		Path:            file,
		Enabled:         object["enabled"] != false,
		Extends:         texts(object["extends"]),
		EnabledManagers: texts(object["enabledManagers"]),
		IgnorePaths:     texts(object["ignorePaths"]),
		IncludePaths:    texts(object["includePaths"]),
	}
	for name, value := range object {
		if manager, ok := value.(map[string]any); ok && manager["enabled"] == false {
			r.DisabledManager = append(r.DisabledManager, name)
		}
	}
	slices.Sort(r.DisabledManager)
	if slices.Contains(r.Extends, ":disableRenovate") {
		r.Enabled = false
	}
	return r
}

func texts(value any) []string {
	if text, ok := value.(string); ok {
		return []string{text}
	}
	var all []string
	list, _ := value.([]any)
	for _, item := range list {
		if text, ok := item.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

func (r *Renovate) covers(m Manifest) bool {
	var managers []string
	for _, e := range ecosystems {
		if e.name == m.Ecosystem {
			managers = e.renovate
		}
	}
	enabled := func(manager string) bool {
		return !slices.Contains(r.DisabledManager, manager) &&
			(len(r.EnabledManagers) == 0 || slices.Contains(r.EnabledManagers, manager))
	}
	in := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			if !strings.ContainsAny(p, "*?[{") {
				return m.Path == p || strings.HasPrefix(m.Path, strings.TrimSuffix(p, "/")+"/")
			}
			ok, err := doublestar.Match(p, m.Path)
			return ok && err == nil
		})
	}
	return r.Enabled && slices.ContainsFunc(managers, enabled) && !in(r.IgnorePaths) &&
		(len(r.IncludePaths) == 0 || in(r.IncludePaths))
}

// Updated returns whether a program keeps the dependencies of a manifest up to date, located at the configuration that
// does.
func (s *Set) Updated(m Manifest) fact.Value[bool] {
	if d := s.Dependabot.Value; d != nil {
		for _, u := range d.Updates {
			if u.covers(m) || m.Lock.Value != "" && u.covers(Manifest{Path: m.Workspace(), Ecosystem: m.Ecosystem}) {
				return fact.Known(true, u.At)
			}
		}
	}
	if r := s.Renovate.Value; r != nil && r.covers(m) {
		return fact.Known(true, fact.Location{Path: r.Path})
	}
	switch {
	case !s.Dependabot.Known:
		return fact.Unknown[bool](s.Dependabot.At, "%s", s.Dependabot.Reason)
	case !s.Renovate.Known:
		return fact.Unknown[bool](s.Renovate.At, "%s", s.Renovate.Reason)
	}
	return fact.Known(false, fact.Location{Path: m.Path})
}

// Workspace returns the path of the manifest at the root of the workspace of a manifest: where the lock file is. It is
// that of the manifest itself without a lock file.
func (m Manifest) Workspace() string {
	if m.Lock.Value == "" {
		return m.Path
	}
	return path.Join(path.Dir(m.Lock.Value), path.Base(m.Path))
}
