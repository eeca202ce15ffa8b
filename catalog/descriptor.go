package catalog

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// descriptor is a Backstage descriptor, all kinds in one shape: a field that a kind does not have stays empty.
type descriptor struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name"`
		Namespace   string            `yaml:"namespace"`
		Title       string            `yaml:"title"`
		Description string            `yaml:"description"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
		Tags        []string          `yaml:"tags"`
		Links       []Link            `yaml:"links"`
	} `yaml:"metadata"`
	Spec struct {
		Type           string   `yaml:"type"`
		Lifecycle      string   `yaml:"lifecycle"`
		Owner          string   `yaml:"owner"`
		System         string   `yaml:"system"`
		Domain         string   `yaml:"domain"`
		SubcomponentOf string   `yaml:"subcomponentOf"`
		SubdomainOf    string   `yaml:"subdomainOf"`
		Parent         string   `yaml:"parent"`
		DependsOn      []string `yaml:"dependsOn"`
		DependencyOf   []string `yaml:"dependencyOf"`
		ProvidesAPIs   []string `yaml:"providesApis"`
		ConsumesAPIs   []string `yaml:"consumesApis"`
		Children       []string `yaml:"children"`
		Members        []string `yaml:"members"`
		MemberOf       []string `yaml:"memberOf"`
		Profile        Profile  `yaml:"profile"`
		Target         string   `yaml:"target"`
		Targets        []string `yaml:"targets"`
		Presence       string   `yaml:"presence"`
	} `yaml:"spec"`
}

var (
	topFields      = []string{"apiVersion", "kind", "metadata", "spec", "relations", "status"}
	metadataFields = []string{"name", "namespace", "title", "description", "labels", "annotations", "tags", "links", "uid", "etag", "generation"}
	specFields     = map[string][]string{
		"Component": {"type", "lifecycle", "owner", "system", "subcomponentOf", "providesApis", "consumesApis", "dependsOn", "dependencyOf"},
		"API":       {"type", "lifecycle", "owner", "system", "definition"},
		"Resource":  {"type", "lifecycle", "owner", "system", "dependsOn", "dependencyOf"},
		"System":    {"type", "owner", "domain"},
		"Domain":    {"type", "owner", "subdomainOf"},
		"Group":     {"type", "profile", "parent", "children", "members"},
		"User":      {"profile", "memberOf"},
		"Location":  {"type", "target", "targets", "presence"},
	}
)

// Annotations that the catalog itself understands, beside those of bindings.
const (
	orphanAnnotation    = "backstage.io/orphan"
	createdAtAnnotation = "dxctl.dev/created-at"
)

// descriptorReader turns the documents of one file into entities and keeps what it has to say about them.
type descriptorReader struct {
	file string // as shown to people
	warn func(file string, line int, format string, args ...any)
	fail func(file string, line int, format string, args ...any)

	foreign bool // the author is not the one who reads the warnings: fields of their own, which Backstage allows, are none
}

// read returns the entity of doc and, for a Location, its descriptor. ok is false when the document holds no entity.
func (r descriptorReader) read(doc document) (entity Entity, d descriptor, ok bool) {
	if doc.err != nil {
		r.fail(r.file, doc.line, "the descriptor cannot be read: %v", doc.err)
		return Entity{}, d, false
	}
	line := doc.node.Line + doc.offset
	if doc.node.Kind != yaml.MappingNode {
		r.fail(r.file, line, "the document is not a mapping; a descriptor begins with apiVersion, kind and metadata")
		return Entity{}, d, false
	}
	kindKey, kindNode := field(doc.node, "kind")
	_, versionNode := field(doc.node, "apiVersion")
	version, kind := scalar(versionNode), canonicalKind(scalar(kindNode))
	switch {
	case version == "" && kind == "":
		r.warn(r.file, line, "the document has neither apiVersion nor kind, so it is no descriptor; it is left out")
		return Entity{}, d, false
	case kind == "":
		r.fail(r.file, line, "the descriptor has no kind; write for example kind: Component")
		return Entity{}, d, false
	case specFields[kind] == nil || (version != "" && !strings.HasPrefix(version, "backstage.io/")):
		r.warn(r.file, kindKey.Line+doc.offset, "%s of %s is not a kind that dxctl knows; it is left out", scalar(kindNode), orWord(version, "no apiVersion"))
		return Entity{}, d, false
	case version == "":
		r.warn(r.file, line, "the descriptor has no apiVersion; read as backstage.io/v1alpha1")
	case version != "backstage.io/v1alpha1" && version != "backstage.io/v1beta1":
		r.warn(r.file, versionNode.Line+doc.offset, "apiVersion %s is not known; read as backstage.io/v1alpha1", version)
	}
	if !r.foreign {
		r.checkFields(doc, kind)
	}
	r.decode(doc, &d)
	if d.Metadata.Annotations[orphanAnnotation] == "true" {
		return Entity{}, d, false
	}
	d.Kind = kind
	if d.Metadata.Name == "" && kind != "Location" {
		r.fail(r.file, line, "the %s has no metadata.name", kind)
		return Entity{}, d, false
	}
	entity = r.entity(doc, d)
	return entity, d, true
}

// canonicalKind gives a known kind the spelling of specFields. Refs compare kinds without regard to case, and so do we.
func canonicalKind(kind string) string {
	for known := range specFields {
		if strings.EqualFold(known, kind) {
			return known
		}
	}
	return kind
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

func (r descriptorReader) checkFields(doc document, kind string) {
	r.checkKnown(doc, doc.node, "", topFields)
	if _, n := field(doc.node, "metadata"); n != nil {
		r.checkKnown(doc, n, "metadata.", metadataFields)
	}
	if _, n := field(doc.node, "spec"); n != nil {
		r.checkKnown(doc, n, "spec.", specFields[kind])
	}
}

func (r descriptorReader) checkKnown(doc document, n *yaml.Node, prefix string, known []string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if name := n.Content[i].Value; !slices.Contains(known, name) && n.Content[i].ShortTag() != "!!merge" {
			r.warn(r.file, n.Content[i].Line+doc.offset, "field %s%s is not known; it is ignored", prefix, name)
		}
	}
}

// decode fills d. A field of the wrong type is a warning and stays empty; the rest of the document is kept.
func (r descriptorReader) decode(doc document, d *descriptor) {
	err := doc.node.Decode(d)
	var typeErr *yaml.TypeError
	switch {
	case err == nil:
	case errors.As(err, &typeErr):
		for _, message := range typeErr.Errors {
			text, line := splitYAMLMessage(message, doc.offset)
			r.warn(r.file, line, "%s; the field is ignored", text)
		}
	default:
		message, line := yamlError(err, doc.offset)
		r.warn(r.file, line, "%s; a part of the descriptor is ignored", message)
	}
}

func (r descriptorReader) entity(doc document, d descriptor) Entity {
	m, s := d.Metadata, d.Spec
	namespace := strings.ToLower(orWord(m.Namespace, defaultNamespace))
	e := Entity{
		Kind: d.Kind, Namespace: namespace, Name: m.Name,
		Ref:   Ref{Kind: strings.ToLower(d.Kind), Namespace: namespace, Name: strings.ToLower(m.Name)}.String(),
		Title: m.Title, Description: strings.TrimSpace(m.Description), Type: s.Type, Lifecycle: s.Lifecycle,
		Tags: m.Tags, Links: m.Links, Labels: m.Labels, Annotations: m.Annotations, Profile: s.Profile,
		File: r.file, Line: doc.node.Line + doc.offset,
	}
	_, spec := field(doc.node, "spec")
	one := func(name, value, kind string) string {
		refs := r.refs(doc, spec, name, []string{value}, kind, namespace)
		if value == "" || len(refs) == 0 {
			return ""
		}
		return refs[0]
	}
	many := func(name string, values []string, kind string) []string {
		return r.refs(doc, spec, name, values, kind, namespace)
	}
	e.Owner = one("owner", s.Owner, "group")
	e.System = one("system", s.System, "system")
	e.Domain = one("domain", s.Domain, "domain")
	e.PartOf = orWord(one("subcomponentOf", s.SubcomponentOf, "component"),
		orWord(one("subdomainOf", s.SubdomainOf, "domain"), one("parent", s.Parent, "group")))
	e.DependsOn = many("dependsOn", s.DependsOn, "component")
	e.DependencyOf = many("dependencyOf", s.DependencyOf, "component")
	e.ProvidesAPIs = many("providesApis", s.ProvidesAPIs, "api")
	e.ConsumesAPIs = many("consumesApis", s.ConsumesAPIs, "api")
	e.Children = many("children", s.Children, "group")
	e.Members = many("members", s.Members, "user")
	e.MemberOf = many("memberOf", s.MemberOf, "group")
	r.checkNames(doc, d)
	r.readCreatedAt(doc, &e)
	return e
}

// refs completes the refs of one field. One that cannot be read is a warning at its own line and left out.
func (r descriptorReader) refs(doc document, spec *yaml.Node, name string, values []string, kind, namespace string) []string {
	var out []string
	key, node := field(spec, name)
	for i, value := range values {
		if value == "" {
			continue
		}
		ref, err := ParseRef(value, kind, namespace)
		if err != nil {
			line := doc.node.Line
			if key != nil {
				line = key.Line
			}
			if node != nil && node.Kind == yaml.SequenceNode && i < len(node.Content) {
				line = node.Content[i].Line
			}
			r.warn(r.file, line+doc.offset, "spec.%s: %v; it is ignored", name, err)
			continue
		}
		if s := ref.String(); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// checkNames warns of what Backstage itself would refuse.
func (r descriptorReader) checkNames(doc document, d descriptor) {
	_, metadata := field(doc.node, "metadata")
	at := func(name string) int {
		if key, _ := field(metadata, name); key != nil {
			return key.Line + doc.offset
		}
		return doc.node.Line + doc.offset
	}
	m := d.Metadata
	if m.Name != "" && !validName(m.Name) {
		r.warn(r.file, at("name"), "name %q would be refused by Backstage: letters and digits with single -, _ or . between them, at most %d characters", m.Name, maxName)
	}
	if m.Namespace != "" && !validNamespace(m.Namespace) {
		r.warn(r.file, at("namespace"), "namespace %q would be refused by Backstage: lower-case letters and digits with single - between them, at most %d characters", m.Namespace, maxName)
	}
	for _, tag := range m.Tags {
		if !validTag(tag) {
			r.warn(r.file, at("tags"), "tag %q would be refused by Backstage: lower-case letters, digits, + and # with single - between them, at most %d characters", tag, maxName)
		}
	}
	for _, name := range []string{"annotations", "labels"} {
		_, n := field(metadata, name)
		if n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i]; !validKey(key.Value) && key.ShortTag() != "!!merge" {
				r.warn(r.file, key.Line+doc.offset, "key %q of %s would be refused by Backstage: write domain/name or name", key.Value, name)
			}
		}
	}
}

func (r descriptorReader) readCreatedAt(doc document, e *Entity) {
	value := strings.TrimSpace(e.Annotations[createdAtAnnotation])
	if value == "" {
		return
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, value); err == nil {
			e.CreatedAt = t.UTC()
			return
		}
	}
	r.warn(r.file, annotationLine(doc, createdAtAnnotation), "annotation %s: %q is not a date; write 2026-03-31 or 2026-03-31T09:00:00Z", createdAtAnnotation, value)
}

// annotationLine returns the file's line of an annotation, or that of the document.
func annotationLine(doc document, name string) int {
	_, metadata := field(doc.node, "metadata")
	_, annotations := field(metadata, "annotations")
	if key, _ := field(annotations, name); key != nil {
		return key.Line + doc.offset
	}
	return doc.node.Line + doc.offset
}
