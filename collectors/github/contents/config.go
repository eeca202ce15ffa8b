package contents

import (
	"fmt"
	"path"
	"strings"
)

// Config says whether repositories are searched for Backstage descriptors, which are then a part of the catalog.
type Config struct {
	Discover *bool  `yaml:"discover"` // default: true with an organization, false with repositories alone
	Path     string `yaml:"path"`     // of the descriptor in each repository; default catalog-info.yaml
}

// Validate returns a mistake in the path.
func (c Config) Validate() error {
	if clean := path.Clean(c.Path); c.Path != "" &&
		(clean != c.Path || path.IsAbs(clean) || clean == "." || strings.HasPrefix(clean, "..")) {
		return fmt.Errorf("catalog.path %q: give a path from the top of the repository, such as catalog-info.yaml or "+
			".backstage/catalog.yaml", c.Path)
	}
	return nil
}

// DescriptorPath returns the path of the descriptor in a repository; empty if descriptors are not collected.
// organization reports whether the repositories are those of an organization.
func (c Config) DescriptorPath(organization bool) string {
	if discover := c.Discover; discover != nil && !*discover || discover == nil && !organization {
		return ""
	}
	if c.Path == "" {
		return "catalog-info.yaml"
	}
	return c.Path
}
