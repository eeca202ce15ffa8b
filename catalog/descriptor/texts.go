package descriptor

import (
	"slices"
	"strings"

	"github.com/dxctl/dxctl/yamldoc"
)

// text reads a text that Backstage refuses if it is empty.
func (d *described) text(m yamldoc.Mapping, key string) string {
	text := d.fields.Text(m, key)
	if text == "" && yamldoc.Kind(m.Get(key)) == "a text" {
		d.warnEmpty(m.LineOf(key), m.Join(key))
	}
	return text
}

// texts reads a list of texts of which Backstage refuses an empty one.
func (d *described) texts(m yamldoc.Mapping, key string) []yamldoc.Located {
	all := d.fields.Texts(m, key)
	for _, t := range all {
		if t.Text == "" {
			d.warnEmpty(t.Line, "a text of "+m.Join(key))
		}
	}
	return slices.DeleteFunc(all, func(t yamldoc.Located) bool { return t.Text == "" })
}

func (d *described) warnEmpty(line int, what string) {
	d.fields.Warn(line, "%s is empty, and Backstage refuses that: write a value, or remove it", what)
}

// links reads metadata.links. A link that Backstage refuses is read with a warning.
func (d *described) links() []Link {
	var all []Link
	for _, m := range d.fields.List(d.metadata, "links") {
		link := Link{URL: d.text(m, "url"), Title: d.text(m, "title"), Icon: d.text(m, "icon"), Type: d.text(m, "type")}
		if !m.Has("url") {
			d.fields.Warn(m.Line, "%s has no url, and Backstage refuses it without: add it", m.Path)
		} else if link.URL != "" && !validURL(link.URL) {
			d.fields.Warn(m.LineOf("url"), "%s: the address %q would be refused by Backstage: write it with its scheme, "+
				"such as https://example.com", m.Join("url"), link.URL)
		}
		for key, text := range map[string]string{"title": link.Title, "icon": link.Icon} {
			if text != "" && strings.TrimSpace(text) == "" {
				d.warnEmpty(m.LineOf(key), m.Join(key))
			}
		}
		d.checkMerge(m)
		all = append(all, link)
	}
	return all
}

// checkDefinition warns of a definition of an API that is no text. Backstage fills in {$text: openapi.yaml}.
func (d *described) checkDefinition() {
	n := d.spec.Get("definition")
	switch kind := yamldoc.Kind(n); {
	case !d.spec.Has("definition") || yamldoc.Substitution(n) != "":
	case kind != "a text":
		d.fields.Warn(d.spec.LineOf("definition"), "spec.definition is %s and not a text, and Backstage refuses that", kind)
	case n.Value == "":
		d.warnEmpty(d.spec.LineOf("definition"), "spec.definition")
	}
}
