package catalog

import (
	"slices"
	"strings"
)

// checkFields warns of fields that the kind does not have, and of those without which Backstage refuses the entity.
func (r descriptorReader) checkFields(d *described) {
	for _, m := range []struct {
		mapping
		known []string
	}{{d.root, topFields}, {d.metadata, metadataFields}, {d.spec, specFields[d.kind]}} {
		for _, e := range m.entries {
			if !slices.Contains(m.known, e.key) {
				d.fields.warn(e.keyNode.Line+d.fields.offset, "field %s is not known; it is ignored", m.join(e.key))
			}
		}
	}
	var missing []string
	for _, name := range requiredFields[d.kind] {
		if !d.spec.has(name) {
			missing = append(missing, "spec."+name)
		}
	}
	if len(missing) > 0 {
		d.fields.warn(d.spec.line, "the %s has no %s, and Backstage refuses it without: add %s", d.kind, strings.Join(missing, ", "), plural(len(missing), "it", "them"))
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
	m, offset := d.metadata, d.fields.offset
	if !validName(e.Name) {
		d.fields.warn(m.lineOf("name", offset), "name %q would be refused by Backstage: letters and digits with -, _ or . between them, at most %d characters", e.Name, maxName)
	}
	if namespace := scalar(m.get("namespace")); namespace != "" && !validNamespace(namespace) {
		d.fields.warn(m.lineOf("namespace", offset), "namespace %q would be refused by Backstage: lower-case letters and digits with - between them, at most %d characters", namespace, maxName)
	}
	for _, tag := range e.Tags {
		if !validTag(tag) {
			d.fields.warn(m.lineOf("tags", offset), "tag %q would be refused by Backstage: lower-case letters, digits, +, : and # with single - between them, at most %d characters", tag, maxName)
		}
	}
	for _, of := range []mapping{d.annotations, d.labels} {
		for _, entry := range of.entries {
			if !validKey(entry.key) {
				d.fields.warn(entry.keyNode.Line+offset, "key %q of %s would be refused by Backstage: write name, or domain/name", entry.key, strings.TrimPrefix(of.path, "metadata."))
			}
		}
	}
	for _, entry := range d.labels.entries {
		if value, ok := e.Labels[entry.key]; ok && !validLabel(value) {
			d.fields.warn(entry.keyNode.Line+offset, "label %s: the value %q would be refused by Backstage: letters and digits with -, _ or . between them, at most %d characters", entry.key, value, maxName)
		}
	}
	for _, of := range []mapping{d.root, d.metadata, d.spec, d.annotations, d.labels} {
		if of.merged > 0 {
			d.fields.warn(of.merged+offset, "%s has a merge key (<<), which Backstage does not know: it would see a field of that name; write the fields themselves", of.called())
		}
	}
}
