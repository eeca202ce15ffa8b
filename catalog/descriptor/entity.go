// Package descriptor reads Backstage descriptors: what a YAML or JSON document states about an entity, and what is
// wrong with it. How the entities of many documents relate is the catalog's concern.
package descriptor

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
)

// Entity is one thing that the catalog describes. Refs in it are complete and in lower case.
type Entity struct {
	Ref         string `json:"ref"`
	Kind        string `json:"kind"` // as Backstage writes it: Component, Group
	Namespace   string `json:"namespace"`
	Name        string `json:"name"` // as written; Ref has it in lower case
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type,omitempty"`
	Lifecycle   string `json:"lifecycle,omitempty"`
	Owner       string `json:"owner,omitempty"`  // ref of a group or a user
	System      string `json:"system,omitempty"` // ref of a system
	Domain      string `json:"domain,omitempty"` // ref of a domain (systems)
	// ref of the component, domain or group that this is a part of
	PartOf       string            `json:"partOf,omitempty"`
	DependsOn    []string          `json:"dependsOn,omitempty"` // refs
	DependencyOf []string          `json:"dependencyOf,omitempty"`
	ProvidesAPIs []string          `json:"providesApis,omitempty"`
	ConsumesAPIs []string          `json:"consumesApis,omitempty"`
	Children     []string          `json:"children,omitempty"` // refs of groups
	Members      []string          `json:"members,omitempty"`  // refs of users (groups)
	MemberOf     []string          `json:"memberOf,omitempty"` // refs of groups (users)
	Profile      Profile           `json:"profile,omitzero"`
	Tags         []string          `json:"tags,omitempty"`
	Links        []Link            `json:"links,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	CreatedAt    time.Time         `json:"createdAt,omitzero"` // from the annotation dxctl.dev/created-at; zero: not known
	// relative to the base directory; the URL of what a source has
	File string   `json:"file"`
	Line int      `json:"line"`
	Via  []string `json:"via,omitempty"` // files of the Locations that led to File, the first one first
}

// Profile is what a Group or a User says of itself.
type Profile struct {
	DisplayName string `yaml:"displayName" json:"displayName,omitempty"`
	Email       string `yaml:"email"       json:"email,omitempty"`
	Picture     string `yaml:"picture"     json:"picture,omitempty"`
}

// Link is a page about an entity.
type Link struct {
	URL   string `yaml:"url"   json:"url"`
	Title string `yaml:"title" json:"title,omitempty"`
	Icon  string `yaml:"icon"  json:"icon,omitempty"`
	Type  string `yaml:"type"  json:"type,omitempty"`
}

// notDeployed are the types of Component that do not run anywhere and so are no services.
var notDeployed = []string{"library", "documentation", "docs"}

// IsService reports whether e is a Component that is deployed.
func (e Entity) IsService() bool {
	return e.Kind == "Component" && !slices.Contains(notDeployed, e.Type)
}

// DisplayName returns the title, the profile's name, or the name.
func (e Entity) DisplayName() string {
	switch {
	case e.Title != "":
		return e.Title
	case e.Profile.DisplayName != "":
		return e.Profile.DisplayName
	}
	return e.Name
}

// Repository returns the slug of the repository that the annotations name, owner/name, and its address; both are empty
// where none does.
func (e Entity) Repository() (slug, address string) {
	for _, provider := range []string{"github", "gitlab"} {
		r, err := identifier.ParseRepository(e.Annotations[provider+".com/project-slug"], provider)
		if err != nil {
			continue
		}
		if r.Host == "" || identifier.IsPublicHost(r.Host) {
			r.Host = provider + ".com"
		}
		return r.Path, "https://" + r.Host + "/" + r.Path
	}
	return "", ""
}
