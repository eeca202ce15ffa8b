package descriptor

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/yamldoc"

	"go.yaml.in/yaml/v3"
)

var (
	topFields      = []string{"apiVersion", "kind", "metadata", "spec"}
	metadataFields = []string{
		"name",
		"namespace",
		"title",
		"description",
		"labels",
		"annotations",
		"tags",
		"links",
		"uid",
		"etag",
		"generation",
	}
	specFields = map[string][]string{
		"Component": {
			"type",
			"lifecycle",
			"owner",
			"system",
			"subcomponentOf",
			"providesApis",
			"consumesApis",
			"dependsOn",
			"dependencyOf",
		},
		"API":      {"type", "lifecycle", "owner", "system", "definition"},
		"Resource": {"type", "lifecycle", "owner", "system", "dependsOn", "dependencyOf"},
		"System":   {"type", "owner", "domain"},
		"Domain":   {"type", "owner", "subdomainOf"},
		"Group":    {"type", "profile", "parent", "children", "members"},
		"User":     {"profile", "memberOf"},
		"Location": {"type", "target", "targets", "presence"},
	}
	// requiredFields are those of spec without which Backstage refuses an entity of the kind.
	requiredFields = map[string][]string{
		"Component": {"type", "lifecycle", "owner"},
		"API":       {"type", "lifecycle", "owner", "definition"},
		"Resource":  {"type", "owner"},
		"System":    {"owner"},
		"Domain":    {"owner"},
		"Group":     {"type", "children"},
		"User":      {"memberOf"},
	}
	// otherKinds are kinds of Backstage that describe nothing that dxctl uses.
	otherKinds = []string{"template"}
)

// Annotations that the catalog itself understands, in addition to those of bindings.
const (
	orphanAnnotation    = "backstage.io/orphan"
	createdAtAnnotation = "dxctl.dev/created-at"
)

// Location is the content of a Location: names of other descriptors.
type Location struct {
	Targets  []string
	Optional bool // a target that does not exist is no error
}

// read returns the entity of doc and, for a Location, where it leads. ok is false when the document holds no entity.
func (r documentReader) read(doc yamldoc.Document) (entity Entity, location *Location, ok bool) {
	switch {
	case doc.Err != nil && rawTemplate.Match(doc.Text):
		r.Template(r.File, doc.Offset+1)
		return Entity{}, nil, false
	case doc.Err != nil:
		r.Fail(r.File, doc.Line, "the descriptor cannot be read: %v", doc.Err)
		return Entity{}, nil, false
	}
	line := doc.StartLine()
	if doc.Node.Kind != yaml.MappingNode {
		r.Fail(r.File, line, "the document is not a mapping; a descriptor begins with apiVersion, kind and metadata")
		return Entity{}, nil, false
	}
	if isTemplate(doc.Node) {
		r.Template(r.File, line)
		return Entity{}, nil, false
	}
	warn := func(line int, format string, args ...any) { r.Warn(r.File, line, format, args...) }
	fields := yamldoc.FieldReader{Offset: doc.Offset, Warn: warn}
	if kind, ok := r.kind(doc, fields, line); ok {
		return r.describe(doc, fields, kind)
	}
	return Entity{}, nil, false
}

// kind returns the kind of an entity that can be read.
func (r documentReader) kind(doc yamldoc.Document, fields yamldoc.FieldReader, line int) (kind string, ok bool) {
	kindKey, kindNode := yamldoc.Field(doc.Node, "kind")
	_, versionNode := yamldoc.Field(doc.Node, "apiVersion")
	version, kind := yamldoc.Scalar(versionNode), canonicalKind(yamldoc.Scalar(kindNode))
	group, _, _ := strings.Cut(version, "/")
	switch {
	case version == "" && kind == "":
		r.Warn(r.File, line, "the document has neither apiVersion nor kind, so it is no descriptor; it is left out")
	case kind == "" && kindNode != nil:
		r.Fail(
			r.File,
			kindKey.Line+doc.Offset,
			"kind is %s and not a text; write for example kind: Component",
			yamldoc.Kind(kindNode),
		)
	case kind == "":
		r.Fail(r.File, line, "the descriptor has no kind; write for example kind: Component")
	case slices.Contains(otherKinds, strings.ToLower(kind)) && (group == "backstage.io" ||
		strings.HasSuffix(group, ".backstage.io")):
	case specFields[kind] == nil || (version != "" && group != "backstage.io"):
		r.OtherKind(r.File, kindKey.Line+doc.Offset, yamldoc.Scalar(kindNode)+" of "+orWord(version, "no apiVersion"))
	default:
		switch {
		case version == "":
			fields.Warn(line, "the descriptor has no apiVersion; read as backstage.io/v1alpha1")
		case version != "backstage.io/v1alpha1" && version != "backstage.io/v1beta1":
			fields.Warn(versionNode.Line+doc.Offset, "apiVersion %s is not known; read as backstage.io/v1alpha1", version)
		}
		if written := yamldoc.Scalar(kindNode); written != kind {
			fields.Warn(kindKey.Line+doc.Offset, "kind %s is read as %s, and Backstage refuses it: write %[2]s", written, kind)
		}
		return kind, true
	}
	return "", false
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

// described is a descriptor of which the mappings are read.
type described struct {
	fields               yamldoc.FieldReader
	kind                 string
	root, metadata, spec yamldoc.Mapping
	annotations, labels  yamldoc.Mapping
}

// describe reads the entity of a document whose kind is known.
func (r documentReader) describe(
	doc yamldoc.Document,
	fields yamldoc.FieldReader,
	kind string,
) (Entity, *Location, bool) {
	d := &described{fields: fields, kind: kind, root: fields.Mapping(doc.Node, "")}
	d.metadata = fields.Sub(d.root, "metadata")
	d.spec = fields.Sub(d.root, "spec")
	if !r.Foreign {
		r.checkFields(d)
	}
	e := d.identity()
	e.File, e.Line = r.File, doc.StartLine()
	if yamldoc.Kind(d.metadata.Get("annotations")) != "nothing" { // Backstage accepts the key without a value
		e.Annotations, d.annotations = fields.TextMap(d.metadata, "annotations")
	}
	if e.Annotations[orphanAnnotation] == "true" {
		return Entity{}, nil, false
	}
	if kind == "Location" {
		if e.Name == "" {
			fields.Warn(cmp.Or(d.metadata.LineOf("name"), e.Line), "the Location has no metadata.name, and Backstage refuses "+
				"it without: add it")
		}
		d.complete(&e)
		d.checkNames(e)
		return e, d.location(), true
	}
	if e.Name == "" {
		r.Fail(r.File, d.metadata.LineOf("name"), "the %s has no metadata.name", kind)
		return Entity{}, nil, false
	}
	d.complete(&e)
	d.checkNames(e)
	d.readCreatedAt(&e)
	return e, nil, true
}

// identity reads what makes the ref of an entity.
func (d *described) identity() Entity {
	name := ""
	if yamldoc.Kind(d.metadata.Get("name")) != "nothing" { // without a value it is missing, and that is said
		name = d.fields.Text(d.metadata, "name")
	}
	namespace := d.text(d.metadata, "namespace")
	e := Entity{Kind: d.kind, Name: name, Namespace: strings.ToLower(orWord(namespace, identifier.DefaultNamespace))}
	e.Ref = identifier.Ref{Kind: strings.ToLower(d.kind), Namespace: e.Namespace, Name: strings.ToLower(name)}.String()
	return e
}

func (d *described) location() *Location {
	presence := d.text(d.spec, "presence")
	if presence != "" && presence != "optional" && presence != "required" {
		d.fields.Warn(d.spec.LineOf("presence"), "spec.presence %q is read as required, and Backstage refuses it: "+
			"write required or optional", presence)
	}
	location := &Location{Optional: presence == "optional"}
	if target := d.text(d.spec, "target"); target != "" {
		location.Targets = append(location.Targets, target)
	}
	for _, t := range d.texts(d.spec, "targets") {
		location.Targets = append(location.Targets, t.Text)
	}
	return location
}

// complete reads the fields of an entity behind its identity. A field that its kind does not have stays empty.
func (d *described) complete(e *Entity) {
	e.Title = d.text(d.metadata, "title")
	e.Description = strings.TrimSpace(d.fields.Text(d.metadata, "description"))
	for _, t := range d.texts(d.metadata, "tags") {
		e.Tags = append(e.Tags, t.Text)
	}
	e.Links = d.links()
	e.Labels, d.labels = d.fields.TextMap(d.metadata, "labels")
	e.Type, e.Lifecycle = d.text(d.spec, "type"), d.text(d.spec, "lifecycle")
	if d.spec.Has("profile") {
		p := d.fields.Sub(d.spec, "profile")
		d.checkMerge(p)
		e.Profile = Profile{
			DisplayName: d.text(p, "displayName"),
			Email:       d.text(p, "email"),
			Picture:     d.text(p, "picture"),
		}
	}
	one := func(name, kind string) string {
		if !d.spec.Has(name) {
			return ""
		}
		value := yamldoc.Located{Text: d.text(d.spec, name), Line: d.spec.LineOf(name)}
		if refs := d.refs(name, []yamldoc.Located{value}, kind, e.Namespace); len(refs) > 0 {
			return refs[0]
		}
		return ""
	}
	many := func(name, kind string) []string { return d.refs(name, d.texts(d.spec, name), kind, e.Namespace) }
	e.Owner, e.System, e.Domain = one("owner", "group"), one("system", "system"), one("domain", "domain")
	e.PartOf = orWord(one("subcomponentOf", "component"), orWord(one("subdomainOf", "domain"), one("parent", "group")))
	e.DependsOn, e.DependencyOf = many("dependsOn", anyKind), many("dependencyOf", anyKind)
	e.ProvidesAPIs, e.ConsumesAPIs = many("providesApis", "api"), many("consumesApis", "api")
	e.Children, e.Members, e.MemberOf = many("children", "group"), many("members", "user"), many("memberOf", "group")
}

// anyKind is the kind of refs that Backstage wants with their kind.
const anyKind = ""

// refs completes the refs of one field. One that cannot be read is a warning at its own line and left out.
func (d *described) refs(name string, values []yamldoc.Located, kind, namespace string) []string {
	var out []string
	seen := make(map[string]bool, len(values))
	for _, v := range values {
		if v.Text == "" {
			continue
		}
		ref, err := identifier.ParseRef(v.Text, orWord(kind, "component"), namespace)
		if err != nil {
			d.fields.Warn(v.Line, "spec.%s: %v; it is ignored", name, err)
			continue
		}
		if !validKind(ref.Kind) || (!validNamespace(ref.Namespace) && ref.Namespace != namespace) || !validName(ref.Name) {
			d.fields.Warn(v.Line, "spec.%s: %q cannot be the ref of an entity in Backstage: "+
				"write kind:namespace/name or a name, of letters and digits with -, _ or . between them", name, v.Text)
		}
		if before, _, _ := strings.Cut(v.Text, "/"); kind == anyKind && !strings.Contains(before, ":") {
			d.fields.Warn(v.Line, "spec.%s: %q has no kind, and Backstage refuses that; it is read as %s: write the kind",
				name, v.Text, ref)
		}
		if s := ref.String(); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func (d *described) readCreatedAt(e *Entity) {
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
	d.fields.Warn(d.annotations.LineOf(createdAtAnnotation), "annotation %s: %q is not a date; write 2026-03-31 or "+
		"2026-03-31T09:00:00Z",
		createdAtAnnotation, value)
}
