package descriptor

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/yamldoc"
)

// checkFields warns of fields that the kind does not have, and of those without which Backstage refuses the entity.
func (r documentReader) checkFields(d *described) {
	for _, e := range d.root.Entries {
		if !slices.Contains(topFields, e.Key) {
			d.fields.Warn(e.Line, "field %s is not known, and Backstage refuses it; it is ignored: remove it", e.Key)
		}
	}
	for _, m := range []struct {
		yamldoc.Mapping
		known []string
	}{{d.metadata, metadataFields}, {d.spec, specFields[d.kind]}} {
		for _, e := range m.Entries {
			if !slices.Contains(m.known, e.Key) {
				d.fields.Warn(e.Line, "field %s is not known; it is ignored", m.Join(e.Key))
			}
		}
	}
	var missing []string
	for _, name := range requiredFields[d.kind] {
		if !d.spec.Has(name) {
			missing = append(missing, "spec."+name)
		}
	}
	if len(missing) > 0 {
		d.fields.Warn(d.spec.Line, "the %s has no %s, and Backstage refuses it without: add %s",
			d.kind, strings.Join(missing, ", "), plural(len(missing), "it", "them"))
	}
	d.text(d.metadata, "uid")
	d.text(d.metadata, "etag")
	if d.kind == "API" {
		d.checkDefinition()
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// checkNames warns of what Backstage itself would refuse.
func (d *described) checkNames(e Entity) {
	m := d.metadata
	if e.Name != "" && !validName(e.Name) {
		d.fields.Warn(m.LineOf("name"), "name %q would be refused by Backstage: "+
			"letters and digits with -, _ or . between them, at most %d characters", e.Name, maxName)
	}
	if namespace := yamldoc.Scalar(m.Get("namespace")); namespace != "" && !validNamespace(namespace) {
		d.fields.Warn(m.LineOf("namespace"), "namespace %q would be refused by Backstage: "+
			"lower-case letters and digits with - between them, at most %d characters", namespace, maxName)
	}
	for _, tag := range e.Tags {
		if !validTag(tag) {
			d.fields.Warn(m.LineOf("tags"), "tag %q would be refused by Backstage: "+
				"lower-case letters, digits, +, : and # with single - between them, at most %d characters", tag, maxName)
		}
	}
	for _, of := range []yamldoc.Mapping{d.annotations, d.labels} {
		for _, entry := range of.Entries {
			if !validKey(entry.Key) {
				d.fields.Warn(entry.Line, "key %q of %s would be refused by Backstage: write name, or domain/name",
					entry.Key, strings.TrimPrefix(of.Path, "metadata."))
			}
		}
	}
	for _, entry := range d.labels.Entries {
		if value, ok := e.Labels[entry.Key]; ok && !validLabel(value) {
			d.fields.Warn(entry.Line, "label %s: the value %q would be refused by Backstage: "+
				"letters and digits with -, _ or . between them, at most %d characters", entry.Key, value, maxName)
		}
	}
	for _, of := range []yamldoc.Mapping{d.root, d.metadata, d.spec, d.annotations, d.labels} {
		d.checkMerge(of)
	}
}

func (d *described) checkMerge(m yamldoc.Mapping) {
	if m.MergeLine > 0 {
		d.fields.Warn(m.MergeLine, "%s has a merge key (<<), which Backstage does not know: "+
			"it would see a field of that name; write the fields themselves", m.Called())
	}
}
